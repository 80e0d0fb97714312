//! Executions of the state machine: starting, stopping and reading them.

#[cfg(feature = "testing")]
pub mod memory;

use crate::error::StepError;
use crate::failure::{CallError, Failure};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::primitives::DateTime;
use aws_sdk_sfn::types::ExecutionStatus;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error as StdError;
use std::time::Duration;

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
}

/// [`Executions`] of a state machine in Step Functions.
#[derive(Debug, Clone)]
pub struct StateMachine {
    client: Client,
    arn: String,
    /// The beginning of its executions' ARNs.
    executions: String,
}

impl StateMachine {
    /// Uses the state machine with this ARN.
    pub fn new(config: &SdkConfig, arn: &str) -> Result<Self, StepError> {
        Ok(Self {
            client: Client::new(config),
            arn: arn.to_owned(),
            executions: executions_of(arn).ok_or_else(|| {
                StepError::bad_request(format!(
                    "`{arn}` is not the ARN of a state machine: it must be \
                     arn:<partition>:states:<region>:<account>:stateMachine:<name>"
                ))
            })?,
        })
    }
}

fn executions_of(arn: &str) -> Option<String> {
    let (place, name) = arn.split_once(":stateMachine:")?;
    if !place.starts_with("arn:") || name.is_empty() || name.contains(':') {
        return None;
    }
    Some(format!("{place}:execution:{name}"))
}

#[async_trait]
impl Executions for StateMachine {
    async fn start(&self, name: &str, input: &str) -> Result<Started, CallError> {
        let started = self
            .client
            .start_execution()
            .state_machine_arn(&self.arn)
            .name(name)
            .input(input)
            .send()
            .await;
        match started {
            Ok(_) => Ok(Started::Running),
            Err(error) => {
                let failure = Failure::new(&error);
                if failure.code.as_deref() == Some("ExecutionAlreadyExists") {
                    Ok(Started::AlreadyRan)
                } else {
                    Err(failure.into())
                }
            }
        }
    }

    async fn stop(&self, name: &str, error: &str, cause: &str) -> Result<Stopped, CallError> {
        let stopped = self
            .client
            .stop_execution()
            .execution_arn(format!("{}:{name}", self.executions))
            .error(error)
            .cause(cause)
            .send()
            .await;
        match stopped {
            Ok(_) => Ok(Stopped::Stopping),
            Err(error) => {
                let failure = Failure::new(&error);
                if failure.code.as_deref() == Some("ExecutionDoesNotExist") {
                    Ok(Stopped::NoSuchExecution)
                } else {
                    Err(failure.into())
                }
            }
        }
    }
}

/// [`ExecutionRecords`] of Step Functions.
#[derive(Debug, Clone)]
pub struct StepFunctionsRecords {
    client: Client,
}

impl StepFunctionsRecords {
    /// Reads executions of the configuration's Region and account.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }
}

#[async_trait]
impl ExecutionRecords for StepFunctionsRecords {
    async fn describe(&self, arn: &str) -> Result<ExecutionRecord, CallError> {
        let found = self.client.describe_execution().execution_arn(arn);
        let found = found.send().await.map_err(|error| sfn_error(&error))?;
        Ok(ExecutionRecord {
            input: found.input,
            output: found.output,
            failure: found.error.map(|error| Cause {
                error,
                cause: found.cause.unwrap_or_default(),
            }),
            ended: found.stop_date.map(since_epoch),
            redriven: found.redrive_date.map(since_epoch),
        })
    }

    async fn failed_child(&self, arn: &str) -> Result<Option<Cause>, CallError> {
        let maps = self.client.list_map_runs().execution_arn(arn);
        let maps = maps.send().await.map_err(|error| sfn_error(&error))?;
        for map in maps.map_runs {
            let failed = self
                .client
                .list_executions()
                .map_run_arn(map.map_run_arn)
                .status_filter(ExecutionStatus::Failed)
                .max_results(1)
                .send()
                .await
                .map_err(|error| sfn_error(&error))?;
            if let Some(child) = failed.executions.into_iter().next() {
                let child = self
                    .client
                    .describe_execution()
                    .execution_arn(child.execution_arn)
                    .send()
                    .await
                    .map_err(|error| sfn_error(&error))?;
                return Ok(Some(Cause {
                    error: child.error.unwrap_or_default(),
                    cause: child.cause.unwrap_or_default(),
                }));
            }
        }
        Ok(None)
    }
}

fn since_epoch(date: DateTime) -> Duration {
    let seconds = u64::try_from(date.secs()).unwrap_or_default();
    Duration::new(seconds, date.subsec_nanos())
}

fn sfn_error<E>(error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    Failure::new(error).into()
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
