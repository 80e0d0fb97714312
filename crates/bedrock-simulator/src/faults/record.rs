//! Faults of single records.

use super::defaults::{is_default, once, yes};
use serde::{Deserialize, Serialize};

/// What goes wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordFaultKind {
    /// An error takes the place of the answer.
    ErrorLine,
    /// The line is missing.
    Missing,
    /// The same line comes twice.
    Duplicate,
    /// A second line has another answer.
    ConflictingDuplicate,
    /// The line has an id that no record has.
    UnknownId,
    /// The line is not JSON.
    MalformedLine,
    /// The answer has German quotation marks, of which the closing one is a bare ASCII mark.
    GermanQuotes,
    /// The answer is in a code fence.
    Fenced,
    /// The answer is between sentences.
    Prose,
    /// The answer is JSON that breaks the schema.
    SchemaViolation,
    /// The answer is cut off.
    MaxTokens,
    /// The model declines, without any content.
    Refusal,
    /// A guardrail's message takes the place of the answer.
    GuardrailIntervened,
    /// One property of a tool's input holds the others, in the XML of tool calls.
    ToolCallLeak,
    /// Lists and objects inside the answer are given as JSON text.
    NestedAsText,
    /// On demand, the connection breaks in the middle of the reply, which is charged.
    BrokenOff,
}

impl RecordFaultKind {
    /// All kinds.
    pub const ALL: [Self; 16] = [
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
        Self::BrokenOff,
    ];

    /// Whether the fault concerns the line of a job's output and not the model's answer.
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

    /// Whether the fault concerns a call on demand and not what a job writes.
    pub(crate) fn is_about_call(self) -> bool {
        self == Self::BrokenOff
    }
}

/// A fault of some records. Exactly one of `record`, `every` and `first` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFault {
    /// The record's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// The fault strikes every `every`-th record, beginning with position `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The first position with `every`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset: u64,
    /// The fault strikes all positions below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The scripted faults.
    pub kind: RecordFaultKind,
    /// The error's code, with `error_line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The error's message, with `error_line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The error line's word on retries, with `error_line`; derived from the code when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// Whether the error line says that the record ran out of time, with `error_line`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expired: bool,
    /// How often the fault strikes a record, from the first time that it is sent; 1 when absent.
    #[serde(default = "once")]
    pub times: u64,
    /// Whether the fault also counts and strikes on-demand calls; true when absent.
    #[serde(default = "yes")]
    pub on_demand: bool,
}

impl RecordFault {
    /// Returns a fault of the record with this id, once.
    pub fn of_record(record: impl Into<String>, kind: RecordFaultKind) -> Self {
        Self {
            record: Some(record.into()),
            ..Self::new(kind)
        }
    }

    /// Returns a fault of every `every`-th record from `offset`, once each.
    pub fn of_every(every: u64, offset: u64, kind: RecordFaultKind) -> Self {
        Self {
            every: Some(every),
            offset,
            ..Self::new(kind)
        }
    }

    /// Returns the same fault for the first `times` times that a record is sent.
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
