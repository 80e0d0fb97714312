//! The errors of a Parquet file, each with its place and its remedy.

use crate::ranges::RangesError;

/// A Parquet file cannot be read as a table, or cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The bytes could not be read. Another attempt may succeed, unlike for every other variant.
    #[error("{file}: cannot read its bytes: {source}")]
    Read {
        /// The name with which the file was opened.
        file: String,
        /// The error of the source of bytes.
        source: RangesError,
    },
    /// The file is not Parquet.
    #[error("{file}: {reason}; give a complete Parquet file")]
    NotParquet {
        /// The file.
        file: String,
        /// What is missing.
        reason: String,
    },
    /// The file contradicts itself or its pages cannot be decoded.
    #[error("{file}: the file is damaged{at}: {reason}; write it again{}", at.or_without())]
    Damaged {
        /// The file.
        file: String,
        /// Where in the file.
        at: DamagedPlace,
        /// What does not match.
        reason: String,
    },
    /// The file uses a feature that is not supported.
    #[error("{file}{}: {what}; {remedy}", in_column(column.as_deref()))]
    Unsupported {
        /// The file.
        file: String,
        /// The column, if the error concerns one.
        column: Option<String>,
        /// What is not supported.
        what: String,
        /// The remedy.
        remedy: &'static str,
    },
    /// Two columns have the same name.
    #[error(
        "{file}: columns {first} and {second} are both named {name:?}; give each column its own name"
    )]
    DuplicateColumn {
        /// The file.
        file: String,
        /// The name.
        name: String,
        /// The first column of that name, counted from 1.
        first: usize,
        /// The second column of that name, counted from 1.
        second: usize,
    },
    /// A prompt uses a column that has no text form.
    #[error(
        "{file}: column {column:?} is {kind}, which has no text form for a prompt; convert it to text first, or leave \
         it out of the prompt"
    )]
    NoText {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The kind of its values, and where they are inside a nested column.
        kind: String,
    },
    /// A text column contains bytes that are not UTF-8.
    #[error("{file}, row {}: column {column:?} is declared as text but holds bytes that are not UTF-8; write it as UTF-8", row + 1)]
    NotUtf8 {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The row, counted from 0. For a nested column, the first of the rows that were decoded
        /// together.
        row: u64,
    },
    /// A file does not match the other files of its table.
    #[error(
        "the files of a table must have the same columns, of the same types and in the same order: {first} has {expected}, {file} \
         has {found}; correct one of them, or give it as a table of its own"
    )]
    OtherTable {
        /// The table's first file.
        first: String,
        /// The file that does not match.
        file: String,
        /// What the first file has.
        expected: String,
        /// What this file has instead.
        found: String,
    },
    /// An input column has the name of a result column.
    #[error(
        "the table has a column {0:?}, which is also a result column; rename one of them, or replace the column"
    )]
    ResultColumnTaken(String),
    /// Rows that were read without all columns cannot be written.
    #[error("rows to be written must be read with all columns of their table")]
    RowsIncomplete,
    /// The parts of a table do not have the expected number of rows.
    #[error("the parts of the result have {found} rows, expected {expected}")]
    RowCount {
        /// Rows that were expected.
        expected: u64,
        /// Rows of all parts.
        found: u64,
    },
    /// Rows could not be encoded.
    #[error("writing Parquet: {0}")]
    Encode(String),
}

/// Where data is damaged, as far as it is known. A damaged footer has no place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DamagedPlace {
    /// The first of the rows that cannot be decoded, counted from 0 in the file.
    pub row: Option<u64>,
    /// The column.
    pub column: Option<String>,
    /// The row group, counted from 0.
    pub row_group: Option<usize>,
}

impl DamagedPlace {
    /// Returns the place of rows that cannot be decoded.
    pub(crate) fn at_row(row: u64) -> Self {
        Self {
            row: Some(row),
            ..Self::default()
        }
    }

    fn or_without(&self) -> &'static str {
        if self.column.is_some() {
            ", or without this column"
        } else {
            ""
        }
    }
}

impl std::fmt::Display for DamagedPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(row) = self.row {
            // People count rows from one.
            write!(f, " at or after row {}", row + 1)?;
        }
        match (&self.column, self.row_group) {
            (Some(column), Some(group)) => write!(f, ", in column {column:?} of row group {group}"),
            (Some(column), None) => write!(f, ", in column {column:?}"),
            (None, Some(group)) => write!(f, ", in row group {group}"),
            (None, None) => Ok(()),
        }
    }
}

fn in_column(column: Option<&str>) -> String {
    column.map_or_else(String::new, |name| format!(": column {name:?}"))
}

/// Returns the error for a failure of the encoder, which only its own limits or a bug in this crate
/// can cause.
pub(crate) fn encode(error: impl std::fmt::Display) -> FileError {
    FileError::Encode(error.to_string())
}
