//! Retries of failed rows: picking the rows out of a result, and putting their new outcomes into it.

mod batches;
mod fetched;
mod lines;
mod merging;
mod picking;
mod published;
mod tally;

pub(crate) use fetched::FetchedResult;
pub(crate) use published::publish_merged;

use crate::failure::Failure;
use quarry_contract::plan::Table;
use quarry_result::columns::ResultColumns;
use std::path::Path;

/// A table of a result on this machine.
#[derive(Clone, Copy)]
struct TableAt<'a> {
    file: &'a Path,
    /// The run, for errors.
    run: &'a str,
    table: &'a Table,
    columns: &'a ResultColumns,
}

impl TableAt<'_> {
    /// Returns the table's name in errors.
    fn name(&self) -> String {
        match &self.table.split {
            Some(split) => format!("the result of {}, table {split}", self.run),
            None => format!("the result of {}", self.run),
        }
    }

    /// Returns the failure of a table that cannot be read. The error names the table if it is that of a
    /// row.
    fn unread(&self, error: &dyn std::fmt::Display) -> Failure {
        let error = error.to_string();
        let name = self.name();
        Failure::run(if error.starts_with(&name) {
            error
        } else {
            format!("{name}: {error}")
        })
    }
}
