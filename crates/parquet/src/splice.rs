//! Joins parts without moving their data.
//!
//! A Parquet file consists of its row groups and a footer with their offsets. Therefore the row
//! groups of several files, copied one after the other, become one file under a new footer, in
//! which every offset is moved as far as its data was.

use crate::error::{DamagedPlace, FileError, encode};
use crate::footer::{self, MAGIC, chunk_range};
use crate::guard::guarded;
use crate::ranges::Ranges;
use bytes::Bytes;
use parquet::file::metadata::{KeyValue, ParquetMetaDataReader, RowGroupMetaData};
use parquet::schema::types::SchemaDescPtr;
use std::ops::Range;

/// How to make one file out of parts: these pieces, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// The pieces, in order: the file's first bytes, the data of each part that has rows, the
    /// footer.
    pub pieces: Vec<SplicePiece>,
    /// The rows of the file.
    pub rows: u64,
    /// The length of the file in bytes.
    pub bytes: u64,
}

/// A piece of a joined file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SplicePiece {
    /// Bytes that are in no part.
    Bytes(Bytes),
    /// Bytes of a part.
    Copy {
        /// The part's number, counted from 0 in the order they were added.
        part: usize,
        /// The range of its bytes.
        range: Range<u64>,
    },
}

/// Collects the parts of one table, in order. Only the footer of each part is read.
///
/// Memory holds the footers of all parts.
#[derive(Debug, Default)]
pub struct Joiner {
    first: Option<First>,
    groups: Vec<RowGroupMetaData>,
    pieces: Vec<SplicePiece>,
    parts: usize,
    rows: u64,
    /// The length of the file so far.
    length: u64,
}

#[derive(Debug)]
struct First {
    name: String,
    declared: SchemaDescPtr,
    notes: Vec<KeyValue>,
}

impl Joiner {
    /// Starts without parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next part and returns the number of its rows. Errors use the name.
    ///
    /// Fails if its columns are not exactly those of the first part.
    pub fn add(&mut self, name: &str, part: &dyn Ranges) -> Result<u64, FileError> {
        let read = footer::read(name, part)?;
        let metadata = guarded(|| {
            ParquetMetaDataReader::decode_metadata(&read.encoded).map_err(|error| error.to_string())
        })
        .map_err(|reason| FileError::Damaged {
            file: name.to_owned(),
            at: DamagedPlace::default(),
            reason: format!("its footer cannot be read: {reason}"),
        })?;
        let first = self.first.get_or_insert_with(|| First {
            name: name.to_owned(),
            declared: metadata.file_metadata().schema_descr_ptr(),
            notes: metadata
                .file_metadata()
                .key_value_metadata()
                .cloned()
                .unwrap_or_default(),
        });
        let schema = metadata.file_metadata().schema_descr();
        if first.declared.root_schema() != schema.root_schema() {
            return Err(FileError::OtherTable {
                first: first.name.clone(),
                file: name.to_owned(),
                expected: format!("{} columns", first.declared.num_columns()),
                found: "other columns, or columns of other types".to_owned(),
            });
        }
        if self.length == 0 {
            self.pieces
                .push(SplicePiece::Bytes(Bytes::from_static(MAGIC.as_slice())));
            self.length = MAGIC.len() as u64;
        }
        let number = self.parts;
        self.parts += 1;
        let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default();
        self.rows += rows;
        let data = metadata
            .row_groups()
            .iter()
            .flat_map(RowGroupMetaData::columns)
            .filter_map(chunk_range)
            .reduce(|all, chunk| all.start.min(chunk.start)..all.end.max(chunk.end));
        let Some(data) = data.filter(|data| !data.is_empty()) else {
            return Ok(rows);
        };
        let shift = i64::try_from(self.length)
            .ok()
            .zip(i64::try_from(data.start).ok())
            .map(|(to, from)| to - from)
            .ok_or_else(|| encode("the joined file is too long"))?;
        for group in metadata.row_groups() {
            self.groups
                .push(footer::moved(group, &first.declared, shift).map_err(encode)?);
        }
        self.length += data.end - data.start;
        self.pieces.push(SplicePiece::Copy {
            part: number,
            range: data,
        });
        Ok(rows)
    }

    /// The rows of the parts so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the joined file if it has `expected_rows`. Fails if there is no part.
    pub fn finish(mut self, expected_rows: u64) -> Result<Splice, FileError> {
        let in_groups = self
            .groups
            .iter()
            .map(|group| u64::try_from(group.num_rows()).unwrap_or_default())
            .sum::<u64>();
        if self.rows != expected_rows || in_groups != expected_rows {
            return Err(FileError::RowCount {
                expected: expected_rows,
                found: self.rows.min(in_groups),
            });
        }
        let Some(first) = self.first else {
            return Err(encode("there is no part to join"));
        };
        let footer = footer::write(&first.declared, first.notes, self.groups)?;
        let bytes = self.length + footer.len() as u64;
        self.pieces.push(SplicePiece::Bytes(footer));
        Ok(Splice {
            pieces: self.pieces,
            rows: self.rows,
            bytes,
        })
    }
}
