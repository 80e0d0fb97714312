//! Reads and writes Parquet tables: rows come in as text, rows and results go out in parts, and the
//! parts are joined by their footers.
//!
//! The crate itself does no input or output: bytes come in through [`Ranges`] and go out as
//! [`Bytes`](bytes::Bytes). It is the only crate that knows Arrow and Parquet. To the others a row
//! is [`Cells`](quarry_table::Cells), like a row of text.
//!
//! * [`ParquetFile`] reads a footer; [`RowReader`] reads the rows of a range and skips the row
//!   groups and pages before it.
//! * [`PartWriter`] writes rows as they were read, followed by result columns. [`TableLayout`] is
//!   what the parts of a table have in common.
//! * [`Joiner`] describes one file that consists of parts: a list of byte ranges to copy, and a new
//!   footer.
//!
//! # Text
//!
//! | type | text of a cell |
//! |---|---|
//! | text, JSON, enumerations (also as a dictionary) | as it is |
//! | integers | their digits |
//! | decimals | with as many decimals as the scale says: `1.50` |
//! | floats of 16, 32, 64 bits | the shortest text that reads back as the same float of 32 or 64 bits: `0.1`, `2.0`, `1e+300`; `NaN`, `Infinity`, `-Infinity` |
//! | booleans | `true`, `false` |
//! | dates | `2024-01-31` |
//! | times | `23:59:58.250`: three, six or nine decimals if the value needs them |
//! | timestamps | `2024-01-31T23:59:58`; an instant has `Z`, or `+05:30` if the file names that offset. Instants in a named zone are shown in UTC |
//! | `INT96` timestamps | the same; instants in files of Spark, local times in others |
//! | durations, intervals | `PT1.5S`, `P1M2DT3S` |
//! | UUIDs | hyphenated, lower case |
//! | lists, structs | compact JSON: `["a",null]`, `{"k":1}` |
//! | maps | a JSON object, with the text of its keys |
//! | null | [`Cell::Null`](quarry_table::Cell::Null) |
//! | bytes without an annotation, BSON, geometries | refused by name if they would be shown; they pass through |
//!
//! In JSON, numbers and booleans are literals, and everything else is a string. A float that is not
//! finite is `null`.
//!
//! # What passes through
//!
//! Every value passes through, bit for bit, with its declaration: physical type, annotation,
//! nullability, field ids, and the nesting with its names. Notes of writers (`pandas`, Spark's
//! schema, `ARROW:schema` with zones and categories) are adapted to the new columns or, if that is
//! not possible, left out. If a type in `ARROW:schema` is none of Arrow, its column has the type that Parquet
//! has. Not kept are the cuts between row groups, page indexes, Bloom filters,
//! and the least and greatest values of columns whose order the bare type does not have (unsigned
//! integers, decimals in bytes).
//!
//! # Result columns
//!
//! Text is UTF-8, integers have 64 bits, numbers are 64-bit floats. Lists and structs are typed if
//! the schema determines their types ([`ResultKind::of_schema`]), and are JSON text otherwise. A
//! value that its column's type cannot hold, such as an integer beyond 64 bits, is null and counted
//! in [`PartMeta::unfit`].
//!
//! # Limits
//!
//! Snappy, zstd, LZ4, gzip and no compression are read and written. Brotli and LZO are refused, and
//! so are encrypted files, files whose data is in other files, columns with a logical type that is newer than
//! the decoder, and pages of `INT96` with bytes after the last value, which fastparquet writes. A footer has at
//! most 64 MiB and takes at most 256 MiB when it is decoded. A page has at most 64 MiB,
//! unpacked, and so have a row and the texts of a page in `DELTA_BYTE_ARRAY`. A page has at most 16
//! million values. The pages that are in memory at the same time have at most 256 MiB: a
//! dictionary and a page of each column. The values of a row, or of rows that are decoded together, take at
//! most 128 MiB when they are decoded, however few bytes they have in the file. A checksum that a page has must match.
//!
//! ```
//! use std::sync::Arc;
//! use quarry_parquet::{
//!     FileReading, Joiner, ParquetFile, PartWriter, ResultColumn, ResultKind, TableLayout,
//! };
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

mod arrow_note;
mod batch;
mod calendar;
mod claims;
mod decimal;
mod decoder;
mod depth;
mod error;
mod extent;
mod file;
mod fit;
mod footer;
mod footer_room;
mod form_check;
mod geo_note;
mod grammar;
mod guard;
mod half;
mod held;
mod kind;
mod layout;
mod list_lengths;
mod map_keys;
mod noted_types;
mod notes;
mod page;
mod page_places;
mod part;
mod ranges;
mod result_array;
mod result_kind;
mod rows;
mod splice;
mod storage;
mod text_lengths;
mod thrift;
mod value;
mod varint;
mod window;

pub use batch::{Row, RowBatch};
pub use error::{DamagedPlace, FileError};
pub use file::ParquetFile;
pub use footer::MAX_FOOTER;
pub use footer_room::{FooterRoom, PartGroups, PlannedPart};
pub use layout::TableLayout;
pub use part::{PartMeta, PartWriter, Unfit};
pub use ranges::{Ranges, RangesError};
pub use result_kind::{ResultColumn, ResultKind};
pub use rows::{FileReading, RowReader};
pub use splice::{Joiner, Splice, SplicePiece};
