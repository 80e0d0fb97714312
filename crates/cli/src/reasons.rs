//! The reasons why rows of a result have no usable answer, in groups.

use crate::local_table::LocalTable;
use quarry_contract::settings::CsvQuoting;
use quarry_result::profile::generalised;
use quarry_result::summary::Summary;
use quarry_rows::TableFormat;
use quarry_table::{Cell, Cells};
use serde::Serialize;
use std::cmp::Reverse;
use std::path::{Path, PathBuf};

/// The most rows that are examined for their reasons, and the most reasons that are distinguished.
const MOST_ROWS: u64 = 10_000;
const MOST_REASONS: usize = 100;

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Reason {
    /// The text in the rows, with `…` for numbers that differ from row to row.
    #[serde(rename = "reason")]
    pub(crate) text: String,
    /// Whether a model answered; if so, the answer does not keep to the schema.
    pub(crate) answered: bool,
    /// The number of rows.
    pub(crate) rows: u64,
    /// The first of the rows in its file, counted from 1; of rows that are left out, in the input.
    pub(crate) first_row: u64,
    /// The result file of the first row's table.
    pub(crate) file: PathBuf,
    /// Whether the result leaves these rows out.
    pub(crate) left_out: bool,
}

/// Returns why the rows that the result leaves out have no answer, from the summary's profile. `files` are those of the
/// result.
pub(crate) fn of_left_out(summary: &Summary, files: &[PathBuf]) -> Vec<Reason> {
    let failures = summary.profile.iter().flat_map(|profile| &profile.failures);
    let failures = failures.filter(|one| !one.answered);
    failures
        .map(|one| Reason {
            text: one
                .reason
                .clone()
                .unwrap_or_else(|| "many reasons".to_owned()),
            answered: false,
            rows: one.rows,
            first_row: one.example_row + 1,
            file: file_of(summary, one.split.as_deref(), files),
            left_out: true,
        })
        .collect()
}

/// Returns the result file of a split.
fn file_of(summary: &Summary, split: Option<&str>, files: &[PathBuf]) -> PathBuf {
    let mut tables = summary.tables.iter();
    let table = tables.find(|table| table.split.as_deref() == split);
    let name = table.and_then(|table| Path::new(&table.result).file_name());
    let mut files = files.iter();
    let file = files.find(|file| name.is_some() && file.file_name() == name);
    file.cloned().unwrap_or_default()
}

/// Returns the reasons in result tables, the most frequent first. The tables' columns begin with
/// `prefix`, and their cells have this quoting. `expected` rows have a reason; reading stops when
/// that many have been found, or when the most rows have been examined. Without a schema, no answer
/// is invalid. A table that cannot be read gives no reasons, because the result matters more.
pub(crate) fn of_results(
    files: &[PathBuf],
    prefix: &str,
    quoting: CsvQuoting,
    expected: u64,
    has_schema: bool,
) -> Vec<Reason> {
    let mut found = Found {
        expected,
        has_schema,
        ..Found::default()
    };
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let Some((format, gzip)) = TableFormat::from_file_name(&name) else {
            continue;
        };
        let columns = ["status", "validation_passed", "error", "validation_error"]
            .map(|column| format!("{prefix}{column}"));
        // Reasons that were found before a table could no longer be read count.
        let table = LocalTable {
            file,
            format: format.quoted(quoting),
            gzip,
        };
        let _ = table.each_row(&columns, |number, row| found.take(row, number, file));
    }
    found.into_reasons()
}

#[derive(Default)]
struct Found {
    expected: u64,
    has_schema: bool,
    rows: u64,
    reasons: Vec<Reason>,
}

impl Found {
    /// Takes a row. Returns `false` when no more rows are needed.
    fn take(&mut self, row: &dyn Cells, number: u64, file: &Path) -> bool {
        let text = |cell: Cell<'_>| cell.text().filter(|text| !text.is_empty()).map(generalised);
        let answered = row.cell(0).text() == Some("success");
        let passed = row.cell(1).text().unwrap_or_default();
        if answered && (!self.has_schema || passed.eq_ignore_ascii_case("true")) {
            return true;
        }
        let (error, violation) = (text(row.cell(2)), text(row.cell(3)));
        let reason = if answered {
            violation.or(error)
        } else {
            error.or(violation)
        };
        let reason = reason.unwrap_or_else(|| "no reason is given".to_owned());
        self.rows += 1;
        let is_same = |known: &Reason| known.text == reason && known.answered == answered;
        if let Some(known) = self.reasons.iter_mut().find(|known| is_same(known)) {
            known.rows += 1;
        } else if self.reasons.len() < MOST_REASONS {
            self.reasons.push(Reason {
                text: reason,
                answered,
                rows: 1,
                first_row: number,
                file: file.to_owned(),
                left_out: false,
            });
        }
        self.rows < self.expected.min(MOST_ROWS)
    }

    fn into_reasons(mut self) -> Vec<Reason> {
        self.reasons.sort_by_key(|reason| Reverse(reason.rows));
        self.reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_the_same_reason_are_one_group_whatever_their_ids_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.csv");
        let table = "text,x_status,x_validation_passed,x_error,x_validation_error\n\
            a,success,True,,\n\
            b,error,False,two different answers came back for record_23; neither is used,\n\
            c,error,False,two different answers came back for record_7; neither is used,\n\
            d,success,False,,/score: 7 is greater than the maximum of 1\n\
            e,error,False,400: ValidationException: no,\n";
        std::fs::write(&file, table).unwrap();
        let found = of_results(
            std::slice::from_ref(&file),
            "x_",
            CsvQuoting::Standard,
            4,
            true,
        );
        let shown: Vec<(&str, bool, u64, u64)> = found
            .iter()
            .map(|one| (one.text.as_str(), one.answered, one.rows, one.first_row))
            .collect();
        assert_eq!(
            shown,
            [
                (
                    "two different answers came back for …; neither is used",
                    false,
                    2,
                    2
                ),
                ("/score: 7 is greater than the maximum of 1", true, 1, 4),
                ("400: ValidationException: no", false, 1, 5),
            ]
        );
    }

    #[test]
    fn a_table_that_cannot_be_read_has_no_reasons() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.parquet");
        std::fs::write(&file, "no Parquet").unwrap();
        let found = of_results(
            &[file, folder.path().join("nowhere.csv")],
            "x_",
            CsvQuoting::Standard,
            1,
            true,
        );
        assert!(found.is_empty());
    }
}
