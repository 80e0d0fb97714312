//! The round of a slice that is being merged: its documents, and its rows that still need an
//! answer.

use crate::deps::Deps;
use crate::found::Found;
use crate::rest::{Resting, SliceRest};
use quarry_asking::Asking;
use quarry_contract::VERSION;
use quarry_contract::layout::{RoundFolder, RunFolder, SliceFolder};
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::{Asked, JobEnd, Plan, RequestForms, Slice, Table, Todo};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::jobs::JobStatus;
use quarry_edge::store::ObjectStore;
use quarry_result::ledger::{Expected, Place};
use quarry_result::receipt::Round;
use std::sync::Arc;
use std::time::Duration;

/// What a next round sends.
pub(crate) struct AskedAgain {
    /// Row numbers in the table, ascending.
    pub(crate) rows: Vec<u64>,
    pub(crate) forms: Option<RequestForms>,
    /// Whether the service is known to accept records in this form.
    pub(crate) is_taken: bool,
}

/// How a round counts against the rows that are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// As an attempt.
    Attempt,
    /// Not at all: its job was broken off, or its records are sent in another form.
    None,
    /// Not at all: the service did not work.
    Outage,
}

/// The answers of a job, each of which is paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PaidAnswers {
    /// As the service counted them, at the end of the job or in its manifest.
    pub(crate) counted: u64,
    /// Those that came.
    pub(crate) came: u64,
}

impl PaidAnswers {
    /// Whether at least as many answers were lost as came. A round for which this does not hold receives most of
    /// its answers, so to repeat it costs less than it has cost.
    pub(crate) fn are_mostly_lost(self) -> bool {
        let lost = self.counted.saturating_sub(self.came);
        lost > 0 && lost >= self.came
    }
}

/// A round and everything that was stored for it before its answers are read.
pub(crate) struct SliceRound {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) plan: Plan,
    pub(crate) asking: Asking,
    pub(crate) slice: Slice,
    pub(crate) run: RunFolder,
    pub(crate) slice_folder: SliceFolder,
    pub(crate) folder: RoundFolder,
    pub(crate) number: u32,
    /// The number of earlier rounds that do not count as attempts, without those of an outage.
    pub(crate) uncounted_rounds: u32,
    /// The number of earlier rounds in which the service did not work. They do not count as
    /// attempts either.
    pub(crate) outage_rounds: u32,
    pub(crate) resting: Resting,
    pub(crate) asked: Asked,
    pub(crate) expected: Expected,
    pub(crate) job: Option<JobEnd>,
    /// The answers of the round's job.
    pub(crate) paid: PaidAnswers,
    /// Whether `invoke` left the round before all records were sent, since the service refused the
    /// first ones.
    pub(crate) was_left: bool,
    pub(crate) found: Found,
}

impl SliceRound {
    pub(crate) async fn load(deps: &Deps, state: &SliceState) -> Result<Self, StepError> {
        let store = Arc::clone(&deps.store);
        let run = RunFolder::at(state.run.clone());
        let slice_folder = run.slice(state.slice);
        let folder = slice_folder.round(state.round);
        let (plan_at, slice_at) = (run.plan(), slice_folder.spec());
        let (asked_at, job_at) = (folder.asked(), folder.job_end());
        let (found, plan, slice, todo) = tokio::try_join!(
            Found::of(&*store, &slice_folder, &folder),
            documents::read::<Plan>(&*store, &plan_at),
            documents::read::<Slice>(&*store, &slice_at),
            list(&*store, &folder, state.round),
        )?;
        // A late copy of an earlier step may still replace these, so they are read after what is found.
        let (asked, job) = tokio::try_join!(
            documents::read::<Asked>(&*store, &asked_at),
            documents::read_if_there(&*store, &job_at),
        )?;
        let asking =
            Asking::of_round(&plan, asked.forms.as_ref()).map_err(StepError::bad_request)?;
        let expected = match todo {
            None => sendable(&slice, &asked),
            Some(todo) => Expected::Some(todo.rows),
        };
        Ok(Self {
            store,
            plan,
            asking,
            slice,
            run,
            slice_folder,
            folder,
            number: state.round,
            uncounted_rounds: state.stopped_rounds,
            outage_rounds: state.outage_rounds,
            resting: Resting {
                rests: state.rests,
                since: state.resting_since.map(Duration::from_secs),
            },
            asked,
            expected,
            job,
            paid: PaidAnswers::default(),
            was_left: false,
            found,
        })
    }

    /// Stores the round's own record, in place of the one that this copy has found or written.
    ///
    /// # Errors
    ///
    /// `Quarry.Unavailable` if another copy has written another record since.
    pub(crate) async fn count(&mut self, record: &Round) -> Result<(), StepError> {
        let (at, found) = (self.folder.counts(), self.found.counts.as_deref());
        let etag = documents::write_in_place_of(&*self.store, &at, record, found).await?;
        self.found.counts = Some(etag);
        Ok(())
    }

