//! The progress of a run's rows while its functions work.
//!
//! The functions do not report it: everything that they read and write passes through the stack's
//! S3 server, and the simulator counts the records that it gets. So counting costs a step nothing,
//! and it works for steps that report nothing.

use quarry_contract::layout::{RoundObject, RunFolder};
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::{Plan, Slice};
use quarry_local_s3::{Direction, Traffic};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of rows at each stage. While a step works, its numbers are estimates from bytes;
/// after the step has ended, they are exact. No number ever decreases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkRows {
    /// The rows of all tables; 0 until the run is planned.
    pub total: u64,
    /// The bytes of the data that planning has read.
    pub bytes_scanned: u64,
    /// Rows that were written as records of the first round.
    pub written: u64,
    /// Rows whose record of the first round was sent to the model.
    pub asked: u64,
    /// Rows whose slice has read their answers.
    pub merged: u64,
    /// Rows of slices that are done.
    pub done: u64,
    /// The highest round that has begun; 0 is the first.
    pub round: u32,
}

/// Counts the rows of one run.
#[derive(Default)]
pub struct Work(Mutex<State>);

/// Returns how many records were sent to the model so far.
type Asks = Box<dyn Fn() -> u64 + Send + Sync>;

#[derive(Default)]
struct State {
    asks: Option<Asks>,
    data: Option<S3Uri>,
    run: Option<RunFolder>,
    total: u64,
    bytes_scanned: u64,
    slices: BTreeMap<u32, SliceWork>,
    round: u32,
    shown: WorkRows,
}

/// The bytes of one slice that passed in its first round.
#[derive(Debug, Default)]
struct SliceWork {
    rows: u64,
    record_bytes: u64,
    written: u64,
    answers_written: u64,
    answers_read: u64,
    step: Reached,
}

/// The last step that ended for a slice.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    #[default]
    Nothing,
    Written,
    Asked,
    Merged,
    Done,
}

impl Work {
    /// Returns the current numbers.
    pub fn rows(&self) -> WorkRows {
        let mut state = self.state();
        let mut rows = WorkRows {
            total: state.total,
            bytes_scanned: state.bytes_scanned,
            round: state.round,
            ..WorkRows::default()
        };
        let asks = state.asks.as_ref().map_or(0, |asks| asks());
        for slice in state.slices.values() {
            rows.written += slice.rows_written();
            rows.asked += slice.rows_asked();
            rows.merged += slice.rows_merged();
            rows.done += if slice.step == Reached::Done {
                slice.rows
            } else {
                0
            };
        }
        // Records that later rounds send again count too, but no row counts before its record is
        // written.
        rows.asked = rows.asked.max(asks.min(rows.written));
        let shown = &mut state.shown;
        shown.total = rows.total;
        shown.bytes_scanned = rows.bytes_scanned;
        shown.round = rows.round;
        shown.written = shown.written.max(rows.written);
        shown.asked = shown.asked.max(rows.asked);
        shown.merged = shown.merged.max(rows.merged);
        shown.done = shown.done.max(rows.done);
        *shown
    }

    /// Called when a run over this data begins.
    pub(crate) fn begin(&self, data: S3Uri) {
        let mut state = self.state();
        *state = State {
            asks: state.asks.take(),
            data: Some(data),
            ..State::default()
        };
    }

    pub(crate) fn count_asks_with(&self, asks: Asks) {
        self.state().asks = Some(asks);
    }

    pub(crate) fn is_watching(&self) -> bool {
        self.state().data.is_some()
    }

    pub(crate) fn planned(&self, run: RunFolder, plan: &Plan) {
        let mut state = self.state();
        state.total = plan.tables.iter().map(|table| table.rows).sum();
        state.run = Some(run);
    }

    /// Called before a slice writes its records.
    pub(crate) fn slice_begins(&self, slice: &Slice) {
        let mut state = self.state();
        let work = state.slices.entry(slice.slice).or_default();
        work.rows = slice.rows;
        work.record_bytes = slice.bytes;
    }

    /// Called when a function has advanced a slice to `state`.
    pub(crate) fn slice_advanced(&self, by: &str, state: &SliceState) {
        let reached = match (by, state.next) {
            (_, Step::Done) => Reached::Done,
            // The answers are joined again when the output is complete.
            (_, Step::Late) => return,
            ("merge", _) => Reached::Merged,
            (_, Step::Merge) => Reached::Asked,
            ("split", _) => Reached::Written,
            _ => return,
        };
        let mut counts = self.state();
        counts.round = counts.round.max(state.round);
        if let Some(work) = counts.slices.get_mut(&state.slice) {
            work.step = work.step.max(reached);
        }
    }

