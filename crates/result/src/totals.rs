//! Adds up the outcomes of a run's slices.

mod cost;
mod sample;
mod summing_up;

pub use summing_up::PromptParts;
pub(crate) use summing_up::rate;

use crate::ledger::Counts;
use crate::receipt::{FileOutcomes, Receipt};
use crate::summary::JobSummary;
use jiff::Timestamp;
use quarry_contract::plan::Plan;
use quarry_cost::CostTally;
use std::collections::{BTreeMap, BTreeSet};

/// Adds receipts up, slice by slice, so that a run of any number of slices fits in memory. Only one
/// line for each job grows with the run.
#[derive(Debug, Default)]
pub struct Totals {
    pub(crate) tables: Vec<TableTotals>,
    pub(crate) rounds: BTreeMap<usize, RoundTotals>,
    pub(crate) jobs: Vec<JobSummary>,
    pub(crate) differences: Vec<String>,
    pub(crate) truncations: u64,
    pub(crate) truncated_records: u64,
    pub(crate) truncated_fields: BTreeMap<String, u64>,
    pub(crate) unsendable: u64,
    pub(crate) stopped_by_max_cost: u64,
    pub(crate) unfit: BTreeMap<String, u64>,
    pub(crate) form_changes: BTreeSet<String>,
    pub(crate) cost: CostTally,
}

/// One table's outcomes.
#[derive(Debug, Default, Clone)]
pub struct TableTotals {
    pub(crate) files: BTreeMap<usize, FileOutcomes>,
    /// Rows of the slices seen.
    pub rows: u64,
    /// Rows in the parts seen.
    pub rows_written: u64,
    /// Bytes of the parts seen.
    pub part_bytes: u64,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct RoundTotals {
    pub(crate) jobs: u64,
    pub(crate) on_demand: u64,
    pub(crate) counts: Counts,
}

/// The numbers of a run, over all tables and rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Rows.
    pub rows: u64,
    /// Rows for which no model answered.
    pub failed: u64,
    /// Rows whose answer in the result was repaired.
    pub repaired: u64,
    /// Answers, of all rounds.
    pub answers: u64,
    /// Records for which no line came back, of all rounds.
    pub missing: u64,
    /// Tokens read by the model.
    pub input_tokens: u64,
    /// Tokens written by the model.
    pub output_tokens: u64,
}

/// Rows that do not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table}: slice {slice} holds rows {found}, expected rows from {expected}")]
pub struct Gap {
    /// The table's number.
    pub table: usize,
    /// The slice's number.
    pub slice: u32,
    /// Its first row.
    pub found: u64,
    /// The row that was expected.
    pub expected: u64,
}

impl Totals {
    /// Starts with the tables of a plan.
    pub fn new(plan: &Plan) -> Self {
        Self {
            tables: vec![TableTotals::default(); plan.tables.len()],
            ..Self::default()
        }
    }

    /// Adds the next slice of `table`; slices come in order, each where the last one ended.
    pub fn add(&mut self, table: usize, receipt: &Receipt) -> Result<(), Gap> {
        let totals = &mut self.tables[table];
        if receipt.first_row != totals.rows {
            return Err(Gap {
                table,
                slice: receipt.slice,
                found: receipt.first_row,
                expected: totals.rows,
            });
        }
        totals.rows += receipt.rows;
        totals.rows_written += receipt.rows_written;
        totals.part_bytes += receipt.part_bytes;
        for file in &receipt.files {
            let all = totals.files.entry(file.file).or_default();
            all.file = file.file;
            all.add(file);
        }
        for (number, round) in receipt.rounds.iter().enumerate() {
            let all = self.rounds.entry(number).or_default();
            all.jobs += u64::from(round.job.is_some());
            all.on_demand += round.on_demand;
            all.counts.add(&round.counts);
            cost::add(&mut self.cost, table, number, round);
            if let Some(job) = &round.job {
                self.jobs.push(JobSummary {
                    arn: job.arn.clone(),
                    name: job.name.clone(),
                    status: job.status.to_string(),
                    message: job.message.clone(),
                    slice: receipt.slice,
                    round: number,
                    seconds: job.seconds,
                    submitted: job.submitted.and_then(rfc3339),
                    ended: job.submitted.and_then(|at| rfc3339(at + job.seconds)),
                    records: round.counts.asked,
                    answers: round.counts.answered,
                    input_tokens: round.counts.input_tokens,
                    output_tokens: round.counts.output_tokens,
                });
            }
            self.differences.extend(
                round
                    .differences
                    .iter()
                    .map(|text| format!("slice {}, round {number}: {text}", receipt.slice)),
            );
        }
        self.truncations += receipt.truncations;
        self.truncated_records += receipt.truncated_records;
        for (field, cuts) in &receipt.truncated_fields {
            *self.truncated_fields.entry(field.clone()).or_default() += cuts;
        }
        self.unsendable += receipt.unsendable;
        self.stopped_by_max_cost += receipt.stopped_by_max_cost;
        self.form_changes
            .extend(receipt.form_changes.iter().cloned());
        for (column, rows) in &receipt.unfit {
            *self.unfit.entry(column.clone()).or_default() += rows;
        }
        Ok(())
    }

    /// One table's outcomes.
    pub fn table(&self, table: usize) -> &TableTotals {
        &self.tables[table]
    }

    /// The numbers of the slices seen.
    pub fn figures(&self) -> Figures {
        let counts = self.counts();
        Figures {
            rows: self.tables.iter().map(|table| table.rows).sum(),
            failed: self.files().map(|file| file.failed).sum(),
            repaired: self.files().map(|file| file.repaired).sum(),
            answers: counts.answered,
            missing: counts.missing,
            input_tokens: counts.input_tokens,
            output_tokens: counts.output_tokens,
        }
    }

    /// The counts of all rounds.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for round in self.rounds.values() {
            counts.add(&round.counts);
        }
        counts
    }

    /// The outcomes of all files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &FileOutcomes> {
        self.tables.iter().flat_map(|table| table.files.values())
    }
}

/// Returns seconds since 1970-01-01T00:00:00Z as RFC 3339.
fn rfc3339(seconds: u64) -> Option<String> {
    let time = Timestamp::from_second(i64::try_from(seconds).ok()?);
    time.ok().map(|time| time.to_string())
}
