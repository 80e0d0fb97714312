//! Reads the rows of stored tables: ranged reads of S3 objects, decoded. Writes rows into an object in
//! the format of their table.
//!
//! Memory is bounded for files of any size. A text table takes the parts that the reader has in
//! flight and one row. A Parquet table takes the compressed columns of one row group (at most 32
//! MiB) and a batch of rows.

mod error;
mod format;
mod gzip;
mod parquet;
mod piece;
mod slice;
mod text;
mod written;

pub use error::RowsError;
pub use format::{ACCEPTED, TableFormat, format_of, header_of, line_ending};
pub use gzip::Unpacker;
pub use parquet::{ParquetRows, layout, open};
pub use piece::{Need, SlicePiece};
pub use slice::{Advance, Row, Rows};
pub use text::{TextAdvance, TextRows};
pub use written::{RowsForm, RowsObject, WrittenRows};
