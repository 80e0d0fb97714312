//! The summary of a run: `processing_summary_<job_type>_<time>.json`, which `finish` writes beside the
//! result.
//!
//! It begins with the keys of the step that Quarry takes over from, in that step's order, so that code
//! that reads them keeps working. More keys follow. The fields' texts are the descriptions in
//! `docs/summary.schema.json`, which a test makes from these types.

mod cost;
mod profile;
mod sample;

pub use cost::{CostSummary, ModelCost, PriceSummary, RoundCost, TableCost, WayCost};
pub use profile::{
    BooleanSummary, FailureSummary, LengthSummary, NumberSummary, ProfileSummary, PropertySummary,
    RangeRows, ValueRows,
};
pub use sample::{ProjectionSummary, SampleSummary, SampledTable};

use crate::counts::is_zero;
use quarry_contract::plan::{Mode, Plan};
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a run did: rows, jobs, tokens, rounds, and everything that a reader of the result should know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Summary {
    /// The request's job type.
    pub job_type: String,
    /// Input files.
    pub total_files: u64,
    /// Input rows.
    pub total_records: u64,
    /// Rows with status `success`, those that are left out of the result included.
    pub successful_records: u64,
    /// Rows with status `error`, those that are left out of the result included.
    pub failed_records: u64,
    /// Rows whose answer satisfies the schema.
    pub validation_passed_records: u64,
    /// The input files. Files of training splits come split by split.
    pub files_processed: Vec<FileSummary>,
    /// The training splits; empty if the data set has none.
    pub splits_processed: Vec<SplitSummary>,
    /// How the model's id was replaced; without members if it was not.
    pub model_info: ModelInfo,
    /// The id that was sent to Bedrock.
    pub effective_model_id: String,
    /// Which parts of a request were given.
    pub template_integration: TemplateIntegration,
    /// Whether any table was sent in jobs. For `quarry merge`, whether it would be.
    pub batch_processing_used: bool,
    /// The jobs; null if there were none.
    pub batch_job_info: Option<BatchJobInfo>,
    /// Rows with status `success`, as a share of all input rows, 0 to 1.
    pub overall_success_rate: f64,
    /// Rows whose answer satisfies the schema, as a share of all input rows, 0 to 1.
    pub overall_validation_rate: f64,
    /// The start of the execution, RFC 3339 in UTC.
    pub processing_timestamp: String,
    /// Values that were cut before they were sent.
    pub truncation_stats: TruncationStats,
    /// The execution's name; of a merged result that of its newest run.
    pub run: String,
    /// The runs whose results were merged, the first one first: a run, and those that asked its failed rows
    /// again. Missing in the summary of one run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_runs: Vec<String>,
    /// Rows in and out, and where the answers in the result came from.
    pub rows: RowsSummary,
    /// The result tables.
    pub tables: Vec<TableSummary>,
    /// Records that were sent on demand, over all rounds. A record that had to wait for a throttled service
    /// counts once. If Quarry left a round because the service refused its first records, only these count.
    pub on_demand_records: u64,
    /// Tokens as the answers report them, over all rounds.
    pub tokens: TokensSummary,
    /// What came back, over all rounds. A row that was sent twice counts twice.
    pub answers: AnswersSummary,
    /// The rounds, in order.
    pub rounds: Vec<RoundSummary>,
    /// Whether the lines that Quarry read agree with Bedrock's `manifest.json.out`.
    pub reconciliation: Reconciliation,
    /// The error lines of all rounds, grouped by their text, in the order in which they first came. A row that
    /// got an error in two rounds is counted twice.
    pub refusals: Vec<RefusalSummary>,
    /// Answers that came on demand, by the service tier that gave them, as the service names it. If the service
    /// names none, they count for the tier that was requested.
    pub service_tiers: BTreeMap<String, u64>,
    /// Where the schema came from: `ruleset`, a location, `BEDROCK_VALIDATION_SCHEMA`, `rule names`,
    /// `embedding model`, or null.
    pub schema_source: Option<String>,
    /// What a reader should know: files that were left out, odd prompts, settings without effect, other forms
    /// in which requests were sent.
    pub notes: Vec<String>,
    /// What the tokens of all answers that came back cost, used or not, at the prices that were known when
    /// the run was planned; null if a price is not known.
    #[serde(default)]
    pub cost: Option<CostSummary>,
    /// For a sample: what its rows were chosen from, and what the whole data would take; missing for a run over
    /// all rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleSummary>,
    /// The values of the answers and the reasons of failures, counted over all rows; null in a merged summary, and
    /// for a run of which an earlier version of Quarry merged a slice.
    #[serde(default)]
    pub profile: Option<ProfileSummary>,
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct FileSummary {
    /// The name below the data folder.
    pub filename: String,
    /// Rows.
    pub records: u64,
    /// Rows with status `success`.
    pub successful: u64,
    /// Rows with status `error`.
    pub failed: u64,
    /// Rows whose answer satisfies the schema.
    pub validation_passed: u64,
    /// `successful` as a share of `records`, 0 to 1.
    pub success_rate: f64,
    /// `validation_passed` as a share of `records`, 0 to 1.
    pub validation_rate: f64,
    /// Whether the file's table was sent in jobs.
    pub batch_processing_used: bool,
    /// What is odd about the file, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// One training split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct SplitSummary {
    /// `train`, `val` or `test`.
    pub split_name: Option<String>,
    /// Files of the split.
    pub total_files: u64,
    /// Rows of the split.
    pub total_records: u64,
    /// Rows with status `success`.
    pub successful_records: u64,
    /// Rows with status `error`.
    pub failed_records: u64,
    /// Rows whose answer satisfies the schema.
    pub validation_passed_records: u64,
    /// The split's files.
    pub files_processed: Vec<FileSummary>,
    /// Whether the split was sent in jobs.
    pub batch_processing_used: bool,
    /// `successful_records` as a share of `total_records`, 0 to 1.
    pub success_rate: f64,
    /// `validation_passed_records` as a share of `total_records`, 0 to 1.
    pub validation_rate: f64,
}

/// How the model's id was replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ModelInfo {
    /// The inference profile's ARN, if one is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The inference profile's id, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<String>,
    /// The id in the settings, if a profile's id took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_model_id: Option<String>,
    /// `arn` or `profile_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

/// Which parts of a request were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the keys are those of the original step"
)]
pub struct TemplateIntegration {
    /// Whether there was a system prompt.
    pub system_prompt_loaded: bool,
    /// Whether there was a user prompt.
    pub user_prompt_template_loaded: bool,
    /// Whether there was a schema.
    pub validation_schema_loaded: bool,
    /// Whether there was a schema; the key keeps its name.
    pub pydantic_model_created: bool,
}

