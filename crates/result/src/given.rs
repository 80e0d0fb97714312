//! Finds the slice of a planned run to which each line of existing answer files belongs.
//!
//! The files have lines in Bedrock's form. Their record ids are either those of the whole table, as
//! Quarry numbers records, or count from 0 in each file, as the original step did; [`numbering`]
//! decides which. Files with whole-table ids may be several rounds over the same rows; see
//! [`rounds`].
//!
//! Lines come in and decisions go out; the caller reads and writes the files.

pub mod numbering;
pub mod rounds;

use indexmap::IndexMap;
use numbering::OriginalJob;
use quarry_answer::read_line;
use quarry_contract::plan::{Plan, Slice};
use quarry_contract::record_id::RecordIds;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A row of a run: the table's number and the row's number in it.
type TableRow = (usize, u64);

/// Finds the slices of answer lines.
#[derive(Debug, Clone)]
pub struct GivenAnswers {
    ids: Vec<RecordIds>,
    slices: Vec<Slice>,
}

/// A line whose id counts from 0 in its file, with its id in the run's numbering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenumberedLine<'a> {
    /// The number of its slice; `None` if it belongs to no row.
    pub slice: Option<usize>,
    /// The line to keep.
    pub line: Cow<'a, [u8]>,
}

impl GivenAnswers {
    /// Prepares to find the slices of a plan, in their order.
    pub fn new(plan: &Plan, slices: Vec<Slice>) -> Self {
        let ids = plan.tables.iter();
        Self {
            ids: ids
                .map(|table| RecordIds::new(table.split.as_deref()))
                .collect(),
            slices,
        }
    }

    /// Decides about a line of one of the original step's jobs. `file` is the file's name in
    /// messages.
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
            // Only a line that is not an answer cannot be renamed, and it has no record.
            line: renamed(line, &id).map_or(line.into(), Cow::Owned),
        }
    }

    /// Returns the number of the slice of a line whose id is that of the whole table; `None` if the
    /// line belongs to no row.
    pub fn of_table(&self, line: &[u8]) -> Option<usize> {
        let read = read_line(line).ok()?;
        self.slice_of(self.record(&read.record_id)?)
    }

    /// Returns the row of a record id, whether or not the table has so many rows.
    fn record(&self, id: &str) -> Option<TableRow> {
        self.ids
            .iter()
            .enumerate()
            .find_map(|(table, ids)| Some((table, ids.row(id)?)))
    }

    /// Returns the slice of an id that counts from 0 in its file, and the id in this run's
    /// numbering. An id beyond the job becomes one that belongs to no row and names the file in the
    /// summary.
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

/// Returns the line with another record id; everything else stays as it is.
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
