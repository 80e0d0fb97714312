//! Parquet tables: rows in as text, rows and results out, parts joined by their footers.
//!
//! The crate does no input or output itself: bytes come through [`Ranges`] and go out as [`Bytes`](bytes::Bytes). It is
//! the only crate that knows Arrow and Parquet; to the others a row is [`Cells`](quarry_table::Cells), as a row of text
//! is.
//!
//! * [`ParquetFile`] reads a footer; [`RowReader`] the rows of a range, skipping row groups and pages before it.
//! * [`PartWriter`] writes rows as they were read with result columns behind them. [`TableLayout`] is what the parts of a
//!   table have in common.
//! * [`Joiner`] makes one file of parts: a list of byte ranges to copy, and a new footer.
//!
//! # Text
//!
//! | type | text of a cell |
//! |---|---|
//! | text, JSON, enumerations (also as a dictionary) | as it is |
//! | integers | their digits |
//! | decimals | with as many digits behind the point as the scale says: `1.50` |
//! | floats of 16, 32, 64 bits | the shortest text that reads back as the same float of 32 or 64 bits: `0.1`, `2.0`, `1e+300`; `NaN`, `Infinity`, `-Infinity` |
//! | truth values | `true`, `false` |
//! | dates | `2024-01-31` |
//! | times | `23:59:58.250`: three, six or nine digits behind the point as needed, or none |
//! | time stamps | `2024-01-31T23:59:58`; an instant has `Z`, or `+05:30` if the file names that distance. Of a zone with a name the instant is shown in UTC |
//! | `INT96` time stamps | the same; instants in files of Spark, local times in others |
//! | durations, intervals | `PT1.5S`, `P1M2DT3S` |
//! | UUIDs | hyphenated, lower case |
//! | lists, structs | compact JSON: `["a",null]`, `{"k":1}` |
//! | maps | a JSON object, its keys as their text |
//! | null | [`Cell::Null`](quarry_table::Cell::Null) |
//! | bytes without an annotation, BSON, geometries | refused by name where they are shown; they pass through |
//!
//! In JSON, numbers and truth values are literals and everything else is a string; floats that are not finite are `null`.
//!
//! # What passes through
//!
//! Every value, bit for bit, and its declaration: physical type, annotation, nullability, field ids, nesting and its
//! names. Notes of writers (`pandas`, Spark's schema, `ARROW:schema` with zones and categories) are adapted to the new
//! columns or, if they cannot be, left out. Not kept are the cuts between row groups, page indexes, Bloom filters, and
//! least and greatest values of columns whose order the bare type does not have (unsigned integers, decimals in bytes).
//!
//! # Result columns
//!
//! Text is UTF-8, integers have 64 bits, numbers are 64-bit floats; lists and structs are typed as far as the schema
//! determines them ([`ResultKind::of_schema`]), and JSON text where it does not. A value that its column's type cannot
//! hold, like an integer beyond 64 bits, is null and counted in [`PartMeta::unfit`].
//!
//! # Limits
//!
//! Snappy, zstd, LZ4, gzip and no compression are read and written; Brotli and LZO are refused. Encrypted files are
//! refused. Files that name other files for their data are refused.
//!
//! ```
//! use std::sync::Arc;
//! use quarry_parquet::{Joiner, ParquetFile, PartWriter, FileReading, ResultColumn, ResultKind, TableLayout};
//! use quarry_table::{Cell, ResultCell};
//!
//! # fn main() -> Result<(), quarry_parquet::FileError> {
//! # let bytes = bytes::Bytes::from_static(include_bytes!("../tests/fixtures/duckdb.parquet"));
//! let file = ParquetFile::open("table.parquet", Arc::new(bytes))?;
//! let layout = TableLayout::of(&file)?;
//! let results = [ResultColumn { name: "llm_length".into(), kind: ResultKind::Integer }];
//!
//! let cells = ["text".to_owned()];
//! let mut parts = Vec::new();
//! for rows in [0..5, 5..file.rows()] {
//!     let mut writer = PartWriter::new(&layout, &results, &[])?;
//!     let mut part = Vec::new();
//!     let reading = FileReading { cells: &cells, parts: true, ..FileReading::default() };
//!     let mut reader = file.read(rows, &reading)?;
//!     while let Some(batch) = reader.next_batch()? {
//!         for row in batch.rows() {
//!             let length = row.cell(0).text().map(|text| text.len().to_string());
//!             let cell = length.as_deref().map_or(ResultCell::Null, ResultCell::Json);
//!             writer.push(row, &[cell])?;
//!         }
//!         part.extend_from_slice(&writer.take()?);
//!     }
//!     let (last, _) = writer.finish()?;
//!     part.extend_from_slice(&last);
//!     parts.push(bytes::Bytes::from(part));
//! }
//!
//! let mut joiner = Joiner::new();
//! for (number, part) in parts.iter().enumerate() {
//!     joiner.add(&format!("part {number}"), part)?;
//! }
//! let splice = joiner.finish(file.rows())?;
//! assert_eq!(splice.pieces.len(), 4, "magic bytes, two parts, a footer");
//! # Ok(())
//! # }
//! ```

mod calendar;
mod decimal;
mod depth;
mod error;
mod file;
mod footer;
mod guard;
mod half;
mod kind;
mod layout;
mod notes;
mod part;
mod ranges;
mod result_array;
mod result_kind;
mod rows;
mod splice;
mod storage;
mod value;
mod window;

pub use error::FileError;
pub use file::ParquetFile;
pub use layout::TableLayout;
pub use part::{PartMeta, PartWriter, Unfit};
pub use ranges::{Ranges, RangesError};
pub use result_kind::{ResultColumn, ResultKind};
pub use rows::{FileReading, Row, RowBatch, RowReader};
pub use splice::{Joiner, Splice, SplicePiece};