/// The jobs of all rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct BatchJobInfo {
    /// How many jobs there were.
    pub total_jobs: u64,
    /// The jobs, slice by slice.
    pub jobs: Vec<JobSummary>,
}

/// One batch job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct JobSummary {
    /// The job's ARN; empty for answers that were given to `quarry merge`.
    pub arn: String,
    /// The job's name.
    pub name: String,
    /// The status in which it ended, in Bedrock's words.
    pub status: String,
    /// The service's message, empty if there is none.
    pub message: String,
    /// The slice that the job was for.
    pub slice: u32,
    /// The round, from 0.
    pub round: usize,
    /// From submission to end, seconds.
    pub seconds: u64,
    /// When it was submitted, RFC 3339 in UTC; null if that is not known.
    #[serde(default)]
    pub submitted: Option<String>,
    /// When it ended, RFC 3339 in UTC; null if that is not known.
    #[serde(default)]
    pub ended: Option<String>,
    /// Records that were sent.
    pub records: u64,
    /// Records with an answer.
    pub answers: u64,
    /// Tokens that the model read.
    pub input_tokens: u64,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
}

/// Values that were cut before they were sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct TruncationStats {
    /// `BEDROCK_TRUNCATION_ENABLED`.
    pub truncation_enabled: bool,
    /// `BEDROCK_MAX_INPUT_FIELD_LENGTH`, characters.
    pub max_input_field_length: u64,
    /// Values that were cut.
    pub total_truncations: u64,
    /// Rows with such a value.
    pub truncated_records: u64,
    /// Values that were cut, by column.
    pub truncated_fields: BTreeMap<String, u64>,
    /// `truncated_records` as a share of all input rows, 0 to 1.
    pub truncation_rate: f64,
}

/// Rows in and out, and where the answers in the result came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RowsSummary {
    /// Input rows.
    pub r#in: u64,
    /// Rows of the result.
    pub out: u64,
    /// Rows with status `error` that the result leaves out.
    pub left_out_as_errors: u64,
    /// Rows whose answer was given on demand.
    pub answered_on_demand: u64,
    /// Rows whose answer was repaired.
    pub repaired: u64,
    /// Rows whose record is too large to be sent.
    pub too_large_to_send: u64,
    /// Rows without a good answer that were not sent again because of `BEDROCK_MAX_COST`; missing if there are
    /// none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stopped_by_max_cost: u64,
}

/// One result table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct TableSummary {
    /// The training split; null if there are none.
    pub split: Option<String>,
    /// The location of the result; if it is merged, the name of its file below the summary's folder.
    pub result: String,
    /// Input rows.
    pub rows_in: u64,
    /// Rows of the result.
    pub rows_out: u64,
    /// Slices.
    pub slices: u32,
    /// How the rows of the first round were sent.
    #[cfg_attr(test, schemars(with = "String", extend("enum" = ["batch", "on_demand"])))]
    pub mode: Mode,
}

