//! The outcome of one row.

mod line;

use quarry_answer::{FieldValue, ParseStatus, Reading, RecordError};
use serde::{Deserialize, Serialize};

const CUT_AT_LIMIT: &str = "the answer was cut off at the token limit; raise BEDROCK_MAX_TOKENS";
const CUT_AT_CONTEXT: &str = "the answer was cut off because the model's context window was full; shorten the row or the prompt, or use a model with \
     a larger context window";

/// The outcome of one row: the values of its result columns and how they came about. Stored as one
/// JSON line in `results.jsonl` ([`write_line`](Self::write_line)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
        let note = match (reading.cut_off, reading.context_full) {
            (false, _) => None,
            (true, false) => Some(CUT_AT_LIMIT),
            (true, true) => Some(CUT_AT_CONTEXT),
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_answer::Reader;
    use quarry_model::{AnswerContent, ModelAnswer};

    #[test]
    fn the_note_of_an_answer_that_was_cut_off_names_the_remedy_for_its_cause() {
        let note = |stop: &str| {
            let answer = ModelAnswer {
                content: AnswerContent::Text("It is".into()),
                stop_reason: Some(stop.into()),
                ..ModelAnswer::default()
            };
            Outcome::read(0, Reader::new(None, false).read(&answer)).error
        };
        for stop in ["max_tokens", "length"] {
            let note = note(stop).unwrap();
            assert!(note.ends_with("raise BEDROCK_MAX_TOKENS"), "{stop}: {note}");
        }
        for stop in ["model_context_window_exceeded", "model_length"] {
            let note = note(stop).unwrap();
            assert!(note.contains("context window was full"), "{stop}: {note}");
            assert!(!note.contains("BEDROCK_MAX_TOKENS"), "{stop}: {note}");
        }
        assert_eq!(note("end_turn"), None);
    }
}
