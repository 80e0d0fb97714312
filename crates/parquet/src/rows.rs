//! Reads the rows of a range, batch by batch.

use crate::batch::{CellColumn, RowBatch};
use crate::decoder::{Decoder, Piece, Undecoded, first_damage};
use crate::error::{DamagedPlace, FileError};
use crate::extent::{Decoded, LongRow};
use crate::file::{Inner, ParquetFile};
use crate::guard::guarded;
use crate::list_lengths::value_bytes;
use crate::value::{ValueFault, Values, json_key};
use crate::window::{RefusedPages, Windows};
use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use quarry_table::MAX_ROW_BYTES;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// The most rows that are decoded together.
const BATCH_ROWS: u64 = 2_048;

/// The target size of the values of rows that are decoded together, in bytes, according to the
/// footer.
const BATCH_BYTES: u64 = 4 << 20;

/// The bytes that a value is counted with at least, however few it has.
const VALUE_BYTES: u64 = 16;

/// What to read. Columns that are not needed are not read.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileReading<'a> {
    /// The columns that [`Cells::cell`](quarry_table::Cells::cell) returns, in this order. Columns
    /// that the file lacks give missing cells.
    pub cells: &'a [String],
    /// Whether rows are written as JSON with
    /// [`Cells::write_json`](quarry_table::Cells::write_json). Otherwise that JSON has no members.
    pub whole_rows: bool,
    /// Whether rows are passed to a [`PartWriter`](crate::PartWriter).
    pub parts: bool,
}

impl ParquetFile {
    /// Prepares to read the rows `rows`, counted from 0; rows beyond the last are ignored. No row
    /// is read yet.
    ///
    /// Fails if a column to be shown as text has no text form, or if a codec is not supported.
    pub fn read(
        &self,
        rows: Range<u64>,
        reading: &FileReading<'_>,
    ) -> Result<RowReader, FileError> {
        RowReader::new(Arc::clone(&self.inner), rows, reading)
    }
}

/// Reads the rows of a range.
///
/// Memory holds the compressed bytes of one row group's wanted columns (at most 32 MiB, or else a
/// part of each column), the dictionary and one decoded page of each column and the pages of one batch
/// (all together at most 256 MiB), and the rows of one batch (at most 16 MiB, or one row).
pub struct RowReader {
    file: Arc<Inner>,
    metadata: ArrowReaderMetadata,
    /// The columns that are read, and the same for the decoder.
    read: Vec<usize>,
    mask: ProjectionMask,
    /// For each cell the index of its column in the file, and among the columns that are read.
    cells: Vec<Option<(usize, usize)>>,
    /// The columns of a row as JSON: the name as a key, the index of the column in the file, and
    /// its index among the columns that are read.
    whole: Vec<(Arc<[u8]>, usize, usize)>,
    complete: bool,
    pieces: VecDeque<Piece>,
    current: Option<OpenRows>,
    decoded: Decoded,
    /// The row group whose texts were checked last.
    checked_group: Option<usize>,
    next_row: u64,
}

struct OpenRows {
    decoder: Decoder,
    batch_rows: u64,
    /// Rows that are not decoded yet.
    left: Piece,
}

/// The columns that are read, and what each is read for.
struct ReadColumns {
    /// In the file's order.
    read: Vec<usize>,
    cells: Vec<Option<(usize, usize)>>,
    whole: Vec<(Arc<[u8]>, usize, usize)>,
    /// Whether these are all columns.
    complete: bool,
}

impl ReadColumns {
    fn of(file: &Inner, reading: &FileReading<'_>) -> Result<Self, FileError> {
        let complete = reading.whole_rows || reading.parts;
        let place = |name: &String| file.columns.iter().position(|column| column == name);
        let read: Vec<usize> = if complete {
            (0..file.columns.len()).collect()
        } else {
            let mut wanted: Vec<usize> = reading.cells.iter().filter_map(place).collect();
            wanted.sort_unstable();
            wanted.dedup();
            wanted
        };
        let read_as = |column: usize| read.iter().position(|read| *read == column);
        let cells: Vec<Option<(usize, usize)>> = reading
            .cells
            .iter()
            .map(|name| {
                let column = place(name)?;
                Some((column, read_as(column)?))
            })
            .collect();
        let whole: Vec<(Arc<[u8]>, usize, usize)> = if reading.whole_rows {
            file.columns
                .iter()
                .enumerate()
                .filter_map(|(column, name)| {
                    Some((json_key(name).into(), column, read_as(column)?))
                })
                .collect()
        } else {
            Vec::new()
        };
        let shown = cells.iter().flatten().map(|(column, _)| *column);
        for column in shown.chain(whole.iter().map(|(_, column, _)| *column)) {
            if let Some((inside, what)) = file.kinds[column].without_text() {
                return Err(FileError::NoText {
                    file: file.name.clone(),
                    column: file.columns[column].clone(),
                    kind: if inside.is_empty() {
                        what.to_owned()
                    } else {
                        format!("{what} in {inside}")
                    },
                });
            }
        }
        Ok(Self {
            read,
            cells,
            whole,
            complete,
        })
    }
}

