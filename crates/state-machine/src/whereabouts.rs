//! Where an execution stands, kept so that a redrive can continue from there.
//!
//! The service keeps this in the history of an execution. Here it is the state that the execution is
//! in with the state's input, and for a Map state the same of every child.

use crate::outcome::Status;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Where one execution stands. It outlives the execution's tasks.
#[derive(Debug, Default)]
pub(crate) struct Whereabouts(Mutex<WhereaboutsParts>);

#[derive(Debug, Default)]
struct WhereaboutsParts {
    started: Option<String>,
    at: Option<WhereaboutsState>,
    end: Option<WhereaboutsEnd>,
    output: Option<Value>,
    events: u64,
    redrives: u64,
    map_runs: u64,
    map_run: Option<WhereaboutsMapRun>,
}

/// The state that an execution is in.
#[derive(Debug, Clone)]
pub(crate) struct WhereaboutsState {
    pub(crate) name: String,
    pub(crate) input: Value,
}

/// The end of an execution.
#[derive(Debug, Clone)]
pub(crate) struct WhereaboutsEnd {
    pub(crate) at: SystemTime,
    pub(crate) succeeded: bool,
}

/// The Map Run that an execution is in.
#[derive(Debug, Clone)]
pub(crate) struct WhereaboutsMapRun {
    /// Its number within the execution, from 1.
    pub(crate) number: u64,
    pub(crate) items: Arc<Vec<Value>>,
    children: BTreeMap<usize, Arc<Whereabouts>>,
}

impl WhereaboutsMapRun {
    /// Returns where the child of this item stands, if the child began.
    pub(crate) fn child(&self, index: usize) -> Option<&Arc<Whereabouts>> {
        self.children.get(&index)
    }
}

impl Whereabouts {
    fn parts(&self) -> MutexGuard<'_, WhereaboutsParts> {
        // No statement that changes the parts can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time of the execution's start, which is `now` unless it began before.
    pub(crate) fn start_time(&self, now: String) -> String {
        self.parts().started.get_or_insert(now).clone()
    }

    /// Notes that the execution enters a state.
    pub(crate) fn enter(&self, name: &str, input: &Value) {
        let mut parts = self.parts();
        parts.at = Some(WhereaboutsState {
            name: name.to_owned(),
            input: input.clone(),
        });
        parts.map_run = None;
    }

    /// Returns the state that the execution is in, if it began.
    pub(crate) fn state(&self) -> Option<WhereaboutsState> {
        self.parts().at.clone()
    }

    /// Begins a Map Run over these items.
    pub(crate) fn begin_map_run(&self, items: Vec<Value>) -> WhereaboutsMapRun {
        let mut parts = self.parts();
        parts.map_runs += 1;
        let run = WhereaboutsMapRun {
            number: parts.map_runs,
            items: Arc::new(items),
            children: BTreeMap::new(),
        };
        parts.map_run = Some(run.clone());
        run
    }

    /// Returns the Map Run that the execution is in, if it has read its items.
    pub(crate) fn map_run(&self) -> Option<WhereaboutsMapRun> {
        self.parts().map_run.clone()
    }

    /// Begins the child of this item, or continues it.
    pub(crate) fn begin_child(&self, index: usize) -> Arc<Self> {
        let mut parts = self.parts();
        match &mut parts.map_run {
            Some(run) => Arc::clone(run.children.entry(index).or_default()),
            None => Arc::default(),
        }
    }

    /// Returns the number of events that the execution's history had at its last end.
    pub(crate) fn events(&self) -> u64 {
        self.parts().events
    }

    /// Notes the end of the execution.
    pub(crate) fn close(&self, status: &Status, at: SystemTime, events: u64) {
        let mut parts = self.parts();
        parts.events = events;
        let succeeded = match status {
            Status::Succeeded(output) => {
                parts.output = Some(output.clone());
                // Nothing continues from here.
                parts.at = None;
                parts.map_run = None;
                true
            }
            _ => false,
        };
        parts.end = Some(WhereaboutsEnd { at, succeeded });
    }

    /// Returns the end, if the execution has ended.
    pub(crate) fn end(&self) -> Option<WhereaboutsEnd> {
        self.parts().end.clone()
    }

    /// Returns the output, if the execution has succeeded.
    pub(crate) fn output(&self) -> Option<Value> {
        self.parts().output.clone()
    }

    /// Opens the execution again.
    pub(crate) fn redrive(&self) {
        let mut parts = self.parts();
        parts.end = None;
        parts.redrives += 1;
    }

    /// Returns how often the execution was redriven.
    pub(crate) fn redrives(&self) -> u64 {
        self.parts().redrives
    }
}
