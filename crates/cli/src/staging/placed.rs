//! Data that stays where it is in S3, and what follows for all of its rows from beginnings of its files.

use crate::failure::Failure;
use quarry_asking::Asking;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::{Mode, Plan, Slice, Table};
use quarry_contract::request::{DataContent, SampleRequest};
use quarry_contract::settings::Settings;
use quarry_cost::estimate::{Estimated, RecordSums, RunEstimate};
use quarry_runs::{counted, grouped, size};
use std::collections::BTreeMap;

/// What the tokens of rows that were not read may differ by from those that were, per cent.
const MARGIN: u64 = 10;

/// Settings that decide between jobs and calls by numbers of rows, which beginnings do not have.
const OF_NUMBERS: [&str; 2] = ["BEDROCK_BATCH_THRESHOLD", "BEDROCK_MIN_RECORDS_PER_JOB"];

/// The data of a job that is in S3.
#[derive(Debug, Clone)]
pub(crate) struct PlacedData {
    pub(super) at: S3Uri,
    /// Whether the place is an object, not a folder.
    pub(super) is_object: bool,
    /// The version that the run has to read.
    pub(super) content: Option<DataContent>,
    /// What was read of it; `None` if all was.
    pub(super) beginnings: Option<Beginnings>,
}

/// The beginnings of some files of large data.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beginnings {
    pub(super) tables: Vec<TableShare>,
    /// The number of files.
    pub(super) files: u64,
    /// The number of files that were read.
    pub(super) files_read: u64,
}

/// How much of a table was read.
#[derive(Debug, Clone)]
pub(crate) struct TableShare {
    pub(super) split: Option<String>,
    /// The stored bytes of its files.
    pub(super) bytes: u64,
    /// The stored bytes for which the rows stand that were read.
    pub(super) read: u64,
    /// All of its rows, if their number is known.
    pub(super) rows: Option<u64>,
}

/// A plan of all rows, as it is expected.
pub(crate) struct ExpectedPlan {
    pub(crate) plan: Plan,
    pub(crate) slices: Vec<Slice>,
}

impl Beginnings {
    /// Returns the settings with which beginnings are planned, so that their notes are those of all rows.
    pub(super) fn settings(settings: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut settings = settings.clone();
        settings.extend(OF_NUMBERS.map(|name| (name.to_owned(), "1".to_owned())));
        settings
    }

    /// Returns the plan that all rows are expected to have. `values` are the settings that the run will
    /// have.
    pub(crate) fn expected(
        &self,
        mut plan: Plan,
        read: &[Slice],
        values: &BTreeMap<String, String>,
        sample: Option<SampleRequest>,
    ) -> Result<ExpectedPlan, Failure> {
        for name in OF_NUMBERS {
            plan.settings.remove(name);
            let value = values
                .get(name)
                .map(|value| (name.to_owned(), value.clone()));
            plan.settings.extend(value);
        }
        let asking = Asking::of_plan(&plan).map_err(|error| Failure::input(error.to_string()))?;
        let mut slices = Vec::new();
        for (number, table) in plan.tables.iter_mut().enumerate() {
            let of_table: Vec<&Slice> = read.iter().filter(|slice| slice.table == number).collect();
            let seen = RowSums::of(&of_table);
            let rows = self.rows(table, seen.rows);
            let rows = sample.map_or(rows, |sample| rows.min(sample.rows));
            let expected = seen.scaled(rows);
            let mode = match sample {
                Some(_) => Mode::OnDemand,
                None => asking.mode(rows, expected.records),
            };
            if let Some(first) = of_table.first() {
                slices.extend(expected.slices(first, mode, asking.settings()));
            }
            table.rows = rows;
        }
        plan.estimate = plan.estimate.map(|estimate| of_all(&estimate, &slices));
        self.check(asking.settings(), &slices)?;
        plan.notes.push(self.note(sample));
        Ok(ExpectedPlan { plan, slices })
    }

    /// Returns the rows of a table of which so many were read.
    fn rows(&self, table: &Table, read: u64) -> u64 {
        let share = self.tables.iter().find(|share| share.split == table.split);
        match share {
            Some(TableShare {
                rows: Some(rows), ..
            }) => *rows,
            Some(share) => part(read, share.bytes, share.read),
            None => read,
        }
    }

    /// Refuses data that is clearly more than a run may have.
    fn check(&self, settings: &Settings, slices: &[Slice]) -> Result<(), Failure> {
        let stored: u64 = self.tables.iter().map(|share| share.bytes).sum();
        if stored > settings.max_data_bytes {
            return Err(Failure::input(format!(
                "the data has {stored} bytes, more than BEDROCK_MAX_DATA_BYTES, {}; split the data, or raise the limit in the \
                 deployment",
                settings.max_data_bytes
            )));
        }
        let rows: u64 = slices.iter().map(|slice| slice.rows).sum();
        let most = settings.most_rows();
        if rows > most.saturating_add(most / 100 * MARGIN) {
            return Err(Failure::input(format!(
                "the data has about {} rows, more than the {} that BEDROCK_MAX_ROWS allows; split the data, or raise the \
                 limit in the deployment",
                grouped(rows),
                grouped(most)
            )));
        }
        Ok(())
    }

