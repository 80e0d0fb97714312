//! Executions of the state machine: starting, stopping and reading them.

mod directory;
#[cfg(feature = "testing")]
pub mod memory;
mod states;
mod step_functions;

use crate::error::StepError;
use crate::failure::CallError;
use async_trait::async_trait;
use std::time::Duration;

pub use directory::{Redriven, RunDirectory, ShownRun, StepFunctionsRuns};
pub use quarry_contract::execution_status::ExecutionStatus;
pub use step_functions::{StateMachine, StepFunctionsRecords};

/// The outcome of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// The execution is running, since now or since an earlier start with the same input.
    Running,
    /// An execution of this name existed already; none was started.
    AlreadyRan,
}

/// The outcome of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The execution is being stopped, or had ended before.
    Stopping,
    /// No execution has this name.
    NoSuchExecution,
}

/// Starts and stops executions of one state machine, by name.
#[async_trait]
pub trait Executions: Send + Sync {
    /// Starts an execution; `input` is JSON. A name can be used once in 90 days.
    async fn start(&self, name: &str, input: &str) -> Result<Started, CallError>;
    /// Stops an execution, which will end with this `error` and `cause`.
    async fn stop(&self, name: &str, error: &str, cause: &str) -> Result<Stopped, CallError>;
}

/// The known facts about an execution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionRecord {
    /// Its status.
    pub status: ExecutionStatus,
    /// When it started, since 1970-01-01T00:00:00Z.
    pub started: Option<Duration>,
    /// Its input, JSON.
    pub input: Option<String>,
    /// Its output, JSON, if it succeeded.
    pub output: Option<String>,
    /// The error with which it failed or was stopped.
    pub failure: Option<Cause>,
    /// When it ended, since 1970-01-01T00:00:00Z.
    pub ended: Option<Duration>,
    /// When it was last redriven, since 1970-01-01T00:00:00Z.
    pub redriven: Option<Duration>,
    /// Whether it has ended and can be redriven no more: its end is too long ago, or its history is
    /// full.
    pub is_final: bool,
}

/// An execution as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedExecution {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ExecutionStatus,
    /// When it started, since 1970-01-01T00:00:00Z.
    pub started: Duration,
    /// When it ended, since 1970-01-01T00:00:00Z.
    pub ended: Option<Duration>,
}

/// A page of a list of executions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionPage {
    /// Its executions, the one that started last first.
    pub executions: Vec<ListedExecution>,
    /// The token of the next page, if there is one.
    pub next: Option<String>,
}

/// An error's name and its cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cause {
    /// The error's name.
    pub error: String,
    /// The cause; for a failed function, its error response as JSON.
    pub cause: String,
}

/// Reads executions, by ARN.
#[async_trait]
pub trait ExecutionRecords: Send + Sync {
    /// Returns an execution's input and state. Changes of the last seconds may be missing.
    async fn describe(&self, arn: &str) -> Result<ExecutionRecord, CallError>;
    /// Returns why a child of the execution's Distributed Map failed, if one did.
    async fn failed_child(&self, arn: &str) -> Result<Option<Cause>, CallError>;
    /// Returns the name of the function that was called last in an execution, or in the child of its
    /// Distributed Map that failed, if one did.
    async fn last_function(&self, arn: &str) -> Result<Option<String>, CallError>;
    /// Returns a page of the executions of a state machine: the first page, or the one of a token.
    async fn page(&self, machine: &str, token: Option<&str>) -> Result<ExecutionPage, CallError>;
}

/// Returns the beginning of the ARNs of a state machine's executions.
fn its_executions(machine: &str) -> Result<String, StepError> {
    executions_of(machine).ok_or_else(|| {
        StepError::bad_request(format!(
            "`{machine}` is not the ARN of a state machine: it must be \
             arn:<partition>:states:<region>:<account>:stateMachine:<name>"
        ))
    })
}

/// Returns the beginning of the ARNs of a state machine's executions; `None` if `arn` is not that of a
/// state machine.
pub fn executions_of(arn: &str) -> Option<String> {
    let (place, name) = arn.split_once(":stateMachine:")?;
    if !place.starts_with("arn:") || name.is_empty() || name.contains(':') {
        return None;
    }
    Some(format!("{place}:execution:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_named_after_their_machine() {
        assert_eq!(
            executions_of("arn:aws-cn:states:cn-north-1:123456789012:stateMachine:quarry").unwrap(),
            "arn:aws-cn:states:cn-north-1:123456789012:execution:quarry"
        );
        for arn in [
            "",
            "quarry",
            "arn:aws:states:us-east-1:123456789012:stateMachine:",
            "arn:aws:states:us-east-1:123456789012:stateMachine:quarry:live",
            "arn:aws:lambda:us-east-1:123456789012:function:quarry",
        ] {
            assert_eq!(executions_of(arn), None, "{arn}");
        }
    }
}
