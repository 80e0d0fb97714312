//! The settings whose value is one of a few words.

use serde::{Deserialize, Serialize};

/// How cells of CSV and TSV are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CsvQuoting {
    /// In double quotes; inside them, two double quotes stand for one (RFC 4180).
    #[default]
    Standard,
    /// As in the standard, and a quote after a backslash is text.
    Backslash,
    /// There is no quoting: quotes are text.
    None,
}

impl CsvQuoting {
    /// Every value, the default first.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Backslash, Self::None];

    /// Whether it is the default, which the plan leaves out.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(crate) fn is_standard(&self) -> bool {
        *self == Self::Standard
    }

    /// Returns its name in the setting and in the plan.
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
    /// The model's own default.
    Default,
    /// It does not think.
    Off,
}

/// How much a model works on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// As little as it can.
    Low,
    /// A medium amount.
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

/// The service tier of on-demand calls: their priority among those of other customers, and their
/// price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceTier {
    /// The usual tier.
    Default,
    /// Cheaper, and throttled first.
    Flex,
    /// More expensive, and served first.
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
    /// If there are at least `BEDROCK_BATCH_THRESHOLD` rows and a role is set.
    Auto,
    /// Whenever there are as many records as a job needs.
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
