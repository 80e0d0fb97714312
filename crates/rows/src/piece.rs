//! What is read: ranges of files, and what of their rows.

use quarry_contract::location::S3Uri;
use quarry_contract::plan::InputFile;
use quarry_edge::store::Pin;

/// A range of one file.
#[derive(Debug, Clone)]
pub struct SlicePiece {
    /// The file's number in its table.
    pub file: usize,
    /// The name that errors use.
    pub name: String,
    /// Where its bytes are, decompressed.
    pub location: S3Uri,
    /// Its size in bytes.
    pub size: u64,
    /// The content that it had when the run was planned.
    pub pin: Pin,
    /// Where the range begins: a byte offset, or a row number in Parquet.
    pub start: u64,
    /// Where it ends, in the same unit.
    pub end: u64,
    /// The first row's number in the file.
    pub first_row: u64,
}

impl SlicePiece {
    /// Returns the range `start..end` of a file of a table.
    pub fn of(number: usize, file: &InputFile, start: u64, end: u64, first_row: u64) -> Self {
        Self {
            file: number,
            name: file.name.clone(),
            location: file.location.clone(),
            size: file.size,
            pin: Pin::new(&file.etag, file.version.as_deref()),
            start,
            end,
            first_row,
        }
    }
}

/// Which parts of the rows are needed. Parquet columns that are not needed are not read.
#[derive(Debug, Clone)]
pub enum Need {
    /// The cells that a prompt shows.
    Cells {
        /// The columns, in the order in which their cells are numbered.
        columns: Vec<String>,
        /// Whether the prompt shows whole rows, as JSON.
        whole_row: bool,
    },
    /// The same cells, of rows that can be written again: the other columns are decoded too, so that
    /// damage in them is found before anything depends on the rows.
    SoundRows {
        /// The columns, in the order in which their cells are numbered.
        columns: Vec<String>,
        /// Whether the prompt shows whole rows, as JSON.
        whole_row: bool,
    },
    /// Whole rows, to be written again.
    Rows,
}
