//! Faults of single records.

use super::defaults::{is_default, once, yes};
use serde::{Deserialize, Serialize};

/// What goes wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordFaultKind {
    /// An error instead of an answer.
    ErrorLine,
    /// No line.
    Missing,
    /// The same line twice.
    Duplicate,
    /// A second line with another answer.
    ConflictingDuplicate,
    /// A line with an id that nobody sent.
    UnknownId,
    /// A line that is not JSON.
    MalformedLine,
    /// German quotation marks, the closing one a bare ASCII mark.
    GermanQuotes,
    /// In a code fence.
    Fenced,
    /// Between sentences.
    Prose,
    /// JSON that breaks the schema.
    SchemaViolation,
    /// Cut off.
    MaxTokens,
    /// The model declines, without any content.
    Refusal,
    /// A guardrail's message stands in the place of the answer.
    GuardrailIntervened,
    /// One property of a tool's input holds the others in the XML of tool calls.
    ToolCallLeak,
    /// Lists and objects inside the answer are given as JSON text.
    NestedAsText,
}

impl RecordFaultKind {
    /// All kinds.
    pub const ALL: [Self; 15] = [
        Self::ErrorLine,
        Self::Missing,
        Self::Duplicate,
        Self::ConflictingDuplicate,
        Self::UnknownId,
        Self::MalformedLine,
        Self::GermanQuotes,
        Self::Fenced,
        Self::Prose,
        Self::SchemaViolation,
        Self::MaxTokens,
        Self::Refusal,
        Self::GuardrailIntervened,
        Self::ToolCallLeak,
        Self::NestedAsText,
    ];

    /// Whether it is about the line of a job's output, not about what the model answers.
    pub(crate) fn is_about_line(self) -> bool {
        matches!(
            self,
            Self::Missing
                | Self::Duplicate
                | Self::ConflictingDuplicate
                | Self::UnknownId
                | Self::MalformedLine
        )
    }
}

/// A fault of some records. Exactly one of `record`, `every` and `first` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFault {
    /// The record's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Every so many records, from `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The first position with `every`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset: u64,
    /// All positions below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// What goes wrong.
    pub kind: RecordFaultKind,
    /// The error's code, with `error_line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The error's message, with `error_line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the error line says about asking again, with `error_line`; from the code when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// Whether the error line says that the record's time was up, with `error_line`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expired: bool,
    /// The first so many asks of a record; 1 when absent.
    #[serde(default = "once")]
    pub times: u64,
    /// Whether on-demand asks count and are hit too; true when absent.
    #[serde(default = "yes")]
    pub on_demand: bool,
}

impl RecordFault {
    /// A fault of the record with this id, once.
    pub fn of_record(record: impl Into<String>, kind: RecordFaultKind) -> Self {
        Self {
            record: Some(record.into()),
            ..Self::new(kind)
        }
    }

    /// A fault of every `every`-th record from `offset`, once each.
    pub fn of_every(every: u64, offset: u64, kind: RecordFaultKind) -> Self {
        Self {
            every: Some(every),
            offset,
            ..Self::new(kind)
        }
    }

    /// The same fault for the first `times` asks.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    fn new(kind: RecordFaultKind) -> Self {
        Self {
            record: None,
            every: None,
            offset: 0,
            first: None,
            kind,
            code: None,
            message: None,
            retryable: None,
            expired: false,
            times: 1,
            on_demand: true,
        }
    }
}
