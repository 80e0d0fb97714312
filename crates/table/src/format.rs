//! The text formats.

use serde::{Deserialize, Serialize};

/// How cells of CSV and TSV are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quoting {
    /// RFC 4180: cells may be in `"`, and `""` inside stands for one.
    #[default]
    Standard,
    /// Like standard, but inside quotes `\"` stands for a quote and `\\` for a backslash. Other
    /// backslashes are text.
    Backslash,
    /// Quotes are text. Cells contain neither separators nor line breaks.
    None,
}

/// A text table format, with the quoting that its files use. JSON Lines has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dialect {
    /// The format.
    pub format: Format,
    /// The quoting.
    #[serde(default)]
    pub quoting: Quoting,
}

impl From<Format> for Dialect {
    fn from(format: Format) -> Self {
        Self {
            format,
            quoting: Quoting::Standard,
        }
    }
}

/// A text table format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated values with a header row.
    Csv,
    /// Tab-separated values with a header row; quoted like CSV, unless [`Quoting`] says otherwise.
    Tsv,
    /// One JSON object per line.
    JsonLines,
}

impl Format {
    /// The extension of a file of this format, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::JsonLines => "jsonl",
        }
    }

    /// The byte between two cells, for the formats that have one.
    pub(crate) fn delimiter(self) -> Option<u8> {
        match self {
            Self::Csv => Some(b','),
            Self::Tsv => Some(b'\t'),
            Self::JsonLines => None,
        }
    }
}
