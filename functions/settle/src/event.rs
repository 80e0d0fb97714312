//! What `settle` is called with: EventBridge's "Step Functions Execution Status Change", reduced to the
//! members that `settle` uses, or the input of the schedule.

use quarry_edge::executions::{ExecutionStatus, ListedExecution};
use quarry_edge::telemetry::{About, CallSubject};
use serde::Deserialize;
use std::time::Duration;

/// The payload of a call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "SettlePayload")]
pub enum SettleEvent {
    /// An execution ended.
    Ended(Box<ExecutionEvent>),
    /// The schedule: look for what the events have missed.
    Sweep,
}

/// The members of both payloads.
#[derive(Deserialize)]
struct SettlePayload {
    #[serde(default)]
    detail: Option<ExecutionDetail>,
    #[serde(default)]
    sweep: bool,
}

impl TryFrom<SettlePayload> for SettleEvent {
    type Error = &'static str;

    fn try_from(payload: SettlePayload) -> Result<Self, Self::Error> {
        match (payload.detail, payload.sweep) {
            (Some(detail), false) => Ok(Self::Ended(Box::new(ExecutionEvent { detail }))),
            (None, true) => Ok(Self::Sweep),
            _ => Err("it needs either `detail`, the execution that ended, or `\"sweep\": true`"),
        }
    }
}

impl About for SettleEvent {
    fn subject(&self) -> CallSubject {
        match self {
            Self::Ended(event) => event.subject(),
            Self::Sweep => CallSubject::default(),
        }
    }
}

/// The event of an end.
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
    pub status: ExecutionStatus,
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

impl About for ExecutionEvent {
    fn subject(&self) -> CallSubject {
        CallSubject {
            run: Some(self.detail.name.clone()),
            ..CallSubject::default()
        }
    }
}

impl ExecutionDetail {
    /// Returns the event of an execution that Step Functions lists, without the payloads.
    pub(crate) fn of(listed: &ListedExecution, state_machine_arn: &str) -> Self {
        let millis = |time: Duration| u64::try_from(time.as_millis()).ok();
        Self {
            execution_arn: listed.arn.clone(),
            state_machine_arn: state_machine_arn.to_owned(),
            name: listed.name.clone(),
            status: listed.status,
            start_date: millis(listed.started),
            stop_date: listed.ended.and_then(millis),
            input: None,
            input_details: None,
            output: None,
            output_details: None,
            error: None,
            cause: None,
        }
    }

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
            && (self.status != ExecutionStatus::Succeeded
                || there(&self.output, self.output_details))
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
