//! The values of settings that are one of a few words.

use serde::{Deserialize, Serialize};

/// How cells of CSV and TSV are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CsvQuoting {
    /// In double quotes, inside which two stand for one (RFC 4180).
    #[default]
    Standard,
    /// As standard, and a backslash before a quote makes it text.
    Backslash,
    /// Not at all: quotes are text.
    None,
}

impl CsvQuoting {
    /// Every value, the default first.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Backslash, Self::None];

    /// Whether it is the default, which the plan does not name.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(crate) fn is_standard(&self) -> bool {
        *self == Self::Standard
    }

    /// The name that the setting and the plan give it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Backslash => "backslash",
            Self::None => "none",
        }
    }
}

/// Whether a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinkingSetting {
    /// As the model does by itself.
    Default,
    /// It does not.
    Off,
}

/// How much a model works on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// As little as it can.
    Low,
    /// In between.
    Medium,
    /// Much.
    High,
    /// More, for long work.
    XHigh,
    /// As much as it can.
    Max,
}

impl Effort {
    /// Every value, from the least.
    pub const ALL: [Self; 5] = [Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max];

    /// The service's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// How calls are placed among those of other customers, and so what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceTier {
    /// The usual one.
    Default,
    /// Cheaper, and throttled first.
    Flex,
    /// Dearer, and served first.
    Priority,
}

impl ServiceTier {
    /// The service's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }
}

/// When jobs are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchMode {
    /// From `BEDROCK_BATCH_THRESHOLD` rows on, if a role is set.
    Auto,
    /// Always, down to the minimum of records that a job needs.
    Batch,
    /// Never.
    Realtime,
}

/// What a placeholder without a column becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingColumns {
    /// A planning error.
    Refuse,
    /// The text `[Missing: name]`.
    Mark,
}