impl RowReader {
    pub(crate) fn new(
        file: Arc<Inner>,
        rows: Range<u64>,
        reading: &FileReading<'_>,
    ) -> Result<Self, FileError> {
        let ReadColumns {
            read,
            cells,
            whole,
            complete,
        } = ReadColumns::of(&file, reading)?;
        let schema = file.metadata.file_metadata().schema_descr();
        let mask = ProjectionMask::roots(schema, read.iter().copied());
        let groups = pieces(
            file.metadata
                .row_groups()
                .iter()
                .map(|group| u64::try_from(group.num_rows()).unwrap_or_default()),
            &rows,
        );
        for piece in &groups {
            file.check_codecs(piece.group, &mask)?;
        }
        let within: Vec<usize> = groups
            .iter()
            .filter(|piece| piece.skip > 0)
            .map(|piece| piece.group)
            .collect();
        let metadata = file.with_page_places(&within, &mask)?;
        let options = ArrowReaderOptions::new().with_schema(Arc::clone(&file.arrow));
        let metadata = guarded(|| {
            ArrowReaderMetadata::try_new(metadata, options).map_err(|error| error.to_string())
        })
        .map_err(|reason| FileError::Damaged {
            file: file.name.clone(),
            at: DamagedPlace::default(),
            reason,
        })?;
        Ok(Self {
            metadata,
            read,
            mask,
            cells,
            whole,
            complete,
            pieces: groups.into(),
            current: None,
            decoded: Decoded::default(),
            checked_group: None,
            next_row: rows.start,
            file,
        })
    }

    /// Returns the next rows; `None` after the last. After an error there are no more rows.
    pub fn next_batch(&mut self) -> Result<Option<RowBatch>, FileError> {
        let next = self.next_rows();
        if next.is_err() {
            self.stop();
        }
        next
    }

    fn next_rows(&mut self) -> Result<Option<RowBatch>, FileError> {
        loop {
            if let Some(next) = self.decoded.next() {
                let (record, bytes) = next.map_err(|error| self.damaged(&error.to_string()))?;
                return self.batch(record, bytes).map(Some);
            }
            let Some(open) = &mut self.current else {
                let Some(piece) = self.pieces.pop_front() else {
                    return Ok(None);
                };
                self.open(piece, self.batch_rows(piece.group))?;
                continue;
            };
            match open.decoder.next() {
                Ok(Some(record)) if record.num_rows() as u64 <= open.left.take => {
                    (_, open.left) = open.left.cut(record.num_rows() as u64);
                    if record.num_rows() > 0 {
                        let decoded = Decoded::new(record);
                        self.decoded = decoded.map_err(|row| self.too_long(&row))?;
                    }
                }
                Ok(Some(_)) => return Err(self.damaged("a row group has more rows than declared")),
                Ok(None) if open.left.take > 0 => {
                    return Err(self.failed("a row group has fewer rows than declared"));
                }
                Ok(None) => self.current = None,
                Err(reason) => {
                    if !self.reads_row_by_row()? {
                        return Err(self.failed(&reason));
                    }
                }
            }
        }
    }

    fn open(&mut self, piece: Piece, batch_rows: u64) -> Result<(), FileError> {
        if self.checked_group != Some(piece.group) {
            self.file
                .check_texts(piece.group, &self.mask, self.next_row)?;
            self.checked_group = Some(piece.group);
        }
        let opened = Decoder::open(&self.file, &self.metadata, piece, &self.mask, batch_rows);
        let decoder = opened.map_err(|(windows, reason): Undecoded| {
            self.why(piece.group, &windows)
                .unwrap_or_else(|| self.damaged_in(piece, batch_rows, &reason))
        })?;
        self.current = Some(OpenRows {
            decoder,
            batch_rows,
            left: piece,
        });
        Ok(())
    }

