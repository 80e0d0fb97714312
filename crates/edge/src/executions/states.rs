//! The calls of Step Functions, of which Quarry needs a few operations, and what their responses say.
//!
//! Each adapter names its operations itself, so that the permissions of a role can be told from it.

use super::{Cause, ExecutionPage, ExecutionStatus, ListedExecution};
use crate::error::StepError;
use crate::failure::Failure;
use crate::signed::{JSON_1_0, SignedCalls, SignedService, address_for, endpoint_of, read_json};
use aws_config::SdkConfig;
use bytes::Bytes;
use quarry_contract::memory_used_up::name_in;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// The most executions in one response (`ListExecutions`, `maxResults`).
pub(super) const LARGEST_PAGE: usize = 1_000;

/// The operations of Step Functions.
#[derive(Debug, Clone)]
pub(super) struct StatesCalls(SignedCalls);

/// The body of a successful response.
pub(super) struct Response {
    operation: &'static str,
    body: Bytes,
}

impl Response {
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read_json(self.operation, &self.body)
    }
}

impl StatesCalls {
    pub(super) fn new(config: &SdkConfig) -> Result<Self, StepError> {
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

    pub(super) async fn call(
        &self,
        operation: &'static str,
        body: &Value,
    ) -> Result<Response, Failure> {
        let target = [("x-amz-target", format!("AWSStepFunctions.{operation}"))];
        let body = self.0.post(operation, &target, body.to_string()).await?;
        Ok(Response { operation, body })
    }
}

/// Whether the service gave this code as the reason.
pub(super) fn is(failure: &Failure, code: &str) -> bool {
    failure.code.as_deref() == Some(code)
}

/// An execution as the service describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownExecution {
    execution_arn: Option<String>,
    name: Option<String>,
    pub(super) status: Option<ExecutionStatus>,
    start_date: Option<f64>,
    stop_date: Option<f64>,
    pub(super) input: Option<String>,
    pub(super) output: Option<String>,
    pub(super) error: Option<String>,
    pub(super) cause: Option<String>,
    pub(super) redrive_count: Option<u32>,
    redrive_date: Option<f64>,
    redrive_status: Option<String>,
    pub(super) redrive_status_reason: Option<String>,
}

impl ShownExecution {
    pub(super) fn started(&self) -> Option<Duration> {
        self.start_date.and_then(since_epoch)
    }

    pub(super) fn ended(&self) -> Option<Duration> {
        self.stop_date.and_then(since_epoch)
    }

    pub(super) fn redriven(&self) -> Option<Duration> {
        self.redrive_date.and_then(since_epoch)
    }

    pub(super) fn cannot_be_redriven(&self) -> bool {
        self.redrive_status.as_deref() == Some("NOT_REDRIVABLE")
    }

    /// Returns why it failed or was stopped.
    pub(super) fn failure(&self) -> Option<Cause> {
        self.error.clone().map(|error| Cause {
            error,
            cause: self.cause.clone().unwrap_or_default(),
        })
    }

    /// Returns what a list says about it; `None` if the response lacks a part of that.
    pub(super) fn listed(&self) -> Option<ListedExecution> {
        Some(ListedExecution {
            arn: self.execution_arn.clone()?,
            name: self.name.clone()?,
            status: self.status?,
            started: since_epoch(self.start_date?).unwrap_or_default(),
            ended: self.ended(),
        })
    }
}

/// A page of a list of executions, as the service returns it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownPage {
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

impl From<ShownPage> for ExecutionPage {
    fn from(page: ShownPage) -> Self {
        let listed = |shown: ShownEntry| ListedExecution {
            arn: shown.execution_arn,
            name: shown.name,
            status: shown.status,
            started: since_epoch(shown.start_date).unwrap_or_default(),
            ended: shown.stop_date.and_then(since_epoch),
        };
        Self {
            executions: page.executions.into_iter().map(listed).collect(),
            next: page.next_token,
        }
    }
}

/// The Distributed Maps that an execution has begun.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MapRuns {
    map_runs: Vec<MapRun>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MapRun {
    map_run_arn: String,
}

impl MapRuns {
    pub(super) fn arns(self) -> Vec<String> {
        self.map_runs
            .into_iter()
            .map(|map| map.map_run_arn)
            .collect()
    }
}

/// The children of a Distributed Map in a status.
#[derive(Debug, Deserialize)]
pub(super) struct Children {
    executions: Vec<Child>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Child {
    execution_arn: String,
}

impl Children {
    /// Returns the request for one that failed.
    pub(super) fn failed(map_run: &str) -> Value {
        json!({"mapRunArn": map_run, "statusFilter": "FAILED", "maxResults": 1})
    }

    /// Returns the ARN of the first, if there is one.
    pub(super) fn first(self) -> Option<String> {
        let first = self.executions.into_iter().next();
        first.map(|child| child.execution_arn)
    }
}

/// The end of an execution's history, the last event first.
#[derive(Debug, Deserialize)]
pub(super) struct LastEvents {
    events: Vec<LastEvent>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LastEvent {
    task_scheduled_event_details: Option<ScheduledTask>,
}

#[derive(Debug, Deserialize)]
struct ScheduledTask {
    /// JSON.
    parameters: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TaskParameters {
    function_name: String,
}

impl LastEvents {
    /// Returns the request for the end of a history. A task that failed has three events, before that of
    /// the execution's end.
    pub(super) fn end_of(arn: &str) -> Value {
        json!({"executionArn": arn, "reverseOrder": true, "maxResults": 10})
    }

    /// Returns the name of the function that was called last.
    pub(super) fn last_function(&self) -> Option<String> {
        let tasks = self.events.iter();
        let mut tasks = tasks.filter_map(|event| event.task_scheduled_event_details.as_ref());
        let parameters: TaskParameters = serde_json::from_str(&tasks.next()?.parameters).ok()?;
        Some(name_in(&parameters.function_name).to_owned())
    }
}

/// Returns a time of the service, in seconds, if it can be one.
fn since_epoch(seconds: f64) -> Option<Duration> {
    // The service counts milliseconds, which a `f64` of seconds holds only nearly.
    let exact = Duration::try_from_secs_f64(seconds).ok()?;
    let millis = exact.as_nanos().saturating_add(500_000) / 1_000_000;
    u64::try_from(millis).ok().map(Duration::from_millis)
}
