//! What became of a slice: `receipt.json`, written together with its part of the result.

use crate::counts::is_zero;
use crate::ledger::Counts;
use crate::profile::ProfileTally;
use quarry_contract::plan::JobEnd;
use quarry_cost::{TokensSpent, Way};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A finished slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`quarry_contract::VERSION`].
    pub version: u32,
    /// The slice's number.
    pub slice: u32,
    /// The first row's number in the table.
    pub first_row: u64,
    /// Rows of the slice.
    pub rows: u64,
    /// Rows in the part; fewer than `rows` only if error rows are skipped.
    pub rows_written: u64,
    /// The part's bytes.
    pub part_bytes: u64,
    /// The part's `ETag`.
    pub part_etag: String,
    /// Values that do not fit the Parquet type of their column and were written as null, by column.
    pub unfit: BTreeMap<String, u64>,
    /// Outcomes by file, in order.
    pub files: Vec<FileOutcomes>,
    /// The rounds, in order.
    pub rounds: Vec<Round>,
    /// Rows whose record cannot be sent.
    pub unsendable: u64,
    /// Cells cut to the configured length.
    pub truncations: u64,
    /// Rows with such a cell.
    pub truncated_records: u64,
    /// Cuts by column.
    pub truncated_fields: BTreeMap<String, u64>,
    /// Why requests were sent in another form than the first, in the service's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub form_changes: Vec<String>,
    /// Rows without a good answer that were not sent again because of `BEDROCK_MAX_COST`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stopped_by_max_cost: u64,
    /// The values of the answers and the reasons of failures; `None` if an earlier version of Quarry wrote the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileTally>,
}

/// What became of the rows of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileOutcomes {
    /// The file's number in the table.
    pub file: usize,
    /// Rows.
    pub records: u64,
    /// Rows for which a model answered.
    pub successful: u64,
    /// Rows for which no model answered.
    pub failed: u64,
    /// Rows whose answer matches the schema.
    pub validation_passed: u64,
    /// Rows whose answer was repaired.
    pub repaired: u64,
    /// Rows whose answer was given on demand.
    pub on_demand: u64,
}

impl FileOutcomes {
    /// Adds another slice's share of the same file.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.successful += other.successful;
        self.failed += other.failed;
        self.validation_passed += other.validation_passed;
        self.repaired += other.repaired;
        self.on_demand += other.on_demand;
    }
}

/// One round of a slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// Its job; `None` if the round was sent on demand.
    pub job: Option<JobEnd>,
    /// Number of records that were sent on demand in this round.
    pub on_demand: u64,
    /// How its answer lines were counted.
    pub counts: Counts,
    /// How the counts differ from those in the service's `manifest.json.out`.
    pub differences: Vec<String>,
    /// The answers that the service counted, at the end of the job or in its manifest, whichever are
    /// more. Each of them is paid for, also if it never came. 0 if the round had no job.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub answers_counted: u64,
}

/// Tokens of a round that have one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpentTokens {
    /// Whether the fallback model answered.
    pub by_fallback: bool,
    /// How they are paid for.
    pub way: Way,
    /// How many there are.
    pub tokens: TokensSpent,
}

impl Round {
    /// Returns the tokens of the round by their price.
    pub fn spent(&self) -> Vec<SpentTokens> {
        let usual = if self.job.is_some() {
            Way::Job
        } else {
            Way::OnDemand
        };
        let mut rest = self.counts.tokens_spent();
        let mut spent = Vec::new();
        for apart in &self.counts.spent_apart {
            spent.push(SpentTokens {
                by_fallback: apart.by_fallback,
                way: apart.tier.unwrap_or(usual),
                tokens: apart.tokens,
            });
            rest.input = rest.input.saturating_sub(apart.tokens.input);
            rest.output = rest.output.saturating_sub(apart.tokens.output);
        }
        spent.push(SpentTokens {
            by_fallback: false,
            way: usual,
            tokens: rest,
        });
        spent
    }
}
