//! The rows of a table file, one by one.

use quarry_parquet::{RowBatch, RowReader};
use quarry_table::{Cells, RowDecoder};
use std::error::Error;
use std::io::Read;

/// Bytes of a text table that are decoded at once.
const BUFFER: usize = 1 << 18;

/// The rows of a table file, read as they are taken. Memory holds what the decoder of the format
/// holds.
pub(crate) struct LocalRows {
    source: RowsOf,
    /// The number of cells of a row.
    cells: usize,
}

enum RowsOf {
    Text {
        bytes: Box<dyn Read>,
        decoder: Box<RowDecoder>,
        buffer: Vec<u8>,
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
    pub(super) fn of_text(bytes: Box<dyn Read>, decoder: RowDecoder, cells: usize) -> Self {
        Self {
            source: RowsOf::Text {
                bytes,
                decoder: Box::new(decoder),
                buffer: vec![0; BUFFER],
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
                bytes,
                decoder,
                buffer,
                ended,
            } => loop {
                if let Some(row) = decoder.next_row()? {
                    take(&row, self.cells, into);
                    return Ok(true);
                }
                if *ended {
                    return Ok(false);
                }
                match bytes.read(buffer)? {
                    0 => {
                        decoder.end();
                        *ended = true;
                    }
                    read => decoder.push(&buffer[..read]),
                }
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
