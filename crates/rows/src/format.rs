//! Table formats, and how a file name tells the format.

use quarry_contract::file_format::{FileFormat, LineEnding};
use quarry_contract::plan::Table;
use quarry_contract::settings::CsvQuoting;
use quarry_table::{Dialect, Format, Header, Newline, Quoting};
use serde::{Deserialize, Serialize};

/// The names of table files, as messages show them.
pub const ACCEPTED: &str = "*.csv, *.tsv, *.jsonl (each also with .gz) or *.parquet";

/// The format of a table's files, with what reading needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// Text: rows are ranges of bytes.
    Text(Dialect),
    /// Parquet: rows are found by their number.
    Parquet,
}

impl From<FileFormat> for TableFormat {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Text(Format::Csv.into()),
            FileFormat::Tsv => Self::Text(Format::Tsv.into()),
            FileFormat::JsonLines => Self::Text(Format::JsonLines.into()),
            FileFormat::Parquet => Self::Parquet,
        }
    }
}

impl TableFormat {
    /// Reads the format from a file name, as [`FileFormat::from_file_name`] does.
    pub fn from_file_name(name: &str) -> Option<(Self, bool)> {
        FileFormat::from_file_name(name).map(|(format, gzip)| (format.into(), gzip))
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

    /// The format without its quoting, as the plan names it.
    pub fn file_format(self) -> FileFormat {
        match self {
            Self::Text(dialect) => match dialect.format {
                Format::Csv => FileFormat::Csv,
                Format::Tsv => FileFormat::Tsv,
                Format::JsonLines => FileFormat::JsonLines,
            },
            Self::Parquet => FileFormat::Parquet,
        }
    }

    /// The quoting, as the plan names it.
    pub fn quoting(self) -> CsvQuoting {
        match self {
            Self::Text(dialect) => match dialect.quoting {
                Quoting::Standard => CsvQuoting::Standard,
                Quoting::Backslash => CsvQuoting::Backslash,
                Quoting::None => CsvQuoting::None,
            },
            Self::Parquet => CsvQuoting::Standard,
        }
    }
}

/// Returns the format of a table.
pub fn format_of(table: &Table) -> TableFormat {
    TableFormat::from(table.format).quoted(table.quoting)
}

/// Returns a text table's header from the plan.
pub fn header_of(table: &Table) -> Header {
    Header {
        columns: table.columns.clone(),
        raw: table.header.clone(),
        newline: match table.newline {
            LineEnding::Lf => Newline::Lf,
            LineEnding::CrLf => Newline::CrLf,
            LineEnding::Cr => Newline::Cr,
        },
    }
}

/// Returns a newline as the plan names it.
pub fn line_ending(newline: Newline) -> LineEnding {
    match newline {
        Newline::Lf => LineEnding::Lf,
        Newline::CrLf => LineEnding::CrLf,
        Newline::Cr => LineEnding::Cr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_read_back_from_its_name_in_the_plan() {
        for format in FileFormat::ALL.map(TableFormat::from) {
            for quoting in CsvQuoting::ALL {
                let planned = format.quoted(quoting);
                let named = TableFormat::from(planned.file_format()).quoted(planned.quoting());
                assert_eq!(named, planned);
            }
        }
    }
}
