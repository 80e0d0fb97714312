//! A plain model of the promises: what has to hold after a run, given what the run was and what the
//! simulator counted.

use crate::cap_model::CapDecisions;
use crate::random_run::RandomRun;
use crate::support::rows_of;
use quarry_bedrock_simulator::{Counters, RecordAsks};
use quarry_contract::settings::MAX_COST;
use quarry_cost::Usd;
use quarry_edge::jobs::{Job, JobStatus};
use quarry_slicing::sampled_rows;
use quarry_state_machine::{ExecutionOutcome, Status};
use quarry_table::{Format, RowDecoder};
use serde_json::Value;

/// The events that the history of an execution may have.
const MOST_EVENTS: u64 = 25_000;

/// What may be paid for without being kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Groups of records that were asked on demand, and whose answers were not stored.
    pub(crate) groups: u64,
    /// Single answers that did not arrive.
    pub(crate) answers: u64,
}

/// A run that ended, as the simulator and the state machine know it.
#[derive(Debug)]
pub(crate) struct EndedRun {
    /// What was asked for rows.
    pub(crate) records: Vec<RecordAsks>,
    /// What the question that tells whether the service is up has cost.
    pub(crate) probe_answers: u64,
    pub(crate) counters: Counters,
    pub(crate) jobs: Vec<Job>,
    pub(crate) losses: Losses,
    pub(crate) redrives: u64,
    /// What the service charges for all of it.
    pub(crate) bill: Usd,
    /// What the first rounds were expected to cost, if the run was planned.
    pub(crate) expected_cost: Usd,
    pub(crate) outcome: ExecutionOutcome,
}

/// What a run that succeeded has written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) result: String,
    pub(crate) summary: Value,
}

/// What a row of the result says.
#[derive(Debug, Default, PartialEq, Eq)]
struct RowCounts {
    successes: u64,
    errors: u64,
    passed: u64,
    stopped_by_cap: u64,
}

/// Returns a broken promise as an error.
macro_rules! promise {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err(format!($($text)+));
        }
    };
}

impl RandomRun {
    /// Returns the rows that the result has, in order: of all files, or of a sample of them.
    pub(crate) fn rows(&self) -> Vec<String> {
        let files = self.files.iter();
        let rows: Vec<String> = files
            .flat_map(|text| rows_of(Format::Csv, text.as_bytes()))
            .collect();
        let Some(sample) = self.sample else {
            return rows;
        };
        let chosen = sampled_rows(rows.len() as u64, sample.rows, sample.seed);
        let index = |row: &u64| usize::try_from(*row).unwrap();
        chosen.iter().map(|row| rows[index(row)].clone()).collect()
    }

    pub(crate) fn cap(&self) -> Option<Usd> {
        let (_, cap) = self.settings.iter().find(|(name, _)| *name == MAX_COST)?;
        cap.parse().ok()
    }

    fn retries(&self) -> u64 {
        self.setting("BEDROCK_MAX_RETRIES").unwrap_or(3)
    }

    /// Whether the faults can make the service refuse every record of a round, or work on none.
    fn may_fail(&self) -> bool {
        self.has_fault("records", "error_line") || self.has_fault("jobs", "end")
    }

    /// Whether the tokens in some answers, as they arrive, are not those that the simulator counts.
    fn has_other_tokens(&self) -> bool {
        let kinds = ["missing", "malformed_line", "broken_off"];
        kinds.iter().any(|kind| self.has_fault("records", kind))
    }
}

impl EndedRun {
    /// What holds at every end, also of a run that failed.
    pub(crate) fn check_end(&self, run: &RandomRun) -> Result<(), String> {
        self.check_payments(run)?;
        let job = self.jobs.iter().find(|job| !is_over(job.status));
        promise!(job.is_none(), "{job:?} is live after the end");
        let outcome = &self.outcome;
        let events = outcome.history_events.max(outcome.max_child_history_events);
        promise!(events < MOST_EVENTS, "a history has {events} events");
        match &outcome.status {
            Status::Succeeded(_) => Ok(()),
            Status::Failed { error, cause } => {
                if self.is_refused_by_cap(run) {
                    promise!(
                        self.records.is_empty() && self.jobs.is_empty(),
                        "records were sent, and then the run was refused: {cause}"
                    );
                    return Ok(());
                }
                let child = outcome.first_child_failure.as_ref();
                let (error, cause) = child.map_or((error, cause), |it| (&it.error, &it.cause));
                promise!(
                    error == "Quarry.Refused" && !cause.is_empty(),
                    "the run ended with {error}: {cause}"
                );
                let has_good = self.records.iter().any(|record| record.good > 0);
                promise!(
                    child.is_some() && run.may_fail() || !has_good,
                    "no fault explains: {cause}"
                );
                Ok(())
            }
            other => Err(format!("the run ended as {other:?}")),
        }
    }