    /// Begins to decode the rows of the batch that failed one by one, if all of them together need
    /// too many pages. Returns whether they do.
    fn reads_row_by_row(&mut self) -> Result<bool, FileError> {
        let Some(open) = &self.current else {
            return Ok(false);
        };
        let (piece, batch_rows) = (open.left, open.batch_rows);
        if batch_rows == 1 || !open.decoder.windows.is_crowded() {
            return Ok(false);
        }
        self.current = None;
        let (batch, rest) = piece.cut(batch_rows);
        if rest.take > 0 {
            self.pieces.push_front(rest);
        }
        self.open(batch, 1)?;
        Ok(true)
    }

    /// Returns the number of rows that keeps a batch small, by the average of their row group.
    fn batch_rows(&self, group: usize) -> u64 {
        let wanted = |leaf: usize| self.mask.leaf_included(leaf);
        let bytes = self.row_bytes(group, wanted);
        // Equal values are a few bytes in the file, and each has a place in memory.
        let group = self.file.group(group);
        let columns = group.columns().iter().enumerate();
        let rows = u64::try_from(group.num_rows()).unwrap_or_default().max(1);
        let values = columns
            .filter(|(leaf, _)| wanted(*leaf))
            .map(|(_, column)| {
                let values = u64::try_from(column.num_values()).unwrap_or_default();
                let of_each = value_bytes(column.column_descr()).max(VALUE_BYTES);
                values.max(rows).saturating_mul(of_each)
            })
            .fold(0, u64::saturating_add);
        let bytes = bytes.max(values / rows);
        (BATCH_BYTES / bytes.max(1)).clamp(1, BATCH_ROWS)
    }

    /// Returns the average size of the decoded values of a row in some columns, bytes.
    fn row_bytes(&self, group: usize, wanted: impl Fn(usize) -> bool) -> u64 {
        let group = self.file.group(group);
        let bytes: u64 = group
            .columns()
            .iter()
            .enumerate()
            .filter(|(leaf, _)| wanted(*leaf))
            .map(|(_, column)| {
                let plain = column.unencoded_byte_array_data_bytes().unwrap_or_default();
                u64::try_from(plain.max(column.uncompressed_size())).unwrap_or_default()
            })
            .fold(0, u64::saturating_add);
        bytes / u64::try_from(group.num_rows()).unwrap_or_default().max(1)
    }

    /// Returns rows whose values have `bytes` bytes.
    fn batch(&mut self, record: RecordBatch, bytes: u64) -> Result<RowBatch, FileError> {
        let first_row = self.next_row;
        let length = record.num_rows();
        let group = self.current.as_ref().map(|open| open.left.group);
        let declared = group.map_or(0, |group| self.row_bytes(group, |_| true));
        let row_bytes = declared.max(bytes.div_ceil(length.max(1) as u64));
        let fault = |column: usize, fault: ValueFault| match fault {
            ValueFault::NotUtf8(index) => FileError::NotUtf8 {
                file: self.file.name.clone(),
                column: self.file.columns[column].clone(),
                row: first_row + index.unwrap_or_default() as u64,
            },
            ValueFault::Contradiction(reason) => FileError::Damaged {
                file: self.file.name.clone(),
                at: DamagedPlace {
                    row: Some(first_row),
                    column: Some(self.file.columns[column].clone()),
                    row_group: group,
                },
                reason,
            },
        };
        let values = |column: usize, read_as: usize| {
            Values::new(&self.file.kinds[column], record.column(read_as))
                .map_err(|found| fault(column, found))
        };
        let cells = self
            .cells
            .iter()
            .map(|cell| match cell {
                None => Ok(CellColumn::Missing),
                Some((column, read_as)) => Ok(CellColumn::new(&values(*column, *read_as)?, length)),
            })
            .collect::<Result<_, FileError>>()?;
        let whole = self
            .whole
            .iter()
            .map(|(key, column, read_as)| Ok((Arc::clone(key), values(*column, *read_as)?)))
            .collect::<Result<_, FileError>>()?;
        self.next_row += length as u64;
        Ok(RowBatch {
            file: Arc::clone(&self.file),
            first_row,
            row_bytes,
            record: Arc::new(record),
            cells,
            whole,
            complete: self.complete,
        })
    }

