//! Executions of the state machine: starting, stopping and reading them.

mod directory;
#[cfg(feature = "testing")]
pub mod memory;

use crate::error::StepError;
use crate::failure::{CallError, Failure};
use crate::signed::{JSON_1_0, SignedCalls, SignedService, address_for, endpoint_of, read_json};
use async_trait::async_trait;
use aws_config::SdkConfig;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// The most executions in one response (`ListExecutions`, `maxResults`).
const EXECUTIONS_OF_A_PAGE: u32 = 1_000;

pub use directory::{Redriven, RunDirectory, RunEntry, ShownRun, StepFunctionsRuns};
pub use quarry_contract::execution_status::ExecutionStatus;

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
    /// Returns a page of the executions of a state machine: the first page, or the one of a token.
    async fn page(&self, machine: &str, token: Option<&str>) -> Result<ExecutionPage, CallError>;
}

/// [`Executions`] of a state machine in Step Functions.
#[derive(Debug, Clone)]
pub struct StateMachine {
    calls: StatesCalls,
    arn: String,
    /// The beginning of its executions' ARNs.
    executions: String,
}

impl StateMachine {
    /// Uses the state machine with this ARN.
    pub fn new(config: &SdkConfig, arn: &str) -> Result<Self, StepError> {
        Ok(Self {
            calls: StatesCalls::new(config)?,
            arn: arn.to_owned(),
            executions: its_executions(arn)?,
        })
    }
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

#[async_trait]
impl Executions for StateMachine {
    async fn start(&self, name: &str, input: &str) -> Result<Started, CallError> {
        let body = json!({"stateMachineArn": self.arn, "name": name, "input": input});
        match self.calls.call("StartExecution", &body).await {
            Ok(_) => Ok(Started::Running),
            Err(failure) if is(&failure, "ExecutionAlreadyExists") => Ok(Started::AlreadyRan),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn stop(&self, name: &str, error: &str, cause: &str) -> Result<Stopped, CallError> {
        let arn = format!("{}:{name}", self.executions);
        let body = json!({"executionArn": arn, "error": error, "cause": cause});
        match self.calls.call("StopExecution", &body).await {
            Ok(_) => Ok(Stopped::Stopping),
            Err(failure) if is(&failure, "ExecutionDoesNotExist") => Ok(Stopped::NoSuchExecution),
            Err(failure) => Err(failure.into()),
        }
    }
}

fn is(failure: &Failure, code: &str) -> bool {
    failure.code.as_deref() == Some(code)
}

/// [`ExecutionRecords`] of Step Functions.
#[derive(Debug, Clone)]
pub struct StepFunctionsRecords {
    calls: StatesCalls,
}

impl StepFunctionsRecords {
    /// Reads executions of the configuration's Region and account.
    pub fn new(config: &SdkConfig) -> Result<Self, StepError> {
        Ok(Self {
            calls: StatesCalls::new(config)?,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownExecution {
    #[serde(default)]
    status: ExecutionStatus,
    start_date: Option<f64>,
    redrive_status: Option<String>,
    input: Option<String>,
    output: Option<String>,
    error: Option<String>,
    cause: Option<String>,
    stop_date: Option<f64>,
    redrive_date: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownPage {
    executions: Vec<ShownEntry>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownEntry {
    execution_arn: String,
    name: String,
    status: ExecutionStatus,
    start_date: f64,
    stop_date: Option<f64>,
}

impl From<ShownEntry> for ListedExecution {
    fn from(shown: ShownEntry) -> Self {
        Self {
            arn: shown.execution_arn,
            name: shown.name,
            status: shown.status,
            started: since_epoch(shown.start_date).unwrap_or_default(),
            ended: shown.stop_date.and_then(since_epoch),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MapRuns {
    map_runs: Vec<MapRun>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MapRun {
    map_run_arn: String,
}

#[derive(Debug, Deserialize)]
struct Children {
    executions: Vec<Child>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Child {
    execution_arn: String,
}

#[async_trait]
impl ExecutionRecords for StepFunctionsRecords {
    async fn describe(&self, arn: &str) -> Result<ExecutionRecord, CallError> {
        let body = json!({"executionArn": arn});
        let found = self.calls.call("DescribeExecution", &body).await?;
        let found: ShownExecution = found.read()?;
        // A running execution cannot be redriven either, and one that has just ended may look like one.
        let cannot = found.redrive_status.as_deref() == Some("NOT_REDRIVABLE");
        Ok(ExecutionRecord {
            status: found.status,
            started: found.start_date.and_then(since_epoch),
            is_final: cannot && found.status != ExecutionStatus::Running,
            input: found.input,
            output: found.output,
            failure: found.error.map(|error| Cause {
                error,
                cause: found.cause.unwrap_or_default(),
            }),
            ended: found.stop_date.and_then(since_epoch),
            redriven: found.redrive_date.and_then(since_epoch),
        })
    }

    async fn failed_child(&self, arn: &str) -> Result<Option<Cause>, CallError> {
        let body = json!({"executionArn": arn});
        let maps: MapRuns = self.calls.call("ListMapRuns", &body).await?.read()?;
        for map in maps.map_runs {
            let failed =
                json!({"mapRunArn": map.map_run_arn, "statusFilter": "FAILED", "maxResults": 1});
            let failed: Children = self.calls.call("ListExecutions", &failed).await?.read()?;
            if let Some(child) = failed.executions.into_iter().next() {
                let child = json!({"executionArn": child.execution_arn});
                let child = self.calls.call("DescribeExecution", &child).await?;
                let child: ShownExecution = child.read()?;
                return Ok(Some(Cause {
                    error: child.error.unwrap_or_default(),
                    cause: child.cause.unwrap_or_default(),
                }));
            }
        }
        Ok(None)
    }

    async fn page(&self, machine: &str, token: Option<&str>) -> Result<ExecutionPage, CallError> {
        let mut body = json!({"stateMachineArn": machine, "maxResults": EXECUTIONS_OF_A_PAGE});
        if let Some(token) = token {
            body["nextToken"] = json!(token);
        }
        let page: ShownPage = self.calls.call("ListExecutions", &body).await?.read()?;
        Ok(ExecutionPage {
            executions: page.executions.into_iter().map(Into::into).collect(),
            next: page.next_token,
        })
    }
}

/// Returns a time of the service, in seconds, if it can be one.
fn since_epoch(seconds: f64) -> Option<Duration> {
    // The service counts milliseconds, which a `f64` of seconds holds only nearly.
    let exact = Duration::try_from_secs_f64(seconds).ok()?;
    let millis = exact.as_nanos().saturating_add(500_000) / 1_000_000;
    u64::try_from(millis).ok().map(Duration::from_millis)
}

/// Calls of Step Functions. Quarry needs a few of its operations.
#[derive(Debug, Clone)]
struct StatesCalls(SignedCalls);

/// The body of a successful response.
struct Response {
    operation: &'static str,
    body: Bytes,
}

impl Response {
    fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read_json(self.operation, &self.body)
    }
}

impl StatesCalls {
    fn new(config: &SdkConfig) -> Result<Self, StepError> {
        let service = SignedService {
            name: "Step Functions",
            signing_name: "states",
            protocol: JSON_1_0,
        };
        let calls = SignedCalls::new(config, service, endpoint_of(config, "SFN"), |region| {
            address_for(config, "states", region)
        })?;
        Ok(Self(calls))
    }

    async fn call(&self, operation: &'static str, body: &Value) -> Result<Response, Failure> {
        let target = [("x-amz-target", format!("AWSStepFunctions.{operation}"))];
        let body = self.0.post(operation, &target, body.to_string()).await?;
        Ok(Response { operation, body })
    }
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