    /// Whether planning refused the run because of its cost.
    pub(crate) fn is_refused_by_cap(&self, run: &RandomRun) -> bool {
        let refused = format!("more than {MAX_COST}");
        let by_cap =
            |error: &str, cause: &str| error == "Quarry.BadRequest" && cause.contains(&refused);
        run.has_cap()
            && matches!(&self.outcome.status, Status::Failed { error, cause } if by_cap(error, cause))
    }

    /// No good answer is paid for twice, and no record more often than its attempts.
    ///
    /// Errors cost nothing. A round is no attempt when its job was broken off, or when the service
    /// did not work, and then it has no answers.
    fn check_payments(&self, run: &RandomRun) -> Result<(), String> {
        let Losses { groups, answers } = self.losses;
        let broken_off = |job: &&Job| matches!(job.status, JobStatus::Failed | JobStatus::Stopped);
        let broken_off = self.jobs.iter().filter(broken_off).count() as u64;
        // A record whose reply breaks off is sent once more.
        let sends = 1 + u64::from(run.has_fault("records", "broken_off"));
        let most = sends * (1 + run.retries() + broken_off) + groups + answers;
        for record in &self.records {
            promise!(
                record.good <= 1 + groups + answers,
                "{record:?} has more than one good answer, with {:?}",
                self.losses
            );
            promise!(
                record.answers <= most,
                "{record:?} was answered more than {most} times, with {:?}",
                self.losses
            );
        }
        let twice: u64 = self
            .records
            .iter()
            .map(|record| record.good.saturating_sub(1))
            .sum();
        let group = run.setting("BEDROCK_BATCH_SIZE").unwrap_or(50);
        let most = groups * group + answers;
        promise!(
            twice <= most,
            "{twice} good answers were paid for twice, with {:?} of {group} records",
            self.losses
        );
        Ok(())
    }

    /// What holds when the run has succeeded.
    pub(crate) fn check_result(&self, run: &RandomRun, written: &Written) -> Result<(), String> {
        let rows = row_counts(&run.rows(), &written.result)?;
        self.check_answers(&rows)?;
        self.check_summary(run, &rows, &written.summary)?;
        self.check_cap(run, &rows, &written.summary)
    }

    /// Rows that are not sent again because of the cap say so. The bill is within the cap, except as far
    /// as the first rounds cost more than they were expected to, and answers more than those before them.
    fn check_cap(&self, run: &RandomRun, rows: &RowCounts, summary: &Value) -> Result<(), String> {
        let stopped = summary.pointer("/rows/stopped_by_max_cost");
        let stopped = stopped.and_then(Value::as_u64).unwrap_or(0);
        promise!(
            stopped == rows.stopped_by_cap,
            "{} rows say that the cap stopped them, and the summary {stopped}",
            rows.stopped_by_cap
        );
        let Some(cap) = run.cap() else {
            promise!(stopped == 0, "{stopped} rows were stopped without a cap");
            return Ok(());
        };
        if self.losses != Losses::default() || self.probe_answers > 0 || run.has_other_tokens() {
            return Ok(());
        }
        let first = summary.pointer("/cost/by_round/0/total");
        let first = first.and_then(|cost| serde_json::from_value::<Usd>(cost.clone()).ok());
        let first = first.unwrap_or_default().parts();
        let more = first.saturating_sub(self.expected_cost.parts());
        let later = self.bill.parts().saturating_sub(first);
        // A round is reckoned at what the slice's records have cost on average. If those that are sent again get
        // two lines each, they cost up to twice as much.
        let is_answered_twice = run.has_fault("records", "conflicting_duplicate");
        let most = cap.parts() + more + later / if is_answered_twice { 2 } else { 4 };
        promise!(
            self.bill.parts() <= most,
            "the bill is {}, with a cap of {cap} and {} expected",
            self.bill,
            self.expected_cost
        );
        Ok(())
    }

    /// The bill is what the rounds of all slices have cost. The cost of each round is rounded down twice.
    pub(crate) fn check_spent(
        &self,
        run: &RandomRun,
        decisions: &CapDecisions,
    ) -> Result<(), String> {
        let Some(spent) = decisions.spent else {
            return Ok(());
        };
        if self.losses != Losses::default() || self.probe_answers > 0 || run.has_other_tokens() {
            return Ok(());
        }
        let difference = self.bill.parts().abs_diff(spent.parts());
        promise!(
            difference <= u128::from(2 * decisions.rounds),
            "the bill is {}, and the rounds cost {spent}",
            self.bill
        );
        Ok(())
    }

