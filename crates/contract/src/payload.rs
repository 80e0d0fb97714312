//! The payloads between states: pointers and counts, never data. They have a few hundred bytes for
//! a run of any size. `tests/expected/` has a document for each.

use crate::location::S3Uri;
use crate::request::Request;
use crate::run_identity::RunIdentity;
use quarry_cost::Usd;
use serde::{Deserialize, Serialize};

/// The input of `plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanInput {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The execution's name: the run's id.
    pub execution: String,
    /// The execution's ARN. The state machine always passes it; a step that is called on its own
    /// has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_arn: Option<String>,
    /// When the execution started, RFC 3339.
    pub started: String,
    /// How often `plan` was called before in this execution.
    pub turn: u32,
    /// The request.
    pub request: Request,
}

impl PlanInput {
    /// Returns which execution this is.
    pub fn identity(&self) -> RunIdentity {
        RunIdentity {
            version: crate::VERSION,
            execution_arn: self.execution_arn.clone(),
            started: self.started.clone(),
        }
    }
}

/// The output of `plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanOutput {
    /// [`crate::VERSION`].
    pub version: u32,
    /// Whether the plan is complete; if not, `plan` is called again.
    pub done: bool,
    /// The next call's turn.
    pub turn: u32,
    /// The run's folder.
    pub run: S3Uri,
    /// The Map's items: one `{"slice": n}` each.
    pub manifest: ObjectPointer,
    /// Number of slices.
    pub slices: u32,
    /// The most slices that may be in progress at the same time.
    pub max_concurrency: u32,
    /// Whether the plan is complete and has no slices. The state machine goes to `finish` then: what
    /// a Distributed Map does with an empty list is not documented.
    #[serde(default)]
    pub empty: bool,
}

/// An object in the form of Step Functions' `ItemReader`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectPointer {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
}

/// One item of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestItem {
    /// The slice's number.
    pub slice: u32,
}

fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

/// The state of a slice: the input and output of every step of its execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SliceState {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The run's folder.
    pub run: S3Uri,
    /// The slice's number.
    pub slice: u32,
    /// The round of asking.
    pub round: u32,
    /// Rounds so far whose job was stopped. They do not count as attempts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stopped_rounds: u32,
    /// Rounds so far in which the service did not work. They do not count as attempts either.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub outage_rounds: u32,
    /// Rests since the slice's last answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rests: u32,
    /// When the first of these rests began, in seconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting_since: Option<u64>,
    /// How often the output of the round's job was looked at and was not complete.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late_looks: u32,
    /// The next step.
    pub next: Step,
    /// Records of this round.
    #[serde(default)]
    pub records: u64,
    /// The round's job, once it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobPointer>,
    /// Seconds to wait before the next look at the job or its output, or before the next round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<u64>,
}

impl SliceState {
    /// Returns the first state of a slice, which the Map passes to its first step.
    pub fn first(run: S3Uri, slice: u32) -> Self {
        Self {
            version: crate::VERSION,
            run,
            slice,
            round: 0,
            stopped_rounds: 0,
            outage_rounds: 0,
            rests: 0,
            resting_since: None,
            late_looks: 0,
            next: Step::Split,
            records: 0,
            job: None,
            wait_seconds: None,
        }
    }
}

/// The steps of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Write the round's records.
    Split,
    /// Create a job for them.
    Submit,
    /// Wait for the job.
    Wait,
    /// Send the records on demand.
    Invoke,
    /// Join the answers.
    Merge,
    /// Wait until the output of the job is complete, then join the answers.
    Late,
    /// Wait until the service works again, then write the next round's records.
    Rest,
    /// Nothing: the slice's part of the result is written.
    Done,
}

/// The identity of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobPointer {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// For how many seconds it was waited for. It is at least as old, whatever a clock shows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waited: u64,
}

/// The input of `finish`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishInput {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The run's folder.
    pub run: S3Uri,
    /// How often `finish` was called before in this execution.
    pub turn: u32,
}

/// The output of `finish` and of the execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishOutput {
    /// [`crate::VERSION`].
    pub version: u32,
    /// Whether the result is complete; if not, `finish` is called again.
    pub done: bool,
    /// The next call's turn.
    pub turn: u32,
    /// The run's folder.
    pub run: S3Uri,
    /// The folder of the result tables.
    pub output: S3Uri,
    /// The summary.
    pub summary: S3Uri,
    /// Rows of all tables.
    pub rows: u64,
    /// Rows for which no model answered.
    pub failed: u64,
    /// The cost of the run's tokens, if the prices of its models are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
}
