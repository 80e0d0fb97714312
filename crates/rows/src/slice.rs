//! The rows of a slice, for every table format.

use crate::error::RowsError;
use crate::format::{TableFormat, format_of, header_of};
use crate::parquet::ParquetRows;
use crate::piece::{Need, SlicePiece};
use crate::text::{TextAdvance, TextRows};
use quarry_contract::plan::{Segment, Table};
use quarry_edge::s3::reader::ReadOptions;
use quarry_edge::store::ObjectStore;
use quarry_parquet::RowBatch;
use quarry_table::{Cell, Cells};
use std::sync::Arc;

/// The rows of a slice.
pub enum Rows {
    /// The rows of a text table.
    Text(Box<TextRows>),
    /// The rows of a Parquet table.
    Parquet {
        /// The rows.
        rows: ParquetRows,
        /// The batch that is being read.
        batch: Option<(usize, RowBatch)>,
    },
}

/// Rows that are ready.
pub struct Advance<'a> {
    /// The number of their file in its table.
    pub file: usize,
    source: Source<'a>,
}

enum Source<'a> {
    Text(TextAdvance<'a>),
    Parquet { batch: &'a RowBatch, next: usize },
}

/// A row of a table of any format.
pub enum Row<'a> {
    /// A row of a text table.
    Text(quarry_table::Row<'a>),
    /// A row of a Parquet table.
    Parquet(quarry_parquet::Row<'a>),
}

impl Rows {
    /// Starts to read the rows of a slice.
    pub fn of_slice(
        store: Arc<dyn ObjectStore>,
        table: &Table,
        segments: &[Segment],
        need: Need,
    ) -> Self {
        let pieces = segments
            .iter()
            .map(|segment| {
                let file = &table.files[segment.file];
                SlicePiece::of(
                    segment.file,
                    file,
                    segment.start,
                    segment.end,
                    segment.first_row,
                )
            })
            .collect();
        match format_of(table) {
            TableFormat::Text(dialect) => {
                let projection = match need {
                    Need::Cells { columns, .. } | Need::SoundRows { columns, .. } => columns,
                    Need::Rows => Vec::new(),
                };
                let header = Some(Arc::new(header_of(table)));
                let options = ReadOptions::default();
                Self::Text(Box::new(TextRows::new(
                    store, dialect, header, projection, pieces, options,
                )))
            }
            TableFormat::Parquet => Self::Parquet {
                rows: ParquetRows::new(store, pieces, need),
                batch: None,
            },
        }
    }

    /// Requests the first rows, without waiting for them. Needs a tokio runtime.
    pub fn request(&mut self) {
        match self {
            Self::Text(rows) => rows.request(),
            // Their thread reads from the start.
            Self::Parquet { .. } => {}
        }
    }

    /// Makes the next rows ready; `None` after the last. Take all of them before the next call.
    pub async fn advance(&mut self) -> Result<Option<Advance<'_>>, RowsError> {
        match self {
            Self::Text(rows) => Ok(rows.advance().await?.map(|advance| Advance {
                file: advance.file,
                source: Source::Text(advance),
            })),
            Self::Parquet { rows, batch } => {
                *batch = rows.next_batch().await?;
                Ok(batch.as_ref().map(|(file, batch)| Advance {
                    file: *file,
                    source: Source::Parquet { batch, next: 0 },
                }))
            }
        }
    }
}

impl Advance<'_> {
    /// Returns the next of the rows that are ready.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, RowsError> {
        match &mut self.source {
            Source::Text(advance) => Ok(advance.decoder.next_row()?.map(Row::Text)),
            Source::Parquet { batch, next } => {
                let row = batch.row(*next).map(Row::Parquet);
                *next += 1;
                Ok(row)
            }
        }
    }
}

impl Cells for Row<'_> {
    fn cell(&self, index: usize) -> Cell<'_> {
        match self {
            Self::Text(row) => row.cell(index),
            Self::Parquet(row) => row.cell(index),
        }
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(row) => row.write_json(out),
            Self::Parquet(row) => row.write_json(out),
        }
    }
}
