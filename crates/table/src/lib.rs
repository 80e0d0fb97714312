//! Reads and writes text tables: CSV, TSV and JSON Lines.
//!
//! The crate itself does no input or output. A [`RowDecoder`] takes the bytes of one file in pieces
//! of any size, so that it can be fed from ranged reads, and returns rows that borrow from its
//! buffer. A [`RowEncoder`] writes the same rows followed by result columns.
//!
//! * **Text stays text.** A cell is never interpreted as a number, a date or a missing value:
//!   `00123` is `00123`, `NA` is `NA`. The bytes of a row reach the result as they were read.
//! * **Every row has an address.** A [`Position`] is a byte offset and a row number; a decoder can
//!   start at any of them.
//! * **Memory is bounded** by the longest row (at most [`MAX_ROW_BYTES`]) and one piece of input,
//!   not by the file.
//!
//! The caller decompresses: the decoder gets plain bytes, and byte offsets count those. Parquet is
//! not a text table and shares only [`Cell`] and [`Cells`] with this crate.
//!
//! ```
//! use quarry_table::{Cell, Format, RowDecoder};
//!
//! # fn main() -> Result<(), quarry_table::TableError> {
//! let mut decoder = RowDecoder::start(Format::Csv, "people.csv");
//! decoder.project(&["name".to_owned()]);
//! decoder.push(b"id,name\r\n007,\"Bond, Ja");
//! assert!(decoder.next_row()?.is_none(), "the row is not complete yet");
//! decoder.push(b"mes\"\r\n");
//! decoder.end();
//! let row = decoder.next_row()?.expect("one row");
//! assert_eq!(row.cell(0), Cell::Text("Bond, James"));
//! assert_eq!(row.raw(), b"007,\"Bond, James\"");
//! assert_eq!((row.number(), row.byte()), (0, 9));
//! # Ok(())
//! # }
//! ```

mod cell;
mod csv;
mod decode;
mod encode;
mod error;
mod format;
mod header;
mod json_lines;
pub mod json_text;
mod own;
pub mod quote;
mod result_header;
mod row;
mod signature;

pub use cell::{Cell, Cells};
pub use decode::{MAX_ROW_BYTES, Position, RowDecoder};
pub use encode::{ResultCell, RowEncoder};
pub use error::{Place, TableError};
pub use format::{Dialect, Format, Quoting};
pub use header::{Header, MAX_HEADER_BYTES, Newline};
pub use json_lines::MAX_COLUMNS;
pub use own::OwnColumns;
pub use result_header::UnreadableHeader;
pub use row::Row;
