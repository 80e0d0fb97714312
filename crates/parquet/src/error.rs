//! What can be wrong with a Parquet file, with its place and the remedy.

use crate::ranges::RangesError;

/// A Parquet file that cannot be read as a table, or not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The bytes could not be had. Trying again may help, unlike with every other variant.
    #[error("{file}: reading its bytes: {source}")]
    Read {
        /// The file, as named when it was opened.
        file: String,
        /// What the source of bytes says.
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
    #[error("{file}: the file is damaged{}: {reason}; write it anew", at_row(*row))]
    Damaged {
        /// The file.
        file: String,
        /// The first row of the rows that could not be decoded, counted from 0, if it is the data that is damaged.
        row: Option<u64>,
        /// What does not fit.
        reason: String,
    },
    /// The file uses a feature that is not supported.
    #[error("{file}{}: {what}; {remedy}", in_column(column.as_deref()))]
    Unsupported {
        /// The file.
        file: String,
        /// The column, if it is about one.
        column: Option<String>,
        /// What is not supported.
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Two columns have one name.
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
        "{file}: column {column:?} is {kind}, which has no text form for a prompt; convert it to text before, or leave \
         it out of the prompt"
    )]
    NoText {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// What it holds, with the place inside a nested column.
        kind: String,
    },
    /// A text column holds bytes that are not UTF-8.
    #[error("{file}, row {}: column {column:?} is declared as text but holds bytes that are not UTF-8; write it as UTF-8", row + 1)]
    NotUtf8 {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The row, counted from 0. In a nested column the first row of those that were decoded together.
        row: u64,
    },
    /// A file does not fit the table it belongs to.
    #[error(
        "the files of a table must have the same columns, of the same types and in the same order: {first} has {expected}, {file} has {found}"
    )]
    OtherTable {
        /// The table's first file.
        first: String,
        /// The file that does not fit.
        file: String,
        /// What the first file has.
        expected: String,
        /// What this file has in its place.
        found: String,
    },
    /// An input column has the name of a result column.
    #[error(
        "the table has a column {0:?}, which is also a result column; rename one of them, or replace the column"
    )]
    ResultColumnTaken(String),
    /// Rows of a reading that leaves out columns cannot be written.
    #[error("rows to be written must be read with all columns of their table")]
    RowsIncomplete,
    /// The parts of a table do not have the rows they should have.
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

fn at_row(row: Option<u64>) -> String {
    // People count rows from one.
    row.map_or_else(String::new, |row| format!(" at or behind row {}", row + 1))
}

fn in_column(column: Option<&str>) -> String {
    column.map_or_else(String::new, |name| format!(": column {name:?}"))
}

/// For errors of the encoder, which only its own limits or a mistake of this crate can cause.
pub(crate) fn encode(error: impl std::fmt::Display) -> FileError {
    FileError::Encode(error.to_string())
}
