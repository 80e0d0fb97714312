//! Telling `settle` of the end of a run, as EventBridge does.

use crate::support::place;
use quarry_edge::callbacks::memory::MemoryCallbacks;
use quarry_edge::executions::memory::MemoryExecutions;
use quarry_local_stack::LocalStack;
use quarry_settle::{Deps, RedriveTime, Settled};
use quarry_state_machine::{ExecutionOutcome, Status};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:quarry";

/// An execution that ended.
#[derive(Clone, Copy)]
pub(crate) struct Ended<'a> {
    pub(crate) name: &'a str,
    pub(crate) input: &'a Value,
    pub(crate) outcome: &'a ExecutionOutcome,
    /// When it ended, since 1970-01-01T00:00:00Z.
    pub(crate) at: Duration,
}

/// Returns what `settle` needs on this stack.
pub(crate) fn deps(
    stack: &LocalStack,
    executions: &MemoryExecutions,
    callbacks: &MemoryCallbacks,
) -> Deps {
    Deps {
        store: Arc::clone(stack.store()),
        jobs: Arc::clone(stack.jobs()),
        executions: Arc::new(executions.clone()),
        callbacks: Arc::new(callbacks.clone()),
        clock: Arc::clone(stack.clock()),
        work: Some(place("work")),
        machine: MACHINE.to_owned(),
        // What a failed run leaves is stopped at once. `sweeps` has the other way.
        redrive: RedriveTime::from_hours(Some("0")).unwrap(),
    }
}

/// Calls `settle` with the event of an end. The error is its name.
pub(crate) async fn settle(deps: &Deps, ended: Ended<'_>) -> Result<Settled, String> {
    let Ended {
        name,
        input,
        outcome,
        at,
    } = ended;
    let (status, output, error, cause) = match &outcome.status {
        Status::Succeeded(output) => ("SUCCEEDED", Some(output.to_string()), None, None),
        Status::Failed { error, cause } => ("FAILED", None, Some(error), Some(cause)),
        Status::Aborted { error, cause } => ("ABORTED", None, Some(error), Some(cause)),
        Status::TimedOut => ("TIMED_OUT", None, None, None),
    };
    let event = json!({
        "detail": {
            "executionArn": format!("arn:aws:states:us-east-1:123456789012:execution:quarry:{name}"),
            "stateMachineArn": MACHINE,
            "name": name,
            "status": status,
            "stopDate": u64::try_from(at.as_millis()).unwrap(),
            "input": input.to_string(),
            "inputDetails": {"included": true},
            "output": output,
            "error": error,
            "cause": cause,
        },
    });
    let event = serde_json::from_value(event).unwrap();
    let settled = quarry_settle::settle(deps, event).await;
    settled.map_err(|error| error.name().to_owned())
}
