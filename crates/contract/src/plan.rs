//! The documents that a run keeps in its folder: the plan, the slices, and what each step of a
//! slice leaves for the next step.

use crate::file_format::{FileFormat, LineEnding};
use crate::job_status::JobStatus;
use crate::location::S3Uri;
use crate::payload::SliceState;
use crate::request::{JobType, Request};
use crate::run_identity::RunIdentity;
use crate::settings::CsvQuoting;
use quarry_cost::RunRates;
use quarry_cost::estimate::{RecordSums, RunEstimate};
use quarry_model::RequestForm;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// All decisions that were made before the first job: `plan.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The execution's name.
    pub execution: String,
    /// The execution's ARN, if `plan` was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_arn: Option<String>,
    /// When the execution started, RFC 3339.
    pub started: String,
    /// The request as it was received.
    pub request: Request,
    /// The request's settings over those of the deployment, as text. Those of a sample have
    /// `BEDROCK_BATCH_MODE` `realtime`.
    pub settings: BTreeMap<String, String>,
    /// The text of `prompts.json`.
    pub prompts: Value,
    /// The JSON Schema in force.
    pub schema: Option<Value>,
    /// Where the schema came from, for the summary.
    pub schema_source: Option<String>,
    /// The tables, in order.
    pub tables: Vec<Table>,
    /// Number of slices of all tables.
    pub slices: u32,
    /// The most on-demand calls that one slice may begin per second.
    pub on_demand_rate: f64,
    /// The most on-demand calls that one slice may have in flight.
    pub on_demand_workers: u32,
    /// Notes for the reader of the summary (such as files left out and empty folders).
    pub notes: Vec<String>,
    /// The prices of the run's models. Missing in plans of builds that wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<RunRates>,
    /// What the first round is expected to take. Missing in plans of builds that wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<RunEstimate>,
    /// What the rows were chosen from, if the request asks for a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<PlannedSample>,
}

/// What the rows of a sample were chosen from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedSample {
    /// Whether batch jobs take the run's model.
    pub takes_jobs: bool,
    /// The whole tables, in the order of the plan's tables.
    pub tables: Vec<WholeTable>,
}

/// A table of which a run asks a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholeTable {
    /// Number of its rows.
    pub rows: u64,
    /// Number of its rows whose record can be sent.
    pub records: u64,
    /// Number of the sample's rows whose record can be sent.
    pub sampled_records: u64,
}

impl Plan {
    /// Returns which execution was planned.
    pub fn identity(&self) -> RunIdentity {
        RunIdentity {
            version: crate::VERSION,
            execution_arn: self.execution_arn.clone(),
            started: self.started.clone(),
        }
    }

    /// Returns the file name of a table's result: see [`ResultName`].
    pub fn result_name(&self, table: &Table) -> String {
        ResultName {
            split: table.split.as_deref(),
            job_type: self.request.job_type,
            is_sample: self.request.sample.is_some(),
            format: table.format,
            gzip: table.gzip,
        }
        .to_string()
    }
}

/// One table: all input files of one folder, in name order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// `train`, `val` or `test`; none for a single table.
    pub split: Option<String>,
    /// The file format, as the extension of a file name: `csv`, `tsv`, `jsonl`, `parquet`.
    pub format: FileFormat,
    /// Whether the input files, and therefore the result, are compressed.
    pub gzip: bool,
    /// The files.
    pub files: Vec<InputFile>,
    /// Column names in order.
    pub columns: Vec<String>,
    /// The header line as it is in the first file, without line terminator (CSV and TSV).
    pub header: String,
    /// How rows end: `lf`, `crlf` or `cr`.
    pub newline: LineEnding,
    /// How cells of CSV and TSV are quoted, in the words of `BEDROCK_CSV_QUOTING`. Left out of the
    /// document if it is `standard`.
    #[serde(default, skip_serializing_if = "CsvQuoting::is_standard")]
    pub quoting: CsvQuoting,
    /// Number of rows in all files.
    pub rows: u64,
    /// How the rows are sent in the first round.
    pub mode: Mode,
    /// The number of its first slice.
    pub first_slice: u32,
    /// Number of its slices.
    pub slices: u32,
    /// In Parquet, the digest of what the files have in common, which is a part of the name of its
    /// object. Plans of earlier builds have none, and the object's name neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
}

/// How rows are sent to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By batch jobs.
    Batch,
    /// With one call for each row.
    OnDemand,
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Where its plain bytes are: the file itself, or its uncompressed copy.
    pub location: S3Uri,
    /// The name that users know.
    pub name: String,
    /// Size in bytes of the object at `location`.
    pub size: u64,
    /// `ETag` of the object at `location`, by which a change is noticed.
    pub etag: String,
    /// Version of the object at `location`, which is read even after the object was overwritten or
    /// deleted. Left out of the document if the bucket keeps no versions: `location` is then a copy in
    /// the run's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Number of its rows.
    pub rows: u64,
}