    /// Returns the list of the next round, if the round is merged already and another one follows.
    pub(crate) async fn next_list(&self) -> Result<Option<Todo>, StepError> {
        let next = self.slice_folder.round(self.number + 1).todo();
        documents::read_if_there(&*self.store, &next).await
    }

    /// Whether the round's job failed or was stopped: by `settle` when another slice failed, or by a
    /// person. The model did not get all of its rows, so the round does not count as an attempt,
    /// unless most of the answers that were paid for are lost.
    pub(crate) fn was_broken_off(&self) -> bool {
        let ended = self.job.as_ref().map(|job| job.status);
        matches!(ended, Some(JobStatus::Failed | JobStatus::Stopped))
            && !self.paid.are_mostly_lost()
    }

    /// Returns how many answers the job had according to the service's counts at its end; 0 if there
    /// are none.
    pub(crate) fn answers_of_job(&self) -> u64 {
        let counts = self.job.as_ref().and_then(|job| job.counts);
        counts.map_or(0, |counts| counts.answers)
    }

    /// Returns the rows of a next round.
    ///
    /// Records that the service would refuse again are left out, unless a job refused them and
    /// there is a fallback model. Only calls on demand reach that model, so there must be fewer
    /// rows than a job needs.
    pub(crate) fn open_rows(&self, places: &[Place]) -> Vec<u64> {
        if self.job.is_some() && self.asking.fallback().is_some() {
            let all = self.rows_without_good_answer(places, true);
            if (all.len() as u64) < self.asking.settings().min_records_per_job {
                return all;
            }
        }
        self.rows_without_good_answer(places, false)
    }

    /// Returns the rows that lack a good answer. Those whose record the service would refuse again
    /// are included only if `with_refused` is set.
    pub(crate) fn rows_without_good_answer(
        &self,
        places: &[Place],
        with_refused: bool,
    ) -> Vec<u64> {
        places
            .iter()
            .enumerate()
            .filter(|(_, place)| !place.good && (with_refused || !place.refused))
            .filter_map(|(index, _)| self.expected.row(index))
            .collect()
    }

    /// Returns the rows of this round.
    pub(crate) fn asked_rows(&self) -> Vec<u64> {
        (0..self.expected.len())
            .filter_map(|index| self.expected.row(index))
            .collect()
    }

    /// Stores the rows of the next round for `split` and returns the state in which that round
    /// begins, after a rest if there is one.
    ///
    /// # Errors
    ///
    /// `Quarry.Unavailable` if another copy of this call has listed other rows.
    pub(crate) async fn begin_next(
        &self,
        state: SliceState,
        again: AskedAgain,
        weight: Weight,
        rest: Option<SliceRest>,
    ) -> Result<SliceState, StepError> {
        let at = self.slice_folder.round(state.round + 1).todo();
        let begins = SliceState {
            next: rest.map_or(Step::Split, |_| Step::Rest),
            round: state.round + 1,
            stopped_rounds: state.stopped_rounds + u32::from(weight == Weight::None),
            outage_rounds: state.outage_rounds + u32::from(weight == Weight::Outage),
            rests: rest.map_or(0, |_| state.rests + 1),
            resting_since: rest.map(|rest| rest.since.as_secs()),
            late_looks: 0,
            job: None,
            wait_seconds: rest.map(|rest| rest.length.as_secs().max(1)),
            records: 0,
            ..state
        };
        let todo = Todo {
            version: VERSION,
            rows: again.rows,
            forms: again.forms,
            is_taken: again.is_taken,
            begins,
        };
        documents::write_in_place_of(&*self.store, &at, &todo, None).await?;
        Ok(todo.begins)
    }

    pub(crate) fn table(&self) -> &Table {
        &self.plan.tables[self.slice.table]
    }
}

/// Returns the list of a later round. The first round has none.
async fn list(
    store: &dyn ObjectStore,
    round: &RoundFolder,
    number: u32,
) -> Result<Option<Todo>, StepError> {
    match number {
        0 => Ok(None),
        _ => documents::read(store, &round.todo()).await.map(Some),
    }
}

/// Returns the rows of a slice that made a record.
fn sendable(slice: &Slice, asked: &Asked) -> Expected {
    if asked.unsendable.is_empty() {
        return Expected::All(slice.first_row, slice.rows);
    }
    let mut left_out = asked
        .unsendable
        .iter()
        .map(|unsendable| unsendable.row)
        .peekable();
    Expected::Some(
        (slice.first_row..slice.first_row + slice.rows)
            .filter(|row| {
                while left_out.next_if(|out| out < row).is_some() {}
                left_out.peek() != Some(row)
            })
            .collect(),
    )
}
