//! A sample of the tables, in the place of the tables: the chosen rows become small tables of the same
//! format in the run's folder, which are scanned and cut like any other. So the later steps know nothing
//! of samples.
//!
//! The whole tables are scanned first, so that what is refused, and how many records there are, does not
//! depend on the choice.

mod object;
mod pieces;

use crate::pins;
use crate::table_scan::{ScannedFile, TableScan};
use pieces::{first_rows, parquet_pieces, text_pieces};
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::{InputFile, WholeTable};
use quarry_contract::request::SampleRequest;
use quarry_edge::clock::TimeLeft;
use quarry_edge::error::StepError;
use quarry_edge::s3::reader::ReadOptions;
use quarry_edge::store::ObjectStore;
use quarry_result::digits::grouped;
use quarry_rows::{Need, ParquetRows, Row, Rows, RowsObject, TableFormat, TextRows};
use quarry_slicing::sampled_rows;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most rows of one object of a sample. A call writes each object as a whole, or not at all.
const ROWS_OF_AN_OBJECT: usize = 1_000;

/// After so many reads of the rows of an object, it is asked whether there is time for more. Most reads
/// are of some rows only.
const READS_BETWEEN_LOOKS: u32 = 256;

/// What a whole table has, of which only a sample is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WholeScan {
    pub(crate) rows: u64,
    pub(crate) records: u64,
}

impl WholeScan {
    /// Returns the plan's facts about the table and its scanned sample.
    pub(crate) fn of_sample(self, sample: &TableScan) -> Result<WholeTable, StepError> {
        Ok(WholeTable {
            rows: self.rows,
            records: self.records,
            sampled_records: sample.scanned_marks()?.records(),
        })
    }
}

/// Writes the samples of scanned tables into the run's folder.
pub(crate) struct Sampler<'a> {
    pub(crate) store: &'a Arc<dyn ObjectStore>,
    pub(crate) run: &'a RunFolder,
    pub(crate) sample: SampleRequest,
    pub(crate) time_left: &'a dyn TimeLeft,
    /// Whether this call has already done a piece of work.
    pub(crate) worked: bool,
}

impl Sampler<'_> {
    /// Continues to write the samples. Returns `false` when the time is up before the last.
    pub(crate) async fn write(&mut self, tables: &mut [TableScan]) -> Result<bool, StepError> {
        for (number, table) in tables.iter_mut().enumerate() {
            if table.rows <= self.sample.rows {
                continue;
            }
            let chosen = sampled_rows(table.rows, self.sample.rows, self.sample.seed);
            for rows in chosen.chunks(ROWS_OF_AN_OBJECT).skip(table.sampled.len()) {
                if self.worked && !self.time_left.enough() {
                    return Ok(false);
                }
                match self.object(number, table, rows).await? {
                    Some(object) => table.sampled.push(object),
                    None if self.worked => return Ok(false),
                    None => return Err(too_long(table, self.sample)),
                }
                self.worked = true;
            }
        }
        Ok(true)
    }

    /// Writes the object with these rows of a table. Returns `None`, and leaves nothing behind, if the
    /// time is up before the end.
    async fn object(
        &self,
        number: usize,
        table: &TableScan,
        wanted: &[u64],
    ) -> Result<Option<InputFile>, StepError> {
        let at = self.place(number, table);
        let mut object = object::open(self.store, self.run, number, table, at.clone()).await?;
        let appended = self.append(table, wanted, &mut object).await;
        let (object, is_whole) = object.or_give_up(appended).await?;
        if !is_whole {
            object.abort().await?;
            return Ok(None);
        }
        let written = object.finish().await?;
        Ok(Some(object::as_file(written, at, &table.files)))
    }

    /// Appends these rows of a table to an object. Returns `false` if the time is up before the end.
    async fn append(
        &self,
        table: &TableScan,
        wanted: &[u64],
        object: &mut RowsObject,
    ) -> Result<bool, StepError> {
        let mut rows = self.rows(table, wanted)?;
        let firsts = first_rows(table);
        let mut wanted = wanted.iter().peekable();
        let mut reads: u32 = 0;
        while let Some(mut advance) = rows.advance().await? {
            let first = firsts[advance.file];
            while let Some(row) = advance.next_row()? {
                let in_file = match &row {
                    Row::Text(row) => row.number(),
                    Row::Parquet(row) => row.number(),
                };
                let in_table = first + in_file;
                if wanted.next_if(|next| **next == in_table).is_some() {
                    object.row(&row, &[])?;
                }
            }
            object.flush_if_full().await?;
            if wanted.peek().is_none() {
                break;
            }
            reads += 1;
            if reads.is_multiple_of(READS_BETWEEN_LOOKS) && !self.time_left.enough() {
                return Ok(false);
            }
        }
        match wanted.next() {
            Some(row) => Err(StepError::inconsistent(format!(
                "row {row} of {} was there when the table was scanned, and is not found for its sample",
                table.name()
            ))),
            None => Ok(true),
        }
    }

    /// Returns the place of the next object. Its name tells the choice from every other one, so that a
    /// copy of this call that sees other files writes another object.
    fn place(&self, number: usize, table: &TableScan) -> S3Uri {
        let SampleRequest { rows, seed } = self.sample;
        let files = table.files.iter();
        let contents: Vec<String> = files.map(|file| pins::content(&file.input)).collect();
        let choice = format!("{rows} {seed:?}\n{}", contents.join("\n"));
        self.run.sampled(number, table.sampled.len(), &choice)
    }

    /// Starts to read the parts of the files that hold these rows.
    fn rows(&self, table: &TableScan, wanted: &[u64]) -> Result<Rows, StepError> {
        let store = Arc::clone(self.store);
        let marks = table.scanned_marks()?;
        Ok(match table.format {
            TableFormat::Text(dialect) => Rows::Text(Box::new(TextRows::new(
                store,
                dialect,
                table.header.clone().map(Arc::new),
                Vec::new(),
                text_pieces(table, marks, wanted),
                ReadOptions::default(),
            ))),
            TableFormat::Parquet => Rows::Parquet {
                rows: ParquetRows::new(store, parquet_pieces(table, wanted), Need::Rows),
                batch: None,
            },
        })
    }
}