    /// Returns the error for the next rows of the row group that is read.
    fn failed(&mut self, reason: &str) -> FileError {
        let Some(open) = self.current.take() else {
            return self.damaged(reason);
        };
        let known = self.why(open.left.group, &open.decoder.windows);
        let batch_rows = open.batch_rows;
        let (batch, _) = open.left.cut(batch_rows);
        // The pages of this decoder are not needed while the damage is looked for.
        drop(open);
        known.unwrap_or_else(|| self.damaged_in(batch, batch_rows, reason))
    }

    /// Returns the error that made decoding fail, if it is not what the pages have in them.
    fn why(&self, group: usize, windows: &Windows) -> Option<FileError> {
        match windows.take_refused() {
            Some(RefusedPages::Large(page)) => return Some(self.file.too_large(page)),
            Some(RefusedPages::Crowd(crowd)) => return Some(self.file.too_many(crowd)),
            Some(RefusedPages::Rows(rows)) => {
                return Some(self.file.too_large_row(group, self.next_row, rows));
            }
            None => {}
        }
        windows.take_failure().map(|source| FileError::Read {
            file: self.file.name.clone(),
            source,
        })
    }

    /// Returns the error for rows that cannot be decoded, which begin with the next row.
    fn damaged_in(&self, rows: Piece, batch_rows: u64, reason: &str) -> FileError {
        let found = first_damage(&self.file, &self.metadata, &self.read, rows, batch_rows);
        let before = found.map_or(0, |(_, before)| before);
        FileError::Damaged {
            file: self.file.name.clone(),
            at: DamagedPlace {
                row: Some(self.next_row + before),
                column: found.map(|(column, _)| self.file.columns[column].clone()),
                row_group: Some(rows.group),
            },
            reason: reason.to_owned(),
        }
    }

    fn damaged(&self, reason: &str) -> FileError {
        FileError::Damaged {
            file: self.file.name.clone(),
            at: DamagedPlace::at_row(self.next_row),
            reason: reason.to_owned(),
        }
    }

    fn too_long(&self, row: &LongRow) -> FileError {
        let column = self.read.get(row.column).copied().unwrap_or_default();
        FileError::Unsupported {
            file: self.file.name.clone(),
            column: self.file.columns.get(column).cloned(),
            what: format!(
                "most of row {} is in it, which has {} bytes, more than the {MAX_ROW_BYTES} of a row",
                self.next_row + row.index as u64 + 1,
                row.bytes
            ),
            remedy: "shorten its values, or store them beside the table",
        }
    }

    fn stop(&mut self) {
        self.current = None;
        self.decoded.clear();
        self.pieces.clear();
    }
}

impl std::fmt::Debug for RowReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowReader")
            .field("file", &self.file.name)
            .field("next_row", &self.next_row)
            .finish_non_exhaustive()
    }
}

/// Returns the row groups that overlap `rows`.
fn pieces(group_rows: impl Iterator<Item = u64>, rows: &Range<u64>) -> Vec<Piece> {
    let mut start = 0_u64;
    let mut pieces = Vec::new();
    for (group, length) in group_rows.enumerate() {
        let end = start + length;
        let from = rows.start.max(start);
        let to = rows.end.min(end);
        if from < to {
            pieces.push(Piece {
                group,
                skip: from - start,
                take: to - from,
            });
        }
        start = end;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_at_row_groups() {
        let cut = |range: Range<u64>| {
            pieces([3, 0, 4, 5].into_iter(), &range)
                .iter()
                .map(|piece| (piece.group, piece.skip, piece.take))
                .collect::<Vec<_>>()
        };
        assert_eq!(cut(0..12), [(0, 0, 3), (2, 0, 4), (3, 0, 5)]);
        assert_eq!(cut(2..4), [(0, 2, 1), (2, 0, 1)]);
        assert_eq!(cut(3..7), [(2, 0, 4)]);
        assert_eq!(cut(8..100), [(3, 1, 4)]);
        assert!(cut(5..5).is_empty() && cut(12..20).is_empty());
    }
}
