//! Observing executions while they run.

use crate::outcome::Status;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// Receives everything that happens in the executions of a machine. It is called on the task that
/// makes the event, so it should be quick.
pub trait Observer: Send + Sync {
    /// Called for every event.
    fn event(&self, event: &Event<'_>);
}

/// Ignores all events.
impl Observer for () {
    fn event(&self, _: &Event<'_>) {}
}

/// An event of an execution.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Event<'e> {
    /// The instant on the machine's clock.
    pub at: SystemTime,
    /// The name of the execution in which it happened.
    pub execution: &'e str,
    /// The position in the execution's history, from 1, for events that the service records.
    pub id: Option<u64>,
    /// What happened.
    pub kind: EventKind<'e>,
}

/// The type of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateType {
    /// Branches on the input.
    Choice,
    /// Starts a child execution for every item of a list.
    Map,
    /// Rearranges data.
    Pass,
    /// Ends the execution as succeeded.
    Succeed,
    /// Calls a function.
    Task,
    /// Lets time pass.
    Wait,
}

impl StateType {
    /// Returns the name that the language uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Choice => "Choice",
            Self::Map => "Map",
            Self::Pass => "Pass",
            Self::Succeed => "Succeed",
            Self::Task => "Task",
            Self::Wait => "Wait",
        }
    }
}

/// Kinds of events: those of the service's history (all but the last four), and a few of this
/// interpreter's own.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the names are those of the service's history events"
)]
pub enum EventKind<'e> {
    ExecutionStarted {
        input: &'e Value,
    },
    ExecutionRedriven {
        /// How often the execution was redriven, with this time.
        count: u64,
    },
    ExecutionSucceeded {
        output: &'e Value,
    },
    ExecutionFailed {
        error: &'e str,
        cause: &'e str,
    },
    ExecutionTimedOut,
    ExecutionAborted {
        error: &'e str,
        cause: &'e str,
    },
    StateEntered {
        state: &'e str,
        state_type: StateType,
        input: &'e Value,
    },
    StateExited {
        state: &'e str,
        state_type: StateType,
        output: &'e Value,
    },
    TaskScheduled {
        state: &'e str,
        function: &'e str,
        payload: &'e Value,
    },
    TaskStarted {
        state: &'e str,
        function: &'e str,
    },
    TaskSucceeded {
        state: &'e str,
        function: &'e str,
        result: &'e Value,
    },
    TaskFailed {
        state: &'e str,
        function: &'e str,
        error: &'e str,
        cause: &'e str,
    },
    TaskTimedOut {
        state: &'e str,
        function: &'e str,
    },
    MapStateStarted {
        state: &'e str,
    },
    MapStateSucceeded {
        state: &'e str,
    },
    MapStateFailed {
        state: &'e str,
    },
    MapRunStarted {
        state: &'e str,
    },
    MapRunRedriven {
        state: &'e str,
    },
    MapRunSucceeded {
        state: &'e str,
    },
    MapRunFailed {
        state: &'e str,
        error: &'e str,
        cause: &'e str,
    },
    /// A child execution begins; `index` is the position of its item.
    ChildStarted {
        state: &'e str,
        child: &'e str,
        index: usize,
        input: &'e Value,
    },
    /// A child execution has ended.
    ChildFinished {
        state: &'e str,
        child: &'e str,
        index: usize,
        status: &'e Status,
    },
    /// A Wait state begins to wait.
    Waiting {
        state: &'e str,
        duration: Duration,
    },
    /// The state will be retried after `delay`; `retry` counts from 1.
    Retrying {
        state: &'e str,
        error: &'e str,
        retry: u64,
        delay: Duration,
    },
}

impl EventKind<'_> {
    /// Whether the service records the event in the execution's history.
    pub fn is_recorded(&self) -> bool {
        !matches!(
            self,
            Self::ChildStarted { .. }
                | Self::ChildFinished { .. }
                | Self::Waiting { .. }
                | Self::Retrying { .. }
        )
    }

    /// Returns the event's name, for recorded events in the service's spelling
    /// (`PassStateEntered`).
    pub fn name(&self) -> String {
        let name = match self {
            Self::StateEntered { state_type, .. } => {
                return format!("{}StateEntered", state_type.as_str());
            }
            Self::StateExited { state_type, .. } => {
                return format!("{}StateExited", state_type.as_str());
            }
            Self::ExecutionStarted { .. } => "ExecutionStarted",
            Self::ExecutionRedriven { .. } => "ExecutionRedriven",
            Self::ExecutionSucceeded { .. } => "ExecutionSucceeded",
            Self::ExecutionFailed { .. } => "ExecutionFailed",
            Self::ExecutionTimedOut => "ExecutionTimedOut",
            Self::ExecutionAborted { .. } => "ExecutionAborted",
            Self::TaskScheduled { .. } => "TaskScheduled",
            Self::TaskStarted { .. } => "TaskStarted",
            Self::TaskSucceeded { .. } => "TaskSucceeded",
            Self::TaskFailed { .. } => "TaskFailed",
            Self::TaskTimedOut { .. } => "TaskTimedOut",
            Self::MapStateStarted { .. } => "MapStateStarted",
            Self::MapStateSucceeded { .. } => "MapStateSucceeded",
            Self::MapStateFailed { .. } => "MapStateFailed",
            Self::MapRunStarted { .. } => "MapRunStarted",
            Self::MapRunRedriven { .. } => "MapRunRedriven",
            Self::MapRunSucceeded { .. } => "MapRunSucceeded",
            Self::MapRunFailed { .. } => "MapRunFailed",
            Self::ChildStarted { .. } => "ChildStarted",
            Self::ChildFinished { .. } => "ChildFinished",
            Self::Waiting { .. } => "Waiting",
            Self::Retrying { .. } => "Retrying",
        };
        name.to_owned()
    }
}
