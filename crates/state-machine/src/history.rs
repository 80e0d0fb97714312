//! The event history of one execution: its events are counted, limited and shown to the observer,
//! but not kept.
//!
//! The counts follow the histories that the service records. Per state: Choice, Pass, Succeed and
//! Wait have 2 events (entered, exited); Task has 2, plus 3 per attempt (scheduled, started, and
//! succeeded, failed or timed out); Map has 2, plus 3 per attempt (state started, Map Run started,
//! Map Run succeeded or failed), plus 1 at the end (state succeeded or failed). A state that fails
//! has no exited event. In addition, an execution has one event for its start and one for its end.
//! Children count in their own histories.
//!
//! Sources: AWS API reference, `HistoryEvent`; histories recorded from the service in the test
//! suite of `LocalStack` (`tests/aws/services/stepfunctions/v2/**/*.snapshot.json`); for the limit,
//! a history that ran into it, in which event 24,999 is the last that the machine made and event
//! 25,000 is `ExecutionFailed` with the error `States.Runtime`.

use crate::clock::VirtualClock;
use crate::failure::{StateFailure, names};
use crate::limits::MAX_HISTORY_EVENTS;
use crate::observer::{Event, EventKind, Observer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The history of one execution.
pub(crate) struct History {
    execution: String,
    clock: VirtualClock,
    observer: Arc<dyn Observer>,
    events: AtomicU64,
    finished: AtomicBool,
}

impl History {
    /// A history that has `events` events already.
    pub(crate) fn new(
        execution: String,
        clock: VirtualClock,
        observer: Arc<dyn Observer>,
        events: u64,
    ) -> Self {
        Self {
            execution,
            clock,
            observer,
            events: AtomicU64::new(events),
            finished: AtomicBool::new(false),
        }
    }

    /// Records an event that does not end the execution. Returns an error when there is room only
    /// for the event that ends it.
    pub(crate) fn record(&self, kind: EventKind<'_>) -> Result<u64, StateFailure> {
        if self.len() + 1 >= MAX_HISTORY_EVENTS {
            return Err(StateFailure::terminal(
                names::RUNTIME,
                format!(
                    "The execution reached the maximum number of history events \
                     ({MAX_HISTORY_EVENTS})."
                ),
            ));
        }
        Ok(self.append(kind))
    }

    /// Records the event that ends the execution, unless it has ended already.
    pub(crate) fn finish(&self, kind: EventKind<'_>) {
        if !self.finished.swap(true, Ordering::AcqRel) {
            self.append(kind);
        }
    }

    /// Shows an event that is not part of the history.
    pub(crate) fn show(&self, kind: EventKind<'_>) {
        self.notify(None, kind);
    }

    /// Returns the number of events recorded.
    pub(crate) fn len(&self) -> u64 {
        self.events.load(Ordering::Acquire)
    }

    fn append(&self, kind: EventKind<'_>) -> u64 {
        let id = self.events.fetch_add(1, Ordering::AcqRel) + 1;
        self.notify(Some(id), kind);
        id
    }

    fn notify(&self, id: Option<u64>, kind: EventKind<'_>) {
        self.observer.event(&Event {
            at: self.clock.now(),
            execution: &self.execution,
            id,
            kind,
        });
    }
}
