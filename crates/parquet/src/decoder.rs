//! Decodes rows of one row group, and finds out where rows are that cannot be decoded.

use crate::file::Inner;
use crate::guard::guarded;
use crate::list_lengths::{RowsFault, ValueSizes};
use crate::map_keys;
use crate::window::{Source, Windows};
use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use std::sync::Arc;

/// Rows of one row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) group: usize,
    pub(crate) skip: u64,
    pub(crate) take: u64,
}

impl Piece {
    /// Returns the first rows of the piece, and the rows after them.
    pub(crate) fn cut(self, rows: u64) -> (Self, Self) {
        let rows = rows.min(self.take);
        let first = Self { take: rows, ..self };
        let rest = Self {
            skip: self.skip + rows,
            take: self.take - rows,
            ..self
        };
        (first, rest)
    }
}

/// Decodes the rows of a piece.
pub(crate) struct Decoder {
    pub(crate) windows: Arc<Windows>,
    batches: ParquetRecordBatchReader,
    /// What rows take, if they can take too much.
    sizes: Option<ValueSizes>,
    batch_rows: u64,
    /// Rows that are not decoded yet.
    left: u64,
}

/// Why rows cannot be decoded, in the decoder's words, and the windows with what they refused.
pub(crate) type Undecoded = (Arc<Windows>, String);

impl Decoder {
    /// Prepares to decode the wanted columns, `batch_rows` rows at a time.
    pub(crate) fn open(
        file: &Inner,
        metadata: &ArrowReaderMetadata,
        piece: Piece,
        mask: &ProjectionMask,
        batch_rows: u64,
    ) -> Result<Self, Undecoded> {
        let windows = file.windows(piece.group, piece.skip > 0, mask, metadata.metadata());
        let source = Source(Arc::clone(&windows));
        let size = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata.clone())
            .with_row_groups(vec![piece.group])
            .with_projection(mask.clone())
            .with_batch_size(size(batch_rows))
            .with_offset(size(piece.skip))
            .with_limit(size(piece.take));
        let built =
            guarded(|| builder.build().map_err(|error| error.to_string())).and_then(|batches| {
                let rows = batch_rows.min(piece.take);
                let sizes = file.value_sizes(piece.group, piece.skip, mask, rows, &windows)?;
                Ok((batches, sizes))
            });
        match built {
            Ok((batches, sizes)) => Ok(Self {
                windows,
                batches,
                sizes,
                batch_rows,
                left: piece.take,
            }),
            Err(reason) => Err((windows, reason)),
        }
    }

    /// Decodes the next rows; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, String> {
        self.check_sizes()?;
        let batches = &mut self.batches;
        let next = guarded(|| {
            let next = batches.next().transpose();
            next.map_err(|error| error.to_string())
        })?;
        self.windows.batch_is_decoded();
        next.as_ref().map_or(Ok(()), map_keys::check)?;
        Ok(next)
    }

    /// Refuses the next rows if they take too much memory.
    fn check_sizes(&mut self) -> Result<(), String> {
        let rows = self.batch_rows.min(self.left);
        self.left -= rows;
        let Some(sizes) = self.sizes.as_mut().filter(|_| rows > 0) else {
            return Ok(());
        };
        let Err(fault) = sizes.next_rows(rows) else {
            return Ok(());
        };
        match fault {
            RowsFault::Large(rows) => {
                self.windows.refuse_rows(rows);
                Err("the rows take too much memory".to_owned())
            }
            RowsFault::Levels(reason) => {
                self.windows.fail_as(sizes.windows());
                Err(reason)
            }
        }
    }
}

/// Finds the first of some columns in which rows of a piece cannot be decoded, and how many rows of it come
/// before. Each column is decoded alone, `batch_rows` rows at a time. Returns `None` if the rows can be decoded,
/// or if their bytes cannot be read.
pub(crate) fn first_damage(
    file: &Inner,
    metadata: &ArrowReaderMetadata,
    columns: &[usize],
    piece: Piece,
    batch_rows: u64,
) -> Option<(usize, u64)> {
    let schema = file.metadata.file_metadata().schema_descr();
    columns.iter().find_map(|column| {
        let mask = ProjectionMask::roots(schema, [*column]);
        let sound = |batch_rows| sound_rows(file, metadata, piece, &mask, batch_rows);
        if sound(batch_rows)? == piece.take {
            return None;
        }
        let before = sound(1)?;
        Some((*column, if before < piece.take { before } else { 0 }))
    })
}

/// Returns how many rows can be decoded; `None` if their bytes cannot be read.
fn sound_rows(
    file: &Inner,
    metadata: &ArrowReaderMetadata,
    piece: Piece,
    mask: &ProjectionMask,
    batch_rows: u64,
) -> Option<u64> {
    let mut rows = 0;
    let windows = match Decoder::open(file, metadata, piece, mask, batch_rows) {
        Ok(mut decoder) => {
            while let Ok(Some(record)) = decoder.next() {
                rows += record.num_rows() as u64;
            }
            decoder.windows
        }
        Err((windows, _)) => windows,
    };
    windows.take_failure().is_none().then_some(rows)
}