/// Tokens as the answers report them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct TokensSummary {
    /// Tokens that the model read, without those of the prompt cache.
    pub input: u64,
    /// Tokens that the model wrote.
    pub output: u64,
    /// Tokens that requests read from the prompt cache, in addition to `input`.
    pub cache_read: u64,
    /// Tokens that requests wrote to the prompt cache, in addition to `input`.
    pub cache_write: u64,
    /// The part of `output` that was spent on thinking, as far as a model reports it.
    pub reasoning: u64,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct AnswersSummary {
    /// Records that were sent.
    pub asked: u64,
    /// Output lines that were read.
    pub lines: u64,
    /// Records with an answer.
    pub answered: u64,
    /// Records with an answer that need not be sent again.
    pub good: u64,
    /// Answers that could be read only after a repair.
    pub repaired: u64,
    /// Records with an answer that is not good.
    pub invalid: u64,
    /// Answers that ended at the token limit.
    pub cut_off: u64,
    /// Records with an error line and no answer.
    pub errors: u64,
    /// Records without any line.
    pub missing: u64,
    /// Lines that repeat an earlier one.
    pub duplicates: u64,
    /// Lines that contradict an earlier one.
    pub contradictions: u64,
    /// Records whose answers contradict each other, so that none counts; missing if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub contradicted: u64,
    /// Lines with a record id that was not sent.
    pub unknown_ids: u64,
    /// Lines that are not JSON, or have no record id.
    pub malformed: u64,
    /// Answers that the fallback model gave.
    pub by_fallback_model: u64,
    /// Calls on demand whose reply broke off or did not come within ten minutes. Bedrock may charge them, and
    /// their tokens are not known.
    #[serde(default)]
    pub lost_replies: u64,
    /// The first five lines that could not be used.
    pub examples: Vec<String>,
}

/// One round, over all slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RoundSummary {
    /// The round, from 0.
    pub round: usize,
    /// Its jobs.
    pub jobs: u64,
    /// Records that were sent on demand.
    pub on_demand_records: u64,
    /// Records that were sent.
    pub asked: u64,
    /// Records with an answer that need not be sent again.
    pub good: u64,
    /// Tokens that the model read.
    pub input_tokens: u64,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
}

/// Whether the lines agree with Bedrock's own counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Reconciliation {
    /// Whether `differences` is empty.
    pub agrees_with_bedrock: bool,
    /// How the lines differ from `manifest.json.out`, in words.
    pub differences: Vec<String>,
}

/// Error lines with one text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RefusalSummary {
    /// The text, at most 500 characters; null for the lines whose text is not among the first 20.
    pub error: Option<String>,
    /// Lines with this text.
    pub lines: u64,
    /// One of the rows, by its number in the table, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example_row: Option<u64>,
    /// Whether Quarry sent these records again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_again: Option<bool>,
}

/// The summary's file name: `processing_summary_<job_type>_<YYYYMMDD_HHMMSS>.json`, of the time
/// when the run started. That of a sample has `_sample` after the job type.
pub fn file_name(plan: &Plan) -> String {
    let digits: String = plan
        .started
        .chars()
        .filter(char::is_ascii_digit)
        .take(14)
        .collect();
    let (day, time) = digits.split_at(digits.len().min(8));
    let sample = match plan.request.sample {
        Some(_) => "_sample",
        None => "",
    };
    format!(
        "processing_summary_{}{sample}_{day}_{time}.json",
        plan.request.job_type
    )
}

/// The file name of the report about the run of this summary, which is beside it:
/// `processing_report_<job_type>_<YYYYMMDD_HHMMSS>.html`.
pub fn report_name(summary: &str) -> String {
    let stem = summary.strip_suffix(".json").unwrap_or(summary);
    let stem = stem.replacen("processing_summary", "processing_report", 1);
    format!("{stem}.html")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect_file;
    use schemars::generate::SchemaSettings;
    use serde_json::Value;

    fn schema() -> Value {
        let settings = SchemaSettings::draft2020_12();
        let schema = settings.into_generator().into_root_schema_for::<Summary>();
        schema.to_value()
    }

    #[test]
    fn the_published_schema_is_that_of_the_summary() {
        let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        expect_file!["../../../docs/summary.schema.json"].assert_eq(&text);
    }

    /// Every key, by its own name: `docs/results.md` says what it means.
    #[test]
    fn the_page_of_results_names_every_key_of_the_summary() {
        let page = include_str!("../../../docs/results.md");
        let schema = schema();
        let types = schema["$defs"].as_object().unwrap().values();
        let keys: Vec<&String> = types
            .chain([&schema])
            .flat_map(|kind| kind["properties"].as_object().unwrap().keys())
            .collect();
        assert!(keys.len() > 90, "{}", keys.len());
        for key in keys {
            assert!(
                page.contains(&format!("`{key}`")),
                "`{key}` is not on the page"
            );
        }
    }
}
