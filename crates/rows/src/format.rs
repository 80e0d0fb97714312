//! Table formats, and how a file name tells the format.

use crate::error::RowsError;
use quarry_contract::plan::Table;
use quarry_contract::settings::CsvQuoting;
use quarry_table::{Dialect, Format, Header, Newline, Quoting};
use serde::{Deserialize, Serialize};

/// The names of table files, as messages show them.
pub const ACCEPTED: &str = "*.csv, *.tsv, *.jsonl (each also with .gz) or *.parquet";

/// The format of a table's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// Text: rows are ranges of bytes.
    Text(Dialect),
    /// Parquet: rows are found by their number.
    Parquet,
}

impl TableFormat {
    /// Reads the format from a file name, ignoring case, and whether the file is compressed with
    /// gzip. Parquet has its own compression, so `.parquet.gz` does not name a table.
    pub fn from_file_name(name: &str) -> Option<(Self, bool)> {
        if let Some((format, gzip)) = Format::from_file_name(name) {
            return Some((Self::Text(format.into()), gzip));
        }
        let (_, extension) = name.rsplit_once('.')?;
        extension
            .eq_ignore_ascii_case(PARQUET)
            .then_some((Self::Parquet, false))
    }

    /// Returns the same format with this quoting. Formats without quoting stay as they are.
    #[must_use]
    pub fn quoted(self, quoting: CsvQuoting) -> Self {
        let Self::Text(dialect) = self else {
            return self;
        };
        Self::Text(Dialect {
            quoting: match (dialect.format, quoting) {
                (Format::JsonLines, _) | (_, CsvQuoting::Standard) => Quoting::Standard,
                (_, CsvQuoting::Backslash) => Quoting::Backslash,
                (_, CsvQuoting::None) => Quoting::None,
            },
            ..dialect
        })
    }

    /// Whether the columns are the keys of the rows, and therefore known only after all rows are
    /// read.
    pub fn is_json_lines(self) -> bool {
        matches!(self, Self::Text(dialect) if dialect.format == Format::JsonLines)
    }

    /// The extension of a file of this format, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Text(dialect) => dialect.format.extension(),
            Self::Parquet => PARQUET,
        }
    }
}

const PARQUET: &str = "parquet";

/// Returns the format of a table.
pub fn format_of(table: &Table) -> Result<TableFormat, RowsError> {
    let unknown = || RowsError::Format(format!("{} {}", table.format, table.quoting));
    let quoting = match &*table.quoting {
        "" => CsvQuoting::Standard,
        name => CsvQuoting::ALL
            .into_iter()
            .find(|quoting| quoting.as_str() == name)
            .ok_or_else(unknown)?,
    };
    TableFormat::from_file_name(&format!("x.{}", table.format))
        .map(|(format, _)| format.quoted(quoting))
        .ok_or_else(unknown)
}

/// The name of a format's quoting in the plan.
pub fn quoting_name(format: TableFormat) -> &'static str {
    match format {
        TableFormat::Text(dialect) => match dialect.quoting {
            Quoting::Standard => "",
            Quoting::Backslash => CsvQuoting::Backslash.as_str(),
            Quoting::None => CsvQuoting::None.as_str(),
        },
        TableFormat::Parquet => "",
    }
}

/// Returns a text table's header from the plan.
pub fn header_of(table: &Table) -> Header {
    Header {
        columns: table.columns.clone(),
        raw: table.header.clone(),
        newline: match table.newline.as_str() {
            "crlf" => Newline::CrLf,
            "cr" => Newline::Cr,
            _ => Newline::Lf,
        },
    }
}

/// The name of a newline in the plan.
pub fn newline_name(newline: Newline) -> &'static str {
    match newline {
        Newline::Lf => "lf",
        Newline::CrLf => "crlf",
        Newline::Cr => "cr",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parquet_is_a_table_and_compressed_parquet_is_not() {
        let csv = TableFormat::Text(Format::Csv.into());
        assert_eq!(TableFormat::from_file_name("a.csv.gz"), Some((csv, true)));
        assert_eq!(
            TableFormat::from_file_name("a.b.PARQUET"),
            Some((TableFormat::Parquet, false))
        );
        for other in ["a.parquet.gz", "parquet", "a.txt", ""] {
            assert_eq!(TableFormat::from_file_name(other), None, "{other}");
        }
    }
}
