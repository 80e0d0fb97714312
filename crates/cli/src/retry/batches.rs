//! The rows of a result in Parquet, one by one.

use super::TableAt;
use crate::failure::Failure;
use crate::local_table::open_parquet;
use quarry_parquet::{FileReading, ParquetFile, Row, RowBatch, RowReader};
use quarry_result::columns::{FAILED, STATUS};

/// After so many rows, what the writer of a table has encoded is written.
pub(super) const ROWS_ENCODED: u64 = 4_096;

/// The rows of a result, of which one batch is in memory.
pub(super) struct ResultBatches<'a> {
    at: TableAt<'a>,
    pub(super) file: ParquetFile,
    rows: RowReader,
    batch: Option<RowBatch>,
    /// The current row's number in the batch.
    current: usize,
}

impl<'a> ResultBatches<'a> {
    pub(super) fn open(at: TableAt<'a>) -> Result<Self, Failure> {
        let file = open_parquet(at.file, at.name()).map_err(|error| at.unread(&error))?;
        let names = at.columns.names();
        let own = file.columns().len().checked_sub(names.len());
        if own.is_none_or(|own| file.columns()[own..] != *names) {
            return Err(at.unread(&"its last columns are not the run's result columns"));
        }
        let shown = [STATUS, "validation_passed"].map(|name| at.columns.status_column(name));
        let cells: Vec<String> = shown.into_iter().flatten().cloned().collect();
        let reading = FileReading {
            cells: &cells,
            parts: true,
            ..FileReading::default()
        };
        let rows = file.read(0..file.rows(), &reading);
        Ok(Self {
            rows: rows.map_err(|error| at.unread(&error))?,
            at,
            file,
            batch: None,
            current: 0,
        })
    }

    /// The number of columns that the input had.
    pub(super) fn own_columns(&self) -> usize {
        self.file.columns().len() - self.at.columns.names().len()
    }

    /// Reads the next row. Returns `false` if there is none.
    pub(super) fn advance(&mut self) -> Result<bool, Failure> {
        self.current += 1;
        if self.row().is_some() {
            return Ok(true);
        }
        let batch = self.rows.next_batch();
        self.batch = batch.map_err(|error| self.at.unread(&error))?;
        self.current = 0;
        Ok(self.batch.is_some())
    }

    /// The current row; `None` before the first and behind the last.
    pub(super) fn row(&self) -> Option<Row<'_>> {
        self.batch.as_ref()?.row(self.current)
    }
}

pub(super) fn has_failed(row: &Row<'_>) -> bool {
    row.cell(0).text() == Some(FAILED)
}

pub(super) fn is_valid(row: &Row<'_>) -> bool {
    row.cell(1).text() == Some("true")
}
