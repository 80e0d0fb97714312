//! Starting, stopping and reading the executions of Step Functions.

use super::states::{
    Children, LARGEST_PAGE, LastEvents, MapRuns, ShownExecution, ShownPage, StatesCalls, is,
};
use super::{
    Cause, ExecutionPage, ExecutionRecord, ExecutionRecords, ExecutionStatus, Executions, Started,
    Stopped, its_executions,
};
use crate::error::StepError;
use crate::failure::CallError;
use async_trait::async_trait;
use aws_config::SdkConfig;
use serde_json::json;

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

    async fn arn_of_failed_child(&self, arn: &str) -> Result<Option<String>, CallError> {
        let body = json!({"executionArn": arn});
        let maps: MapRuns = self.calls.call("ListMapRuns", &body).await?.read()?;
        for map_run in maps.arns() {
            let body = Children::failed(&map_run);
            let failed: Children = self.calls.call("ListExecutions", &body).await?.read()?;
            if let Some(child) = failed.first() {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl ExecutionRecords for StepFunctionsRecords {
    async fn describe(&self, arn: &str) -> Result<ExecutionRecord, CallError> {
        let body = json!({"executionArn": arn});
        let shown = self.calls.call("DescribeExecution", &body).await?;
        let shown: ShownExecution = shown.read()?;
        let status = shown.status.unwrap_or_default();
        Ok(ExecutionRecord {
            status,
            started: shown.started(),
            ended: shown.ended(),
            redriven: shown.redriven(),
            // A running execution cannot be redriven either, and one that has just ended may look like one.
            is_final: shown.cannot_be_redriven() && status != ExecutionStatus::Running,
            failure: shown.failure(),
            input: shown.input,
            output: shown.output,
        })
    }

    async fn failed_child(&self, arn: &str) -> Result<Option<Cause>, CallError> {
        let Some(child) = self.arn_of_failed_child(arn).await? else {
            return Ok(None);
        };
        let body = json!({"executionArn": child});
        let child = self.calls.call("DescribeExecution", &body).await?;
        let child: ShownExecution = child.read()?;
        Ok(Some(Cause {
            error: child.error.unwrap_or_default(),
            cause: child.cause.unwrap_or_default(),
        }))
    }

    async fn last_function(&self, arn: &str) -> Result<Option<String>, CallError> {
        let child = self.arn_of_failed_child(arn).await?;
        let body = LastEvents::end_of(child.as_deref().unwrap_or(arn));
        let history = self.calls.call("GetExecutionHistory", &body).await?;
        let history: LastEvents = history.read()?;
        Ok(history.last_function())
    }

    async fn page(&self, machine: &str, token: Option<&str>) -> Result<ExecutionPage, CallError> {
        let mut body = json!({"stateMachineArn": machine, "maxResults": LARGEST_PAGE});
        if let Some(token) = token {
            body["nextToken"] = json!(token);
        }
        let page: ShownPage = self.calls.call("ListExecutions", &body).await?.read()?;
        Ok(page.into())
    }
}
