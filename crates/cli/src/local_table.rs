//! Reading the rows of a table file on this machine.

mod rows;
mod text;

pub(crate) use rows::LocalRows;
pub(crate) use text::TextFile;

use bytes::Bytes;
use quarry_parquet::{FileReading, ParquetFile, Ranges, RangesError};
use quarry_rows::TableFormat;
use quarry_table::{Cells, Dialect, RowDecoder};
use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A table file on this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalTable<'a> {
    pub(crate) file: &'a Path,
    pub(crate) format: TableFormat,
    pub(crate) gzip: bool,
}

impl LocalTable<'_> {
    /// Returns the columns that the first `most` rows have and a prompt may show.
    pub(crate) fn columns(&self, most: u64) -> Result<Vec<String>, Box<dyn Error>> {
        let dialect = match self.format {
            TableFormat::Text(dialect) => dialect,
            TableFormat::Parquet => return self.columns_of_parquet(),
        };
        let mut decoder = self.decoder(dialect);
        self.decode(&mut decoder, |row| {
            if row.number() + 1 < most {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        let header = decoder.header();
        Ok(header.map_or_else(Vec::new, |header| header.columns.clone()))
    }

    /// Calls `take` with the number of each row, from 1, and the row's cells in these columns,
    /// until `take` returns `false`.
    pub(crate) fn each_row(
        &self,
        columns: &[String],
        mut take: impl FnMut(u64, &dyn Cells) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        match self.format {
            TableFormat::Text(dialect) => {
                let mut decoder = self.decoder(dialect);
                decoder.project(columns);
                self.decode(&mut decoder, |row| {
                    if take(row.number() + 1, row) {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                })
            }
            TableFormat::Parquet => self.each_row_of_parquet(columns, take),
        }
    }

    /// Begins to read the cells of all rows in these columns.
    pub(crate) fn rows(&self, columns: &[String]) -> Result<LocalRows, Box<dyn Error>> {
        match self.format {
            TableFormat::Text(dialect) => {
                let mut decoder = self.decoder(dialect);
                decoder.project(columns);
                Ok(LocalRows::of_text(self.text()?, decoder, columns.len()))
            }
            TableFormat::Parquet => {
                let table = self.parquet()?;
                let reading = FileReading {
                    cells: columns,
                    ..FileReading::default()
                };
                let rows = table.read(0..table.rows(), &reading)?;
                Ok(LocalRows::of_parquet(rows, columns.len()))
            }
        }
    }

    fn text(&self) -> std::io::Result<TextFile> {
        TextFile::open(self.file, self.gzip)
    }

    fn decoder(&self, dialect: Dialect) -> RowDecoder {
        RowDecoder::start(dialect, self.file.display().to_string())
    }

    /// Feeds the file to the decoder and calls `take` with its rows.
    fn decode(
        &self,
        decoder: &mut RowDecoder,
        mut take: impl FnMut(&quarry_table::Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), Box<dyn Error>> {
        let mut text = self.text()?;
        loop {
            let goes_on = text.feed(decoder)?;
            while let Some(row) = decoder.next_row()? {
                if take(&row).is_break() {
                    return Ok(());
                }
            }
            if !goes_on {
                return Ok(());
            }
        }
    }

    fn parquet(&self) -> Result<ParquetFile, Box<dyn Error>> {
        open_parquet(self.file, self.file.display().to_string())
    }

    /// Leaves out the columns whose values have no text.
    fn columns_of_parquet(&self) -> Result<Vec<String>, Box<dyn Error>> {
        let table = self.parquet()?;
        let has_text = |column: &String| {
            let reading = FileReading {
                cells: std::slice::from_ref(column),
                ..FileReading::default()
            };
            table.read(0..0, &reading).is_ok()
        };
        Ok(table
            .columns()
            .iter()
            .filter(|column| has_text(column))
            .cloned()
            .collect())
    }

    fn each_row_of_parquet(
        &self,
        columns: &[String],
        mut take: impl FnMut(u64, &dyn Cells) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        let table = self.parquet()?;
        let reading = FileReading {
            cells: columns,
            ..FileReading::default()
        };
        let mut rows = table.read(0..table.rows(), &reading)?;
        let mut number = 0;
        while let Some(batch) = rows.next_batch()? {
            for row in batch.rows() {
                number += 1;
                if !take(number, &row) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Opens a Parquet file; `name` is its name in errors.
pub(crate) fn open_parquet(file: &Path, name: String) -> Result<ParquetFile, Box<dyn Error>> {
    let opened = text::open_file(file)?;
    let ranges = FileRanges {
        bytes: opened.metadata()?.len(),
        file: Mutex::new(opened),
    };
    Ok(ParquetFile::open(name, Arc::new(ranges))?)
}

/// A file on this machine.
struct FileRanges {
    bytes: u64,
    file: Mutex<File>,
}

impl Ranges for FileRanges {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, RangesError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let length = range.end.saturating_sub(range.start);
        let mut bytes = vec![0; usize::try_from(length).map_err(RangesError::new)?];
        file.seek(SeekFrom::Start(range.start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(RangesError::new)?;
        Ok(bytes.into())
    }
}
