//! The formats of table files, and the file names by which they are recognised.

use serde::{Deserialize, Serialize};

/// A format of table files. The plan names it as file names end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileFormat {
    /// Comma-separated values with a header row.
    #[serde(rename = "csv")]
    Csv,
    /// Tab-separated values with a header row.
    #[serde(rename = "tsv")]
    Tsv,
    /// One JSON object per line.
    #[serde(rename = "jsonl")]
    JsonLines,
    /// Apache Parquet.
    #[serde(rename = "parquet")]
    Parquet,
}

impl FileFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Tsv, Self::JsonLines, Self::Parquet];

    /// Reads the format from a file name, ignoring case, and whether the file is compressed with
    /// gzip. Parquet has its own compression, so `.parquet.gz` does not name a table. `None` if the
    /// name is not that of a table.
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
            "parquet" if !gzip => Self::Parquet,
            _ => return None,
        };
        Some((format, gzip))
    }

    /// The extension of a file of this format, without a dot. It is also the name in the plan.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
        }
    }

    /// Whether files of this format may be compressed with gzip.
    pub fn may_be_gzip(self) -> bool {
        self != Self::Parquet
    }
}

/// How the rows of a text table end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineEnding {
    /// `\n`.
    #[default]
    Lf,
    /// `\r\n`.
    CrLf,
    /// `\r` alone.
    Cr,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_extension_decides_in_any_case_with_or_without_gzip() {
        for (name, expected) in [
            ("a/b.csv", (FileFormat::Csv, false)),
            ("B.TSV.GZ", (FileFormat::Tsv, true)),
            ("x.y.jsonl", (FileFormat::JsonLines, false)),
            ("x.ndjson.gz", (FileFormat::JsonLines, true)),
            ("a.b.PARQUET", (FileFormat::Parquet, false)),
        ] {
            assert_eq!(FileFormat::from_file_name(name), Some(expected), "{name}");
        }
        for other in ["a.parquet.gz", "parquet", "csv", "a.gz", "a.csv.zip", ""] {
            assert_eq!(FileFormat::from_file_name(other), None, "{other}");
        }
    }

    #[test]
    fn the_plan_names_a_format_as_file_names_end() {
        for format in FileFormat::ALL {
            assert_eq!(json!(format), json!(format.extension()));
            let name = format!("x.{}", format.extension());
            assert_eq!(FileFormat::from_file_name(&name), Some((format, false)));
        }
        let endings = [LineEnding::Lf, LineEnding::CrLf, LineEnding::Cr];
        assert_eq!(json!(endings), json!(["lf", "crlf", "cr"]));
    }
}