/// Consecutive rows of one table: `slice.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// [`crate::VERSION`].
    pub version: u32,
    /// Its number in the run.
    pub slice: u32,
    /// Its table's number.
    pub table: usize,
    /// The first row's number in the table.
    pub first_row: u64,
    /// Number of rows.
    pub rows: u64,
    /// Number of rows whose record can be sent.
    pub records: u64,
    /// Size in bytes of these records as JSON Lines.
    pub bytes: u64,
    /// How the rows are sent in the first round.
    pub mode: Mode,
    /// The ranges of the table's files that hold the rows, in order.
    pub segments: Vec<Segment>,
}

impl Slice {
    /// Its records.
    pub fn sums(&self) -> RecordSums {
        RecordSums {
            records: self.records,
            bytes: self.bytes,
        }
    }
}

/// Consecutive rows of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The file's number in the table.
    pub file: usize,
    /// The first byte; in Parquet the first row's number in the file.
    pub start: u64,
    /// The byte after the last; in Parquet the row after the last.
    pub end: u64,
    /// The first row's number in the file.
    pub first_row: u64,
}

/// The rows to send again: `todo.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Todo {
    /// [`crate::VERSION`].
    pub version: u32,
    /// Row numbers in the table, ascending.
    pub rows: Vec<u64>,
    /// The form of the requests; if missing, the run's first form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forms: Option<RequestForms>,
    /// Whether the service is known to accept records in this form. If so, a refusal concerns the
    /// record, not the form.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_taken: bool,
    /// The state in which the round begins.
    pub begins: SliceState,
}

/// An on-demand round ends early when this number of records got the same final error and none got
/// an answer. Its records are then sent in another form, or the run ends.
pub const REFUSED_RECORDS: u64 = 20;

/// The form of a round's requests after the service has refused another form. It is also the
/// content of the run's `forms.json`, from which later slices start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestForms {
    /// Requests to the run's model.
    pub primary: RequestForm,
    /// Requests to the fallback model, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<RequestForm>,
    /// The service's messages that led to this form, for the summary.
    pub because: Vec<String>,
}

/// A round that the service refused as a whole, so that the run failed: `refused.json`. When the
/// run is redriven, the records of the round are sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedRound {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The error that the run failed with.
    pub error: String,
}

/// What `split` found out about the round's records: `asked.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// [`crate::VERSION`].
    pub version: u32,
    /// Records written.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// `ETag` of the input file.
    pub etag: String,
    /// Rows whose record cannot be sent.
    pub unsendable: Vec<Unsendable>,
    /// Cells cut to the configured length.
    pub truncations: u64,
    /// Rows with at least one such cell.
    pub truncated_records: u64,
    /// Cuts by column.
    pub truncated_fields: BTreeMap<String, u64>,
    /// The form of the requests; if missing, the run's first form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forms: Option<RequestForms>,
    /// Whether the service is known to accept records in this form. If so, a refusal concerns the
    /// record, not the form.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_taken: bool,
}

/// A row that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsendable {
    /// The row's number in the table.
    pub row: u64,
    /// The reason, for the row's error column.
    pub reason: String,
}

/// A job that is about to be created: `job-intent.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobIntent {
    /// [`crate::VERSION`].
    pub version: u32,
    /// The name of the job.
    pub name: String,
}

/// The job that was created: `job.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreatedJob {
    /// [`crate::VERSION`].
    pub version: u32,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `ETag` of the records that it was created for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_etag: Option<String>,
}

/// How a job ended: `job-end.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobEnd {
    /// [`crate::VERSION`].
    pub version: u32,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The service's name for its status.
    pub status: JobStatus,
    /// The service's message; empty if there is none.
    pub message: String,
    /// Seconds from submission to its end.
    pub seconds: u64,
    /// When it was submitted, seconds since 1970-01-01T00:00:00Z; `None` if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<u64>,
    /// The service's counts of its records, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<JobCounts>,
}

/// The service's counts of a job's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobCounts {
    /// Records with an answer.
    pub answers: u64,
    /// Records with an error.
    pub errors: u64,
}

/// What the file name of a table's result consists of: `<job_type>_processed_data.<ext>`, or for a split
/// `<split>/<split>_processed_data.<ext>`. The name of a sample's result has `_sample` before
/// `_processed_data`, so that it does not replace the result of the whole table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultName<'a> {
    /// The training split.
    pub split: Option<&'a str>,
    /// The kind of data set.
    pub job_type: JobType,
    /// Whether the result is that of a sample.
    pub is_sample: bool,
    /// The format of the table.
    pub format: FileFormat,
    /// Whether the result is compressed.
    pub gzip: bool,
}

impl fmt::Display for ResultName<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.split {
            Some(split) => write!(out, "{split}/{split}")?,
            None => write!(out, "{}", self.job_type)?,
        }
        let sample = if self.is_sample { "_sample" } else { "" };
        let gz = if self.gzip { ".gz" } else { "" };
        let ending = self.format.extension();
        write!(out, "{sample}_processed_data.{ending}{gz}")
    }
}
