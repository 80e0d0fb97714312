//! The executions of one state machine, for people who follow them: a list, and each by its name.
//!
//! Every method makes calls of one operation, so that a caller can name the permission that a denied
//! call needs.

use super::{Cause, StatesCalls, is, its_executions, since_epoch};
use crate::error::StepError;
use crate::failure::{CallError, Failure};
use async_trait::async_trait;
use aws_config::SdkConfig;
use quarry_contract::execution_status::ExecutionStatus;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The most executions in one response (`ListExecutions`, `maxResults`).
const LARGEST_PAGE: usize = 1_000;

/// An execution in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEntry {
    /// Its name: the run's.
    pub name: String,
    /// Its status.
    pub status: ExecutionStatus,
    /// When it began, since 1970-01-01T00:00:00Z.
    pub started: Duration,
    /// When it ended, if it did.
    pub ended: Option<Duration>,
}

/// An execution with everything that the service says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRun {
    /// Its ARN.
    pub arn: String,
    /// What a list says about it.
    pub listed: RunEntry,
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
    ) -> Result<Vec<RunEntry>, CallError>;
    /// Returns the execution of a name; `None` if there is none.
    async fn find(&self, name: &str) -> Result<Option<ShownRun>, CallError>;
    /// Returns the ARNs of the Distributed Maps that an execution has begun.
    async fn map_runs(&self, name: &str) -> Result<Vec<String>, CallError>;
    /// Returns the ARN of a child of a Distributed Map that failed, if one did.
    async fn failed_child(&self, map_run: &str) -> Result<Option<String>, CallError>;
    /// Returns why a child failed.
    async fn cause(&self, child: &str) -> Result<Option<Cause>, CallError>;
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

    async fn page(&self, body: &Value) -> Result<RunPage, Failure> {
        self.calls.call("ListExecutions", body).await?.read()
    }

    async fn describe(&self, arn: &str) -> Result<Described, Failure> {
        let body = json!({"executionArn": arn});
        self.calls.call("DescribeExecution", &body).await?.read()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunPage {
    executions: Vec<ExecutionLine>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecutionLine {
    execution_arn: String,
    name: String,
    status: ExecutionStatus,
    start_date: f64,
    stop_date: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    #[serde(flatten)]
    line: ExecutionLine,
    input: Option<String>,
    output: Option<String>,
    error: Option<String>,
    cause: Option<String>,
    redrive_count: Option<u32>,
    redrive_status: Option<String>,
    redrive_status_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MapRunList {
    map_runs: Vec<MapRunLine>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MapRunLine {
    map_run_arn: String,
}

impl From<ExecutionLine> for RunEntry {
    fn from(line: ExecutionLine) -> Self {
        Self {
            name: line.name,
            status: line.status,
            started: since_epoch(line.start_date).unwrap_or_default(),
            ended: line.stop_date.and_then(since_epoch),
        }
    }
}

impl Described {
    fn failure(&self) -> Option<Cause> {
        self.error.clone().map(|error| Cause {
            error,
            cause: self.cause.clone().unwrap_or_default(),
        })
    }
}

impl From<Described> for ShownRun {
    fn from(shown: Described) -> Self {
        let failure = shown.failure();
        let refused = shown.redrive_status.as_deref() == Some("NOT_REDRIVABLE");
        Self {
            arn: shown.line.execution_arn.clone(),
            listed: shown.line.into(),
            input: shown.input,
            output: shown.output,
            failure,
            redrives: shown.redrive_count.unwrap_or_default(),
            not_redrivable: refused.then(|| shown.redrive_status_reason.unwrap_or_default()),
        }
    }
}

#[async_trait]
impl RunDirectory for StepFunctionsRuns {
    async fn list(
        &self,
        status: Option<ExecutionStatus>,
        most: usize,
    ) -> Result<Vec<RunEntry>, CallError> {
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
            let page = self.page(&body).await?;
            found.extend(page.executions.into_iter().map(RunEntry::from));
            found.truncate(most);
            match page.next_token {
                Some(next) if found.len() < most && token.as_ref() != Some(&next) => {
                    token = Some(next);
                }
                _ => return Ok(found),
            }
        }
    }

    async fn find(&self, name: &str) -> Result<Option<ShownRun>, CallError> {
        match self.describe(&self.arn(name)).await {
            Ok(shown) => Ok(Some(shown.into())),
            Err(failure) if is(&failure, "ExecutionDoesNotExist") || is(&failure, "InvalidArn") => {
                Ok(None)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn map_runs(&self, name: &str) -> Result<Vec<String>, CallError> {
        let body = json!({"executionArn": self.arn(name)});
        let maps: MapRunList = self.calls.call("ListMapRuns", &body).await?.read()?;
        Ok(maps
            .map_runs
            .into_iter()
            .map(|map| map.map_run_arn)
            .collect())
    }

    async fn failed_child(&self, map_run: &str) -> Result<Option<String>, CallError> {
        let body = json!({"mapRunArn": map_run, "statusFilter": "FAILED", "maxResults": 1});
        let failed = self.page(&body).await?.executions.into_iter().next();
        Ok(failed.map(|child| child.execution_arn))
    }

    async fn cause(&self, child: &str) -> Result<Option<Cause>, CallError> {
        Ok(self.describe(child).await?.failure())
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
