//! The executions of one state machine, for people who follow them: a list, and each by its name.
//!
//! Every method makes calls of one operation, so that a caller can name the permission that a denied
//! call needs.

use super::states::{
    Children, LARGEST_PAGE, LastEvents, MapRuns, ShownExecution, ShownPage, StatesCalls, is,
};
use super::{Cause, ExecutionPage, ListedExecution, its_executions};
use crate::error::StepError;
use crate::failure::{CallError, Failure};
use async_trait::async_trait;
use aws_config::SdkConfig;
use quarry_contract::execution_status::ExecutionStatus;
use serde_json::json;

/// An execution with everything that the service says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRun {
    /// What a list says about it.
    pub listed: ListedExecution,
    /// Its input, JSON.
    pub input: Option<String>,
    /// Its output, JSON, if it succeeded.
    pub output: Option<String>,
    /// The error with which it failed or was stopped.
    pub failure: Option<Cause>,
    /// How often it was redriven.
    pub redrives: u32,
    /// Why the service would refuse to redrive it, if it would.
    pub not_redrivable: Option<String>,
}

/// The outcome of a redrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redriven {
    /// The execution runs again.
    Running,
    /// The service refuses, with this message.
    Refused(String),
}

/// The executions of one state machine.
#[async_trait]
pub trait RunDirectory: Send + Sync {
    /// Returns the newest executions, of one status if it is given, the newest first.
    async fn list(
        &self,
        status: Option<ExecutionStatus>,
        most: usize,
    ) -> Result<Vec<ListedExecution>, CallError>;
    /// Returns the execution of a name; `None` if there is none.
    async fn find(&self, name: &str) -> Result<Option<ShownRun>, CallError>;
    /// Returns the ARNs of the Distributed Maps that an execution has begun.
    async fn map_runs(&self, name: &str) -> Result<Vec<String>, CallError>;
    /// Returns the ARN of a child of a Distributed Map that failed, if one did.
    async fn failed_child(&self, map_run: &str) -> Result<Option<String>, CallError>;
    /// Returns why a child failed.
    async fn cause(&self, child: &str) -> Result<Option<Cause>, CallError>;
    /// Returns the name of the function that was called last in an execution, by its ARN.
    async fn last_function(&self, arn: &str) -> Result<Option<String>, CallError>;
    /// Redrives an execution. A repeated call with the same token has no further effect.
    async fn redrive(&self, name: &str, token: &str) -> Result<Redriven, CallError>;
}

/// [`RunDirectory`] of Step Functions.
#[derive(Debug, Clone)]
pub struct StepFunctionsRuns {
    calls: StatesCalls,
    machine: String,
    /// The beginning of its executions' ARNs.
    executions: String,
}

impl StepFunctionsRuns {
    /// Uses the state machine with this ARN.
    pub fn new(config: &SdkConfig, arn: &str) -> Result<Self, StepError> {
        Ok(Self {
            calls: StatesCalls::new(config)?,
            machine: arn.to_owned(),
            executions: its_executions(arn)?,
        })
    }

    fn arn(&self, name: &str) -> String {
        format!("{}:{name}", self.executions)
    }

    async fn describe(&self, arn: &str) -> Result<ShownExecution, Failure> {
        let body = json!({"executionArn": arn});
        self.calls.call("DescribeExecution", &body).await?.read()
    }
}

impl ShownRun {
    fn of(shown: ShownExecution) -> Result<Self, Failure> {
        let Some(listed) = shown.listed() else {
            let lacks = "it lacks the ARN, the name, the status or the start";
            return Err(Failure::not_understood("DescribeExecution", lacks));
        };
        let failure = shown.failure();
        let is_refused = shown.cannot_be_redriven();
        Ok(Self {
            listed,
            failure,
            input: shown.input,
            output: shown.output,
            redrives: shown.redrive_count.unwrap_or_default(),
            not_redrivable: is_refused.then(|| shown.redrive_status_reason.unwrap_or_default()),
        })
    }
}

#[async_trait]
impl RunDirectory for StepFunctionsRuns {
    async fn list(
        &self,
        status: Option<ExecutionStatus>,
        most: usize,
    ) -> Result<Vec<ListedExecution>, CallError> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut body = json!({
                "stateMachineArn": self.machine,
                "maxResults": (most - found.len()).min(LARGEST_PAGE),
            });
            if let Some(status) = status {
                body["statusFilter"] = json!(status);
            }
            if let Some(token) = &token {
                body["nextToken"] = json!(token);
            }
            let page: ShownPage = self.calls.call("ListExecutions", &body).await?.read()?;
            let page = ExecutionPage::from(page);
            found.extend(page.executions);
            found.truncate(most);
            match page.next {
                Some(next) if found.len() < most && token.as_ref() != Some(&next) => {
                    token = Some(next);
                }
                _ => return Ok(found),
            }
        }
    }

    async fn find(&self, name: &str) -> Result<Option<ShownRun>, CallError> {
        match self.describe(&self.arn(name)).await {
            Ok(shown) => Ok(Some(ShownRun::of(shown)?)),
            Err(failure) if is(&failure, "ExecutionDoesNotExist") || is(&failure, "InvalidArn") => {
                Ok(None)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn map_runs(&self, name: &str) -> Result<Vec<String>, CallError> {
        let body = json!({"executionArn": self.arn(name)});
        let maps: MapRuns = self.calls.call("ListMapRuns", &body).await?.read()?;
        Ok(maps.arns())
    }

    async fn failed_child(&self, map_run: &str) -> Result<Option<String>, CallError> {
        let body = Children::failed(map_run);
        let failed: Children = self.calls.call("ListExecutions", &body).await?.read()?;
        Ok(failed.first())
    }

    async fn cause(&self, child: &str) -> Result<Option<Cause>, CallError> {
        Ok(self.describe(child).await?.failure())
    }

    async fn last_function(&self, arn: &str) -> Result<Option<String>, CallError> {
        let body = LastEvents::end_of(arn);
        let history = self.calls.call("GetExecutionHistory", &body).await?;
        let history: LastEvents = history.read()?;
        Ok(history.last_function())
    }

    async fn redrive(&self, name: &str, token: &str) -> Result<Redriven, CallError> {
        let body = json!({"executionArn": self.arn(name), "clientToken": token});
        match self.calls.call("RedriveExecution", &body).await {
            Ok(_) => Ok(Redriven::Running),
            Err(failure) if is(&failure, "ExecutionNotRedrivable") => {
                Ok(Redriven::Refused(failure.message))
            }
            Err(failure) => Err(failure.into()),
        }
    }
}
