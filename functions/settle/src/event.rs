//! EventBridge's "Step Functions Execution Status Change", reduced to the members that `settle`
//! uses.

use quarry_edge::telemetry::{About, CallSubject};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The event that `settle` is called with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ExecutionEvent {
    /// The execution and its change.
    pub detail: ExecutionDetail,
}

/// The execution and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionDetail {
    /// The execution.
    pub execution_arn: String,
    /// Its state machine; for a child of a Distributed Map, `/` and the Map's label follow.
    pub state_machine_arn: String,
    /// The execution's name, which is the run's.
    pub name: String,
    /// The status after the change.
    pub status: EndStatus,
    /// When it started, milliseconds since 1970-01-01T00:00:00Z.
    #[serde(default)]
    pub start_date: Option<u64>,
    /// When it ended, milliseconds since 1970-01-01T00:00:00Z.
    #[serde(default)]
    pub stop_date: Option<u64>,
    /// Its input, JSON; absent when input and output together are too large for an event.
    #[serde(default)]
    pub input: Option<String>,
    /// Whether the event includes the input.
    #[serde(default)]
    pub input_details: Option<Included>,
    /// Its output, JSON.
    #[serde(default)]
    pub output: Option<String>,
    /// Whether the event includes the output.
    #[serde(default)]
    pub output_details: Option<Included>,
    /// The name of the error that ended it; not in every event.
    #[serde(default)]
    pub error: Option<String>,
    /// The error's message; not in every event.
    #[serde(default)]
    pub cause: Option<String>,
}

/// Whether a payload is in the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Included {
    /// If `false`, the payload must be requested.
    pub included: bool,
}

/// The status of an execution after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndStatus {
    /// It began, or was redriven.
    Running,
    /// It ended well.
    Succeeded,
    /// An error ended it.
    Failed,
    /// It exceeded its time limit.
    TimedOut,
    /// It was stopped.
    Aborted,
}

impl EndStatus {
    /// Returns the service's name of the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }
}

impl About for ExecutionEvent {
    fn subject(&self) -> CallSubject {
        CallSubject {
            run: Some(self.detail.name.clone()),
            ..CallSubject::default()
        }
    }
}

impl ExecutionDetail {
    /// Whether the execution is a slice's, not a run's.
    pub(crate) fn is_child(&self) -> bool {
        self.state_machine_arn.contains('/') || self.execution_arn.contains('/')
    }

    /// Whether the event has everything that `settle` needs of the execution's input and output.
    pub(crate) fn is_complete(&self) -> bool {
        let there = |text: &Option<String>, details: Option<Included>| {
            text.is_some() && details.is_none_or(|details| details.included)
        };
        there(&self.input, self.input_details)
            && (self.status != EndStatus::Succeeded || there(&self.output, self.output_details))
    }

    /// When the execution started, since 1970-01-01T00:00:00Z.
    pub(crate) fn started(&self) -> Option<Duration> {
        self.start_date.map(Duration::from_millis)
    }

    /// When the execution ended, since 1970-01-01T00:00:00Z.
    pub(crate) fn ended(&self) -> Option<Duration> {
        self.stop_date.map(Duration::from_millis)
    }
}
