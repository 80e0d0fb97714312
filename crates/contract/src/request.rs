//! The request for a run.

use crate::callback::Callback;
use crate::location::S3Uri;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The input of one execution of the state machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The data set: a folder, or one file.
    pub data: S3Uri,
    /// The content of `data` that the run is about, if `data` is a file whose arrival started the run. A
    /// file that was replaced since has a run of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_content: Option<DataContent>,
    /// `prompts.json`, or its folder.
    pub prompts: S3Uri,
    /// A JSON Schema file, or a folder with `validation_schema_*.json` (the last by name counts).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<S3Uri>,
    /// The folder of the result tables.
    pub output: S3Uri,
    /// The folder of the summary; by default the output folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<S3Uri>,
    /// The folder of job files and intermediate results; by default the deployment's work prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<S3Uri>,
    /// Determines the folder layout and the file names.
    pub job_type: JobType,
    /// Asks only some rows of each table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleRequest>,
    /// `BEDROCK_*` settings, which override the deployment's defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Who is notified when the run ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<Callback>,
}

/// The most rows that a sample may have of one table. They are asked on demand, at the full price.
pub const MAX_SAMPLE_ROWS: u64 = 10_000;

/// Which rows of each table are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleRequest {
    /// How many rows of each table: 1 to [`MAX_SAMPLE_ROWS`]. A table with fewer rows is taken whole.
    pub rows: u64,
    /// Chooses random rows, for the same seed the same ones; without it, the first rows. It has 32 bits,
    /// because Step Functions passes larger numbers on with a loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

/// A number of rows that no sample may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a sample of {0} rows is not possible: it has 1 to {MAX_SAMPLE_ROWS} rows of each table, which are asked on demand; \
     give a number in this range, or leave the sample out to ask all rows"
)]
pub struct SampleError(u64);

impl SampleRequest {
    /// Refuses a number of rows out of range.
    pub fn check(&self) -> Result<(), SampleError> {
        if (1..=MAX_SAMPLE_ROWS).contains(&self.rows) {
            Ok(())
        } else {
            Err(SampleError(self.rows))
        }
    }
}

/// What distinguishes the content of a file from every other one under its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataContent {
    /// Its `ETag`, with the quotes.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its version, if the bucket keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The kinds of data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobType {
    /// Folders `train`, `val`, `test`, each of which is a table.
    Training,
    /// One folder, one table.
    Validation,
    /// One folder, one table.
    Testing,
    /// One folder, one table.
    Calibration,
}

impl JobType {
    /// All kinds.
    pub const ALL: [Self; 4] = [
        Self::Training,
        Self::Validation,
        Self::Testing,
        Self::Calibration,
    ];

    /// The name in requests and file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::Testing => "testing",
            Self::Calibration => "calibration",
        }
    }
}

impl fmt::Display for JobType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for JobType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text).ok_or_else(|| {
            format!("`{text}` is not a job type: use training, validation, testing or calibration")
        })
    }
}

/// The folders of a training data set, in processing order.
pub const SPLITS: [&str; 3] = ["train", "val", "test"];
