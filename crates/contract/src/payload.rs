//! What the states pass on: pointers and counts, never data, a few hundred bytes for any size of
//! run. `tests/expected` holds a document for each.

use crate::location::S3Uri;
use crate::request::Request;
use serde::{Deserialize, Serialize};

/// What `plan` is called with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanInput {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The execution's name: the run's id.
    pub execution: String,
    /// When the execution started, RFC 3339.
    pub started: String,
    /// How often `plan` has been called before in this execution.
    pub turn: u32,
    /// What to do.
    pub request: Request,
}

/// What `plan` answers.
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
    /// How many slices there are.
    pub slices: u32,
    /// How many slices may be worked on at the same time.
    pub max_concurrency: u32,
}

/// An object as Step Functions' `ItemReader` wants it.
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Where a slice stands: what every state of a slice's execution takes and gives.
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
    /// Rounds so far whose job was stopped. They do not count as tries.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stopped_rounds: u32,
    /// What comes next.
    pub next: Step,
    /// Records asked in this round.
    #[serde(default)]
    pub records: u64,
    /// The round's job, once it is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobPointer>,
    /// How long to wait before the job is looked at again, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<u64>,
}

impl SliceState {
    /// Where a slice begins: what the Map gives to its first step.
    pub fn first(run: S3Uri, slice: u32) -> Self {
        Self {
            version: crate::VERSION,
            run,
            slice,
            round: 0,
            stopped_rounds: 0,
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
    /// Ask on demand.
    Invoke,
    /// Join the answers.
    Merge,
    /// The slice's part of the result is written.
    Done,
}

/// A job's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobPointer {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
}

/// What `finish` is called with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishInput {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The run's folder.
    pub run: S3Uri,
    /// How often `finish` has been called before in this execution.
    pub turn: u32,
}

/// What `finish` answers; the output of the execution.
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
}