/// Puts the samples in the place of their tables. Returns what the whole tables have.
pub(crate) fn put_in_place(tables: &mut [TableScan]) -> Result<Vec<WholeScan>, StepError> {
    tables.iter_mut().map(replace).collect()
}

fn replace(table: &mut TableScan) -> Result<WholeScan, StepError> {
    let whole = WholeScan {
        rows: table.rows,
        records: table.scanned_marks()?.records(),
    };
    if !table.sampled.is_empty() {
        let sampled = std::mem::take(&mut table.sampled).into_iter();
        *table = TableScan {
            gzip: table.gzip,
            header: table.header.take(),
            layout: table.layout.take(),
            files: sampled
                .map(|input| ScannedFile {
                    input: InputFile { rows: 0, ..input },
                    plain: true,
                    copying: None,
                })
                .collect(),
            ..TableScan::new(table.split.as_deref(), table.format)
        };
    }
    Ok(whole)
}

/// Refuses samples that, read again, have another number of rows than were chosen.
pub(crate) fn check(
    sample: SampleRequest,
    whole: &[WholeScan],
    tables: &[TableScan],
) -> Result<(), StepError> {
    for (whole, table) in whole.iter().zip(tables) {
        let wanted = whole.rows.min(sample.rows);
        if table.rows != wanted {
            return Err(StepError::inconsistent(format!(
                "the sample of {} has {} rows, and {wanted} were chosen",
                table.name(),
                table.rows
            )));
        }
    }
    Ok(())
}

/// Says which rows of a table are asked.
pub(crate) fn note(name: &str, sample: SampleRequest, whole: WholeScan) -> String {
    let SampleRequest { rows: wanted, seed } = sample;
    let (rows, all) = (grouped(wanted), grouped(whole.rows));
    let which = match seed {
        _ if whole.rows <= wanted => format!("the sample is all {all} rows, no more than {rows}"),
        None => format!("the sample is the first {rows} of {all} rows"),
        Some(seed) => format!("the sample is {rows} random rows of {all}, with the seed {seed}"),
    };
    format!("{name}: {which}; it is asked on demand, whatever BEDROCK_BATCH_MODE says")
}

fn too_long(table: &TableScan, sample: SampleRequest) -> StepError {
    let SampleRequest { rows, .. } = sample;
    StepError::bad_request(format!(
        "the {rows} random rows of {} cannot be read in the time of one call; take fewer rows, or the first rows, without a \
         seed",
        table.name()
    ))
}
