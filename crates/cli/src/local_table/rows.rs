//! The rows of a table file, one by one.

use super::text::TextFile;
use quarry_parquet::{RowBatch, RowReader};
use quarry_table::{Cells, RowDecoder};
use std::error::Error;

/// The rows of a table file, read as they are taken. Memory holds what the decoder of the format
/// holds.
pub(crate) struct LocalRows {
    source: RowsOf,
    /// The number of cells of a row.
    cells: usize,
}

enum RowsOf {
    Text {
        text: Box<TextFile>,
        decoder: Box<RowDecoder>,
        ended: bool,
    },
    Parquet {
        rows: Box<RowReader>,
        batch: Option<RowBatch>,
        next: usize,
    },
}

impl LocalRows {
    /// Reads a text table. The decoder has been told which cells to return, `cells` of them.
    pub(super) fn of_text(text: TextFile, decoder: RowDecoder, cells: usize) -> Self {
        Self {
            source: RowsOf::Text {
                text: Box::new(text),
                decoder: Box::new(decoder),
                ended: false,
            },
            cells,
        }
    }

    /// Reads a Parquet table whose reader returns `cells` cells for each row.
    pub(super) fn of_parquet(rows: RowReader, cells: usize) -> Self {
        Self {
            source: RowsOf::Parquet {
                rows: Box::new(rows),
                batch: None,
                next: 0,
            },
            cells,
        }
    }

    /// Puts the cells of the next row into `into`; `None` stands for a cell without text. Returns
    /// `false` if there are no more rows.
    pub(crate) fn next_row(
        &mut self,
        into: &mut Vec<Option<String>>,
    ) -> Result<bool, Box<dyn Error>> {
        match &mut self.source {
            RowsOf::Text {
                text,
                decoder,
                ended,
            } => loop {
                if let Some(row) = decoder.next_row()? {
                    take(&row, self.cells, into);
                    return Ok(true);
                }
                if *ended {
                    return Ok(false);
                }
                *ended = !text.feed(decoder)?;
            },
            RowsOf::Parquet { rows, batch, next } => loop {
                if let Some(row) = batch.as_ref().and_then(|batch| batch.row(*next)) {
                    take(&row, self.cells, into);
                    *next += 1;
                    return Ok(true);
                }
                *batch = rows.next_batch()?;
                *next = 0;
                if batch.is_none() {
                    return Ok(false);
                }
            },
        }
    }
}

fn take(row: &dyn Cells, cells: usize, into: &mut Vec<Option<String>>) {
    into.clear();
    into.extend((0..cells).map(|index| row.cell(index).text().map(str::to_owned)));
}
