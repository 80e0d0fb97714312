//! How an execution ended, and what it cost.

use crate::failure::ErrorCause;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// A state with `End`, or a Succeed state, produced this output.
    Succeeded(Value),
    /// No retrier had an attempt left for this error.
    Failed {
        /// Name of the error.
        error: String,
        /// The cause; empty if nothing is known.
        cause: String,
    },
    /// The definition's `TimeoutSeconds`, or one year, has passed.
    TimedOut,
    /// The execution was stopped.
    Aborted {
        /// The name of the error as given to [`crate::StopHandle::stop`].
        error: String,
        /// The cause as given to [`crate::StopHandle::stop`].
        cause: String,
    },
}

impl From<ErrorCause> for Status {
    fn from(ErrorCause { error, cause }: ErrorCause) -> Self {
        Self::Failed { error, cause }
    }
}

/// How an execution ended, and what it cost.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExecutionOutcome {
    /// How it ended.
    pub status: Status,
    /// How often it was redriven. The other counts, except those of events, are of the time since
    /// the last redrive.
    pub redrives: u64,
    /// The number of events in its own history.
    pub history_events: u64,
    /// The most events in the history of one of its descendants; 0 without any.
    pub max_child_history_events: u64,
    /// The number of descendants: child executions that were started, and their children.
    pub children: u64,
    /// The state transitions of this execution and all descendants: states entered plus retries.
    pub state_transitions: u64,
    /// The time that passed on the clock.
    pub virtual_elapsed: Duration,
    /// The first child that failed. A failed child fails its Map state under a different name
    /// (`States.ExceedToleratedFailureThreshold`), so the real reason is here.
    pub first_child_failure: Option<ChildFailure>,
}

/// A child execution that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildFailure {
    /// The name of the child execution.
    pub child: String,
    /// The position of its item.
    pub index: usize,
    /// The name of the error.
    pub error: String,
    /// The cause of the error.
    pub cause: String,
}

/// What an execution and all its descendants have cost so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    children: AtomicU64,
    max_child_events: AtomicU64,
    transitions: AtomicU64,
    first_child_failure: Mutex<Option<ChildFailure>>,
}

impl Tally {
    pub(crate) fn child_started(&self) {
        self.children.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn child_finished(&self, history_events: u64) {
        self.max_child_events
            .fetch_max(history_events, Ordering::Relaxed);
    }

    pub(crate) fn child_failed(&self, failure: impl FnOnce() -> ChildFailure) {
        self.first_child_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(failure);
    }

    pub(crate) fn transition(&self) {
        self.transitions.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn outcome(
        &self,
        status: Status,
        redrives: u64,
        history_events: u64,
        virtual_elapsed: Duration,
    ) -> ExecutionOutcome {
        let first_child_failure = self
            .first_child_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        ExecutionOutcome {
            status,
            redrives,
            history_events,
            max_child_history_events: self.max_child_events.load(Ordering::Relaxed),
            children: self.children.load(Ordering::Relaxed),
            state_transitions: self.transitions.load(Ordering::Relaxed),
            virtual_elapsed,
            first_child_failure,
        }
    }
}
