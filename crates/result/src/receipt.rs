//! What became of a slice: `receipt.json`, written together with its part of the result.

use crate::ledger::Counts;
use crate::profile::ProfileTally;
use quarry_contract::plan::JobEnd;
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
}
