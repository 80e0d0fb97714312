//! A result table on this machine, and whether it is the one that a summary is about.

use super::summaries::{ListedTable, SummaryFile};
use crate::failure::Failure;
use crate::local_table::LocalTable;
use quarry_comparison::AnswerCounts;
use quarry_contract::settings::CsvQuoting;
use quarry_rows::{ACCEPTED, TableFormat};
use quarry_runs::{counted, grouped};
use std::path::PathBuf;

/// A table of a result.
#[derive(Debug, Clone)]
pub(crate) struct ResultTable {
    /// The training split.
    pub(crate) split: Option<String>,
    file: PathBuf,
    format: TableFormat,
    gzip: bool,
    listed: Option<ListedCounts>,
}

/// What a summary says about a table. Members that a summary lacks are not checked.
#[derive(Debug, Clone)]
struct ListedCounts {
    summary: String,
    rows_in: Option<u64>,
    rows_out: Option<u64>,
    answered: Option<u64>,
    valid: Option<u64>,
}

impl ResultTable {
    pub(super) fn new(
        file: PathBuf,
        split: Option<&str>,
        quoting: CsvQuoting,
    ) -> Result<Self, Failure> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let Some((format, gzip)) = TableFormat::from_file_name(&name) else {
            return Err(Failure::input(format!(
                "{} is no result: give its folder, its summary, or its table ({ACCEPTED})",
                file.display()
            )));
        };
        if !file.is_file() {
            return Err(Failure::input(format!(
                "{} does not exist; copy the whole result to one folder",
                file.display()
            )));
        }
        Ok(Self {
            split: split.map(str::to_owned),
            format: format.quoted(quoting),
            gzip,
            file,
            listed: None,
        })
    }

    /// Takes over what a summary says about the table.
    ///
    /// Fails if a later run into the same folder replaced the table.
    pub(super) fn listed_in(
        self,
        summary: &SummaryFile,
        entry: &ListedTable<'_>,
    ) -> Result<Self, Failure> {
        if let Some(later) = summary.replaced_by(entry) {
            let page = summary.page().map_or_else(String::new, |page| {
                format!("; the page of that run is {}", page.display())
            });
            return Err(Failure::input(format!(
                "{} is no longer the table of {}: the run of {later} replaced it{page}; use another --out for each run",
                self.file.display(),
                summary.name()
            )));
        }
        Ok(Self {
            listed: Some(ListedCounts {
                summary: summary.name(),
                rows_in: entry.rows_in,
                rows_out: entry.rows_out,
                answered: entry.answered,
                valid: entry.valid,
            }),
            ..self
        })
    }

    /// Fails if the table has other rows than its summary says, or other outcomes of them: it was copied in part, or
    /// is of another run.
    pub(crate) fn check(&self, found: &AnswerCounts) -> Result<(), Failure> {
        let Some(listed) = &self.listed else {
            return Ok(());
        };
        let rows = listed.rows_out.unwrap_or(found.rows());
        if rows != found.rows() {
            return Err(Failure::input(format!(
                "{} has {}, and its summary says {}; copy the whole result of one run",
                self.file.display(),
                counted(found.rows(), "row"),
                grouped(rows)
            )));
        }
        let answered = listed.answered.unwrap_or(found.answered());
        let valid = listed.valid.unwrap_or(found.valid);
        if (answered, valid) == (found.answered(), found.valid) {
            return Ok(());
        }
        Err(Failure::input(format!(
            "{} is the table of another run than {}: it has {}, and the summary says {}; give the summary of the run that \
             wrote the table last, and use another --out for each run",
            self.file.display(),
            listed.summary,
            outcomes(found.answered(), found.rows(), found.valid),
            outcomes(answered, rows, valid)
        )))
    }

    /// Returns the rows that the result leaves out because they have no answer, as the summary says.
    pub(super) fn left_out_rows(&self) -> Option<u64> {
        let listed = self.listed.as_ref()?;
        Some(listed.rows_in?.saturating_sub(listed.rows_out?))
    }

    /// The table's file, to be read.
    pub(crate) fn table(&self) -> LocalTable<'_> {
        LocalTable {
            file: &self.file,
            format: self.format,
            gzip: self.gzip,
        }
    }

    /// The file's name for people.
    pub(crate) fn name(&self) -> String {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        match &self.split {
            Some(split) => format!("{split}/{name}"),
            None => name.into_owned(),
        }
    }
}

fn outcomes(answered: u64, rows: u64, valid: u64) -> String {
    format!(
        "{} with an answer ({} valid) and {} failed",
        counted(answered, "row"),
        grouped(valid),
        grouped(rows.saturating_sub(answered))
    )
}
