//! The outcome of one row.

use quarry_answer::{FieldValue, ParseStatus, Reading, RecordError};
use serde::{Deserialize, Serialize};

/// The outcome of one row: the values of its result columns and how they came about. Stored as one
/// JSON line in `results.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each flag is a fact of its own about the row"
)]
pub struct Outcome {
    /// The row's number in the table.
    pub row: u64,
    /// Whether the answer is good, so that the row needs no other round.
    pub good: bool,
    /// Whether the service refused the record in a way that another attempt would not change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// Whether a model answered: the `status` column.
    pub answered: bool,
    /// The `parse_status` column.
    pub parse_status: ParseStatus,
    /// The `validation_passed` column.
    pub validation_passed: bool,
    /// Whether the answer parsed only after quote repair.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repaired: bool,
    /// The values of the schema's properties, in order; empty if there is no answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldValue>,
    /// The `error` column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The `raw_response` column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_response: Option<String>,
    /// The `validation_error` column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_error: Option<String>,
}

impl Outcome {
    /// Returns the outcome of an answer that was read.
    pub fn read(row: u64, reading: Reading) -> Self {
        let good = reading.is_good();
        let answered = reading.parse_status != ParseStatus::Error;
        let note = reading
            .cut_off
            .then_some("the answer was cut off at the token limit; raise BEDROCK_MAX_TOKENS");
        Self {
            row,
            good,
            refused: false,
            answered,
            parse_status: reading.parse_status,
            validation_passed: reading.validation_passed,
            repaired: reading.repaired,
            fields: reading.fields,
            error: reading.error.or_else(|| note.map(str::to_owned)),
            raw_response: reading.raw_response,
            validation_error: reading.validation_error,
        }
    }

    /// Returns the outcome of a row for which the service returned an error.
    pub fn refused(row: u64, error: &RecordError<'_>) -> Self {
        Self {
            refused: error.is_final(),
            ..Self::failed(row, error.to_string())
        }
    }

    /// Returns the outcome of a row without an answer.
    pub fn failed(row: u64, error: String) -> Self {
        Self {
            row,
            good: false,
            refused: false,
            answered: false,
            parse_status: ParseStatus::Error,
            validation_passed: false,
            repaired: false,
            fields: Vec::new(),
            error: Some(error),
            raw_response: None,
            validation_error: None,
        }
    }
}
