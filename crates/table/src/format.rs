//! The text formats, and how a file name tells the format.

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
    /// Reads the format from a file name, ignoring case: `.csv`, `.tsv`, `.jsonl` or `.ndjson`,
    /// each also with `.gz`.
    ///
    /// The second value says whether the file is compressed with gzip. `None` if the name is not
    /// that of a text table.
    pub fn from_file_name(name: &str) -> Option<(Self, bool)> {
        let lower = name.to_ascii_lowercase();
        let (stem, gzip) = lower
            .strip_suffix(".gz")
            .map_or((lower.as_str(), false), |stem| (stem, true));
        let (_, extension) = stem.rsplit_once('.')?;
        let format = match extension {
            "csv" => Self::Csv,
            "tsv" => Self::Tsv,
            "jsonl" | "ndjson" => Self::JsonLines,
            _ => return None,
        };
        Some((format, gzip))
    }

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

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn the_extension_decides_in_any_case_with_or_without_gzip() {
        assert_eq!(
            Format::from_file_name("a/b.csv"),
            Some((Format::Csv, false))
        );
        assert_eq!(
            Format::from_file_name("B.TSV.GZ"),
            Some((Format::Tsv, true))
        );
        assert_eq!(
            Format::from_file_name("x.y.jsonl"),
            Some((Format::JsonLines, false))
        );
        assert_eq!(
            Format::from_file_name("x.ndjson.gz"),
            Some((Format::JsonLines, true))
        );
        for other in ["x.parquet", "csv", "x.gz", "x.csv.zip", ""] {
            assert_eq!(Format::from_file_name(other), None, "{other}");
        }
    }
}
