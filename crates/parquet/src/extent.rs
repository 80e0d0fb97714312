//! How many bytes the values of rows have.
//!
//! A text that many rows share is in memory once, but each row has it when rows are shown or
//! written. A file of some kilobytes can have rows of terabytes.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, UInt64Array};
use arrow_schema::{ArrowError, DataType};
use arrow_select::take::take;
use quarry_table::MAX_ROW_BYTES;
use std::collections::VecDeque;
use std::ops::Range;

/// The most bytes of rows that are handled together, if they are more than one: 16 MiB.
const BATCH_BYTES: u64 = 16 << 20;

/// Rows that were decoded together, as far as they are not handled yet.
#[derive(Default)]
pub(crate) struct Decoded {
    batches: VecDeque<(Range<usize>, u64)>,
    record: Option<RecordBatch>,
}

/// A row that is longer than a row may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LongRow {
    /// Its place among the rows that were decoded together.
    pub(crate) index: usize,
    /// The longest of the columns that were read.
    pub(crate) column: usize,
    /// The bytes of all its values.
    pub(crate) bytes: u64,
}

impl Decoded {
    /// Cuts rows into batches that are not too large.
    pub(crate) fn new(record: RecordBatch) -> Result<Self, LongRow> {
        Ok(Self {
            batches: batches(&record)?.into(),
            record: Some(record),
        })
    }

    /// Returns the next batch, and the bytes of its values.
    pub(crate) fn next(&mut self) -> Option<Result<(RecordBatch, u64), ArrowError>> {
        let (rows, bytes) = self.batches.pop_front()?;
        let record = if self.batches.is_empty() {
            self.record.take()
        } else {
            self.record.clone()
        }?;
        let part = if rows.len() < record.num_rows() {
            part(&record, &rows)
        } else {
            Ok(record)
        };
        Some(part.map(|record| (record, bytes)))
    }

    /// Drops all rows.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn batches(record: &RecordBatch) -> Result<Vec<(Range<usize>, u64)>, LongRow> {
    let rows = record.num_rows();
    let all = bytes(record, &(0..rows));
    if all <= BATCH_BYTES {
        return Ok(vec![(0..rows, all)]);
    }
    let mut batches = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for index in 0..rows {
        let row = bytes(record, &(index..index + 1));
        if row > MAX_ROW_BYTES as u64 {
            return Err(long_row(record, index, row));
        }
        if sum + row > BATCH_BYTES && start < index {
            batches.push((start..index, sum));
            (start, sum) = (index, 0);
        }
        sum += row;
    }
    batches.push((start..rows, sum));
    Ok(batches)
}

fn long_row(record: &RecordBatch, index: usize, bytes: u64) -> LongRow {
    let columns = record.columns().iter().enumerate();
    let longest = columns.max_by_key(|(_, array)| of_array(&**array, &(index..index + 1)));
    LongRow {
        index,
        column: longest.map_or(0, |(column, _)| column),
        bytes,
    }
}

/// Returns some rows. Nested values of other rows are left behind, because whoever shows the rows
/// checks all nested values that come with them.
fn part(record: &RecordBatch, rows: &Range<usize>) -> Result<RecordBatch, ArrowError> {
    let places = UInt64Array::from_iter_values(rows.clone().map(|row| row as u64));
    let columns = record
        .columns()
        .iter()
        .map(|array| {
            if array.data_type().is_nested() {
                take(array, &places, None)
            } else {
                Ok(array.slice(rows.start, rows.len()))
            }
        })
        .collect::<Result<_, _>>()?;
    RecordBatch::try_new(record.schema(), columns)
}

fn bytes(record: &RecordBatch, rows: &Range<usize>) -> u64 {
    let of_column = |array| of_array(array, rows);
    record
        .columns()
        .iter()
        .map(|array| of_column(&**array))
        .sum()
}

/// Returns the bytes of the values of some rows of an array.
fn of_array(array: &dyn Array, rows: &Range<usize>) -> u64 {
    let count = rows.len() as u64;
    match array.data_type() {
        DataType::BinaryView => {
            let views = &array.as_binary_view().views()[rows.clone()];
            // The first four bytes of a view are the length of its value.
            let length = |view: &u128| u64::try_from(view & u128::from(u32::MAX));
            views
                .iter()
                .map(|view| length(view).unwrap_or_default())
                .sum()
        }
        DataType::Binary => between(array.as_binary::<i32>().value_offsets(), rows).len() as u64,
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            of_array(&**list.values(), &between(list.value_offsets(), rows))
        }
        DataType::Map(..) => {
            let map = array.as_map();
            of_array(map.entries(), &between(map.value_offsets(), rows))
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            columns.map(|column| of_array(&**column, rows)).sum()
        }
        DataType::FixedSizeBinary(width) => count * u64::try_from(*width).unwrap_or_default(),
        other => count * other.primitive_width().unwrap_or(1) as u64,
    }
}

/// Returns the range between the offsets of some rows.
fn between(offsets: &[i32], rows: &Range<usize>) -> Range<usize> {
    let at = |row: usize| usize::try_from(offsets[row]).unwrap_or_default();
    at(rows.start)..at(rows.end)
}
