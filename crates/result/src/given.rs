//! Answers that are already at hand: which slice of a planned run each of their lines belongs to.
//!
//! The files hold lines as Bedrock writes them. Their record ids either are those of the whole
//! table, as this program numbers records, or count from 0 in each file, as the original step
//! numbered them: [`numbering`] tells which. Files of whole-table ids may be rounds of asking over
//! the same rows, of which the last answer counts: see [`rounds`].
//!
//! Lines come in and decisions go out; whoever has the files reads and writes them.

pub mod numbering;
pub mod rounds;

use indexmap::IndexMap;
use numbering::OriginalJob;
use quarry_answer::{LineBody, read_line};
use quarry_contract::plan::{Plan, Slice};
use quarry_contract::record_id::RecordIds;
use rounds::LastAnswers;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One row of a run: the table's number and the row in it.
pub type TableRow = (usize, u64);

/// Finds the slice of answer lines.
#[derive(Debug, Clone)]
pub struct GivenAnswers {
    ids: Vec<RecordIds>,
    slices: Vec<Slice>,
}

/// A line whose ids count from 0 in its file, with its id in the run's numbering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenumberedLine<'a> {
    /// The number of its slice; `None` if it belongs to no row.
    pub slice: Option<usize>,
    /// The line to keep.
    pub line: Cow<'a, [u8]>,
}

/// What becomes of a line whose id is that of the whole table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableLine {
    /// It belongs to the slice of this number.
    Slice(usize),
    /// It belongs to no row.
    NoRow,
    /// A later file has an answer to the same record.
    Replaced {
        /// Whether this line has an answer, too, and no error.
        is_answer: bool,
    },
}

impl GivenAnswers {
    /// For the slices of a plan, in their order.
    pub fn new(plan: &Plan, slices: Vec<Slice>) -> Self {
        let ids = plan.tables.iter();
        Self {
            ids: ids
                .map(|table| RecordIds::new(table.split.as_deref()))
                .collect(),
            slices,
        }
    }

    /// A line of one of the original step's jobs. `file` is the file's name for people.
    pub fn of_job<'a>(&self, line: &'a [u8], job: &OriginalJob, file: &str) -> RenumberedLine<'a> {
        let Ok(read) = read_line(line) else {
            return RenumberedLine {
                slice: None,
                line: line.into(),
            };
        };
        let (slice, id) = self.find_in_job(&read.record_id, job, file);
        RenumberedLine {
            slice,
            // Only what is no line of an answer cannot be renamed, and that has no record.
            line: renamed(line, &id).map_or(line.into(), Cow::Owned),
        }
    }

    /// A line of the file of this number, whose ids are those of the whole table.
    pub fn of_table(&self, line: &[u8], file: usize, last: &LastAnswers) -> TableLine {
        let Ok(read) = read_line(line) else {
            return TableLine::NoRow;
        };
        let Some(record) = self.record(&read.record_id) else {
            return TableLine::NoRow;
        };
        if last.is_after(record, file) {
            return TableLine::Replaced {
                is_answer: matches!(read.body, LineBody::Output(_)),
            };
        }
        self.slice_of(record)
            .map_or(TableLine::NoRow, TableLine::Slice)
    }

    /// The row of a record id, whether or not the table has that many rows.
    fn record(&self, id: &str) -> Option<TableRow> {
        self.ids
            .iter()
            .enumerate()
            .find_map(|(table, ids)| Some((table, ids.row(id)?)))
    }

    /// The slice of an id that counts from 0 in its file, and the id in this run's numbering. An
    /// id beyond the job gets one that is nobody's, and names the file in the summary.
    fn find_in_job(&self, id: &str, job: &OriginalJob, file: &str) -> (Option<usize>, String) {
        match job.row(id) {
            Some(row) => (self.slice_of((job.table, row)), self.ids[job.table].id(row)),
            None => (None, format!("{id} in {file}")),
        }
    }

    fn slice_of(&self, (table, row): TableRow) -> Option<usize> {
        self.slices.iter().position(|slice| {
            slice.table == table && (slice.first_row..slice.first_row + slice.rows).contains(&row)
        })
    }
}

/// The line with another record id; everything else stays as it is.
fn renamed(line: &[u8], id: &str) -> Option<Vec<u8>> {
    let members: IndexMap<String, &RawValue> = serde_json::from_slice(line).ok()?;
    let id = RawValue::from_string(serde_json::to_string(id).ok()?).ok()?;
    let renamed: IndexMap<&str, &RawValue> = members
        .iter()
        .map(|(key, value)| (key.as_str(), if key == "recordId" { &*id } else { *value }))
        .collect();
    serde_json::to_vec(&renamed).ok()
}

#[cfg(test)]
mod tests;