    fn note(&self, sample: Option<SampleRequest>) -> String {
        let stored: u64 = self.tables.iter().map(|share| share.bytes).sum();
        let read: u64 = self.tables.iter().map(|share| share.read).sum();
        let what = if sample.is_some() {
            "the cost of the sample is"
        } else {
            "the rows, the jobs and the cost are"
        };
        format!(
            "{what} estimated from the beginnings of {} of {}, {} of {}; the deployment reads all rows before it asks a model",
            self.files_read,
            counted(self.files, "file"),
            size(read),
            size(stored)
        )
    }
}

/// Returns `number × part / whole`.
fn part(number: u64, part: u64, whole: u64) -> u64 {
    let part = u128::from(number) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// What all rows are expected to take, from those that were read.
fn of_all(read: &RunEstimate, slices: &[Slice]) -> RunEstimate {
    let sums = |mode| {
        let mut sums = RecordSums::default();
        for slice in slices.iter().filter(|slice| slice.mode == mode) {
            sums += slice.sums();
        }
        sums
    };
    let (in_jobs, on_demand) = (sums(Mode::Batch), sums(Mode::OnDemand));
    let mut all = in_jobs;
    all += on_demand;
    let tokens = |tokens| part(tokens, all.bytes, read.all().bytes);
    RunEstimate {
        in_jobs,
        on_demand,
        input: Estimated {
            low: tokens(read.input.low) / 100 * (100 - MARGIN),
            expected: tokens(read.input.expected),
            high: tokens(read.input.high) / 100 * (100 + MARGIN),
        },
        ..*read
    }
}

/// The sums of rows that were read, or are expected.
#[derive(Debug, Clone, Copy, Default)]
struct RowSums {
    rows: u64,
    records: u64,
    bytes: u64,
}

impl RowSums {
    fn of(slices: &[&Slice]) -> Self {
        let mut seen = Self::default();
        for slice in slices {
            seen.rows += slice.rows;
            seen.records += slice.records;
            seen.bytes += slice.bytes;
        }
        seen
    }

    fn scaled(self, rows: u64) -> Self {
        Self {
            rows,
            records: part(self.records, rows, self.rows),
            bytes: part(self.bytes, rows, self.rows),
        }
    }

    /// Returns slices of equal size, each like `first`.
    fn slices<'a>(
        self,
        first: &'a Slice,
        mode: Mode,
        settings: &Settings,
    ) -> impl Iterator<Item = Slice> + use<'a> {
        let by_records = self.records.div_ceil(settings.max_records_per_job.max(1));
        let by_bytes = self.bytes.div_ceil(settings.max_bytes_per_job.max(1));
        let number = by_records.max(by_bytes).max(1);
        let share = move |sum: u64, at: u64| part(sum, at + 1, number) - part(sum, at, number);
        (0..number).map(move |at| Slice {
            rows: share(self.rows, at),
            records: share(self.records, at),
            bytes: share(self.bytes, at),
            mode,
            ..first.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_of_expected_rows_hold_all_of_them() {
        let expected = RowSums {
            rows: 100,
            records: 90,
            bytes: 9_000,
        }
        .scaled(1_000_000);
        assert_eq!((expected.records, expected.bytes), (900_000, 90_000_000));
        let first: Slice = serde_json::from_value(serde_json::json!({
            "version": 1, "slice": 0, "table": 0, "first_row": 0, "rows": 100, "records": 90, "bytes": 9000, "mode": "on_demand",
            "segments": [],
        }))
        .unwrap();
        let values = BTreeMap::from([
            ("BEDROCK_PRIMARY_MODEL_ID", "m"),
            ("BEDROCK_MAX_RECORDS_PER_JOB", "40000"),
        ]);
        let values = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::read(&values.collect()).unwrap();
        let slices: Vec<Slice> = expected.slices(&first, Mode::Batch, &settings).collect();
        assert_eq!(slices.len(), 23);
        let sums = |of: fn(&Slice) -> u64| slices.iter().map(of).sum::<u64>();
        assert_eq!(
            (
                sums(|slice| slice.rows),
                sums(|slice| slice.records),
                sums(|slice| slice.bytes)
            ),
            (1_000_000, 900_000, 90_000_000)
        );
        assert!(
            slices
                .iter()
                .all(|slice| slice.records <= 40_000 && slice.mode == Mode::Batch)
        );
    }
}