    /// The rows have the answers that were paid for, and a run with rows has answers.
    fn check_answers(&self, rows: &RowCounts) -> Result<(), String> {
        let with = |is: fn(&RecordAsks) -> bool| {
            self.records.iter().filter(|record| is(record)).count() as u64
        };
        let (answered, good) = (with(|one| one.answers > 0), with(|one| one.good > 0));
        promise!(
            rows.successes + rows.errors == 0 || answered > 0,
            "the run succeeded without an answer"
        );
        promise!(
            rows.successes <= answered,
            "{} rows have answers, and {answered} records were answered",
            rows.successes
        );
        promise!(
            self.losses != Losses::default() || rows.passed >= good,
            "{good} records have good answers, and {} rows",
            rows.passed
        );
        Ok(())
    }

    /// The summary says what the rows say and what the simulator knows.
    fn check_summary(
        &self,
        run: &RandomRun,
        rows: &RowCounts,
        summary: &Value,
    ) -> Result<(), String> {
        let number = |pointer: &str| summary.pointer(pointer).and_then(Value::as_u64);
        let count = |name: &str| number(&format!("/answers/{name}")).unwrap_or(0);
        for (pointer, expected) in [
            ("/total_records", rows.successes + rows.errors),
            ("/rows/out", rows.successes + rows.errors),
            ("/successful_records", rows.successes),
            ("/failed_records", rows.errors),
            ("/validation_passed_records", rows.passed),
        ] {
            promise!(
                number(pointer) == Some(expected),
                "{pointer} is not {expected} in {summary}"
            );
        }
        let jobs = number("/batch_job_info/total_jobs").unwrap_or(0);
        let made = self.counters.jobs_created;
        promise!(jobs == made, "{made} jobs, and in the summary {jobs}");
        let paid: u64 = self.records.iter().map(|record| record.answers).sum();
        let answered = count("answered");
        promise!(
            answered <= paid,
            "{answered} answers in the summary, and {paid} were given"
        );
        if self.losses != Losses::default() {
            return Ok(());
        }
        let unread = [
            "missing",
            "malformed",
            "unknown_ids",
            "contradicted",
            "lost_replies",
        ];
        let unread: u64 = unread.iter().map(|name| count(name)).sum();
        promise!(
            paid <= answered + unread,
            "{paid} answers were given, and the summary knows {answered} and {unread} unread"
        );
        if self.probe_answers == 0 && !run.has_other_tokens() {
            for (pointer, expected) in [
                ("/tokens/input", self.counters.input_tokens),
                ("/tokens/output", self.counters.output_tokens),
            ] {
                promise!(
                    number(pointer) == Some(expected),
                    "{pointer} is not {expected} in {summary}"
                );
            }
        }
        Ok(())
    }
}

fn is_over(status: JobStatus) -> bool {
    status.is_terminal() || status == JobStatus::Stopping
}

/// Every row is there once, in order, with its bytes, and with one answer or one error.
fn row_counts(before: &[String], result: &str) -> Result<RowCounts, String> {
    let columns = [
        "llm_status",
        "llm_validation_passed",
        "llm_error",
        "llm_kind",
    ]
    .map(str::to_owned);
    let mut decoder = RowDecoder::start(Format::Csv, "the result");
    decoder.project(&columns);
    decoder.push(result.as_bytes());
    decoder.end();
    let mut before = before.iter();
    let mut counts = RowCounts::default();
    while let Some(row) = decoder.next_row().map_err(|error| error.to_string())? {
        let after = std::str::from_utf8(row.raw()).map_err(|error| error.to_string())?;
        let before = before.next().map_or("", String::as_str);
        let rest = after.strip_prefix(before).unwrap_or_default();
        promise!(
            !before.is_empty() && rest.starts_with(','),
            "the row {before} became {after}"
        );
        let cell = |index| row.cell(index).text().unwrap_or_default();
        let passed = cell(1).eq_ignore_ascii_case("true");
        let is_stopped = after.contains("not sent again because of BEDROCK_MAX_COST");
        counts.stopped_by_cap += u64::from(is_stopped);
        match cell(0) {
            "success" => {
                promise!(!passed || !cell(3).is_empty(), "no value in {after}");
                counts.successes += 1;
                counts.passed += u64::from(passed);
            }
            "error" => {
                promise!(!cell(2).is_empty() && !passed, "no reason in {after}");
                promise!(cell(3).is_empty(), "an error and a value in {after}");
                counts.errors += 1;
            }
            other => return Err(format!("the status `{other}` in {after}")),
        }
    }
    let lost = before.count();
    promise!(lost == 0, "the last {lost} rows are not in the result");
    Ok(counts)
}