    /// Called when bytes pass through the stack's S3 server.
    pub(crate) fn traffic(&self, traffic: Traffic<'_>) {
        let mut state = self.state();
        let Some(data) = &state.data else { return };
        if traffic.bucket != data.bucket() {
            return;
        }
        let Some(run) = &state.run else {
            if traffic.direction == Direction::Read && traffic.key.starts_with(data.key()) {
                state.bytes_scanned += traffic.bytes;
            }
            return;
        };
        let Ok(object) = S3Uri::new(traffic.bucket, traffic.key) else {
            return;
        };
        let Some((round, kind)) = run.round_of(&object) else {
            return;
        };
        if round.number() > 0 {
            return;
        }
        let Some(work) = state.slices.get_mut(&round.slice()) else {
            return;
        };
        let count = match (traffic.direction, kind) {
            (Direction::Written, RoundObject::Input) => &mut work.written,
            (Direction::Written, kind) if kind.is_answers() => &mut work.answers_written,
            (Direction::Read, kind) if kind.is_answers() && work.step >= Reached::Asked => {
                &mut work.answers_read
            }
            _ => return,
        };
        *count += traffic.bytes;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SliceWork {
    fn rows_written(&self) -> u64 {
        if self.step >= Reached::Written {
            return self.rows;
        }
        share(self.rows, self.written, self.record_bytes)
    }

    /// While a step works, only the simulator knows the number.
    fn rows_asked(&self) -> u64 {
        if self.step >= Reached::Asked {
            self.rows
        } else {
            0
        }
    }

    fn rows_merged(&self) -> u64 {
        if self.step >= Reached::Merged {
            return self.rows;
        }
        share(self.rows, self.answers_read, self.answers_written)
    }
}

/// Returns the share `part / whole` of the rows, at most all of them.
fn share(rows: u64, part: u64, whole: u64) -> u64 {
    if whole == 0 {
        return 0;
    }
    let rows = u128::from(rows) * u128::from(part.min(whole)) / u128::from(whole);
    u64::try_from(rows).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_contract::plan::Mode;

    const BUCKET: &str = "bucket";

    fn at(key: &str) -> S3Uri {
        S3Uri::new(BUCKET, key).unwrap()
    }

    fn run() -> RunFolder {
        RunFolder::at(at("work/run"))
    }

    /// A run of one slice with 100 rows, whose records have 1,000 bytes.
    fn begun() -> Work {
        let work = Work::default();
        work.begin(at("data/"));
        {
            let mut state = work.state();
            state.total = 100;
            state.run = Some(run());
        }
        work.slice_begins(&Slice {
            version: 1,
            slice: 0,
            table: 0,
            first_row: 0,
            rows: 100,
            records: 100,
            bytes: 1_000,
            mode: Mode::Batch,
            segments: Vec::new(),
        });
        work
    }

    fn pass(work: &Work, object: &S3Uri, direction: Direction, bytes: u64) {
        work.traffic(Traffic {
            user: "user",
            bucket: object.bucket(),
            key: object.key(),
            direction,
            bytes,
        });
    }

    fn advance(work: &Work, by: &str, next: Step) {
        let mut state = SliceState::first(run().location().clone(), 0);
        state.next = next;
        work.slice_advanced(by, &state);
    }

    #[test]
    fn rows_move_within_each_step_of_a_slice_with_a_job() {
        let work = begun();
        let round = run().slice(0).round(0);
        pass(&work, &round.input(), Direction::Written, 250);
        assert_eq!(work.rows().written, 25);
        pass(&work, &round.input(), Direction::Written, 750);
        advance(&work, "split", Step::Submit);
        assert_eq!((work.rows().written, work.rows().asked), (100, 0));
        work.count_asks_with(Box::new(|| 40));
        assert_eq!(work.rows().asked, 40);
        let answers = round.output().join("job/records.jsonl.out");
        pass(&work, &answers, Direction::Written, 3_000);
        advance(&work, "check", Step::Merge);
        assert_eq!((work.rows().asked, work.rows().merged), (100, 0));
        pass(&work, &answers, Direction::Read, 1_000);
        assert_eq!((work.rows().merged, work.rows().done), (33, 0));
        advance(&work, "merge", Step::Done);
        assert_eq!((work.rows().merged, work.rows().done), (100, 100));
    }

    #[test]
    fn counts_never_go_back_and_never_pass_the_rows_that_there_are() {
        let work = begun();
        let input = run().slice(0).round(0).input();
        pass(&work, &input, Direction::Written, 5_000);
        work.count_asks_with(Box::new(|| 250));
        assert_eq!((work.rows().written, work.rows().asked), (100, 100));
        // A repeated step begins with what the first attempt left.
        work.state().slices.clear();
        assert_eq!(work.rows().written, 100);
    }

    #[test]
    fn what_planning_reads_is_counted_until_the_run_is_planned() {
        let work = Work::default();
        pass(&work, &at("data/a.csv"), Direction::Read, 5);
        assert_eq!(work.rows(), WorkRows::default());
        work.begin(at("data/"));
        pass(&work, &at("data/a.csv"), Direction::Read, 7);
        pass(&work, &at("pipeline/prompts.json"), Direction::Read, 100);
        assert_eq!(work.rows().bytes_scanned, 7);
    }
}
