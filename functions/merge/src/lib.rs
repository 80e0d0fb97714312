//! `merge`: joins a round's answers to their rows. Rows without a good answer are listed for the
//! next round; when none is left, or no round, the slice's part of the result is written.
//!
//! Every end of a job is read the same way: whatever answers exist are used.

mod part;
mod reconcile;
mod refused;
mod spill;

use part::Part;
use refused::Next;
pub use spill::{MEMORY_BYTES, SpillSpool};

use quarry_asking::Asking;
use quarry_contract::VERSION;
use quarry_contract::layout::{RoundFolder, RunFolder, SliceFolder};
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::{Asked, JobEnd, Plan, Slice, Table, Todo};
use quarry_contract::record_id::RecordIds;
use quarry_edge::documents;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::jobs::JobStatus;
use quarry_edge::s3::lines::Lines;
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions};
use quarry_edge::store::{ObjectInfo, ObjectStore, StoreError};
use quarry_result::columns::ResultCells;
use quarry_result::ledger::{Expected, Ledger, Place};
use quarry_result::outcome::Outcome;
use quarry_result::receipt::{FileOutcomes, Receipt, Round};
use quarry_result::spool::Spool;
use quarry_rows::{Need, Rows};
use std::sync::Arc;

/// The most rounds of a slice that do not count as attempts: a slice whose jobs are stopped time and
/// again comes to an end too.
const MOST_UNCOUNTED_ROUNDS: u32 = 10;

/// What `merge` needs.
#[derive(Clone)]
pub struct Deps {
    /// Answers in, parts out.
    pub store: Arc<dyn ObjectStore>,
}

/// Joins the answers of the state's round.
pub async fn handle(deps: &Deps, state: SliceState) -> Result<SliceState, StepError> {
    let mut merge = Merge::load(deps, &state).await?;
    let mut spool = SpillSpool::new(MEMORY_BYTES);
    let (places, mut round) = merge.join(&mut spool).await?;
    documents::write(&*deps.store, &merge.round.counts(), &round).await?;

    let open = merge.open_rows(&places);
    tracing::info!(
        asked = round.counts.asked,
        good = round.counts.good,
        open = open.len(),
        "answers joined"
    );
    let mut is_taken = merge.asked.is_taken || round.counts.answered > 0;
    if let Some(refusal) = merge.whole_refusal(&round) {
        match merge.after_refusal(round.counts.asked, refusal).await? {
            Next::AskAgain(forms) => {
                round.counts.refusals.are_asked_again();
                documents::write(&*deps.store, &merge.round.counts(), &round).await?;
                let todo = Todo {
                    version: VERSION,
                    rows: merge.asked_rows(),
                    forms,
                    is_taken: false,
                };
                return merge.next_round(state, &todo, false).await;
            }
            Next::RecordsOwn => is_taken = true,
        }
    }
    if let Some(forms) = merge.forms_after_fallback(&round).await? {
        round.counts.refusals.are_asked_again();
        documents::write(&*deps.store, &merge.round.counts(), &round).await?;
        merge.keep_results(&places, &mut spool).await?;
        let todo = Todo {
            version: VERSION,
            rows: merge.rows_without_good_answer(&places, true),
            forms: Some(forms),
            is_taken,
        };
        return merge.next_round(state, &todo, false).await;
    }
    let counts_as_attempt = !merge.was_stopped() && !merge.was_left;
    let uncounted = state.stopped_rounds + u32::from(!counts_as_attempt);
    let max_retries = merge.asking.settings().max_retries;
    let last = max_retries.saturating_add(uncounted.min(MOST_UNCOUNTED_ROUNDS));
    if !open.is_empty() && state.round < last {
        merge.keep_results(&places, &mut spool).await?;
        let todo = Todo {
            version: VERSION,
            rows: open,
            forms: merge.asked.forms.clone(),
            is_taken,
        };
        return merge.next_round(state, &todo, counts_as_attempt).await;
    }
    merge.write_part(&places, spool, round).await?;
    Ok(SliceState {
        next: Step::Done,
        job: None,
        wait_seconds: None,
        ..state
    })
}

struct Merge {
    store: Arc<dyn ObjectStore>,
    plan: Plan,
    asking: Asking,
    slice: Slice,
    run: RunFolder,
    slice_folder: SliceFolder,
    round: RoundFolder,
    number: u32,
    /// The rounds before this one that do not count as attempts.
    uncounted_rounds: u32,
    asked: Asked,
    expected: Expected,
    job: Option<JobEnd>,
    /// Whether `invoke` left the round before all records were asked, since the service refused the
    /// first ones.
    was_left: bool,
}

/// Where each row of the slice has its outcome, and in which round it got it.
struct Outcomes {
    places: Vec<Place>,
    rounds: Vec<u32>,
}

impl Merge {
    async fn load(deps: &Deps, state: &SliceState) -> Result<Self, StepError> {
        let store = Arc::clone(&deps.store);
        let run = RunFolder::at(state.run.clone());
        let slice_folder = run.slice(state.slice);
        let round = slice_folder.round(state.round);
        let plan: Plan = documents::read(&*store, &run.plan()).await?;
        let slice: Slice = documents::read(&*store, &slice_folder.spec()).await?;
        let asked: Asked = documents::read(&*store, &round.asked()).await?;
        let asking =
            Asking::of_round(&plan, asked.forms.as_ref()).map_err(StepError::bad_request)?;
        let expected = if state.round == 0 {
            sendable(&slice, &asked)
        } else {
            let todo: Todo = documents::read(&*store, &round.todo()).await?;
            Expected::Some(todo.rows)
        };
        let job = documents::read_if_there(&*store, &round.job_end()).await?;
        Ok(Self {
            store,
            plan,
            asking,
            slice,
            run,
            slice_folder,
            round,
            number: state.round,
            uncounted_rounds: state.stopped_rounds,
            asked,
            expected,
            job,
            was_left: false,
        })
    }

    /// Whether somebody stopped the round's job: `settle` when another slice failed, or a person. Its
    /// rows were not all asked, so the round does not count as an attempt.
    fn was_stopped(&self) -> bool {
        let stopped = JobStatus::Stopped.as_str();
        self.job.as_ref().is_some_and(|job| job.status == stopped)
    }

    /// The rows that a next round would ask.
    ///
    /// A record that the service would refuse again is not among them, unless a job refused it and
    /// there is a fallback model. Only calls on demand reach that, so it has to be a round of calls: of
    /// fewer rows than a job takes.
    fn open_rows(&self, places: &[Place]) -> Vec<u64> {
        if self.job.is_some() && self.asking.fallback().is_some() {
            let all = self.rows_without_good_answer(places, true);
            if (all.len() as u64) < self.asking.settings().min_records_per_job {
                return all;
            }
        }
        self.rows_without_good_answer(places, false)
    }

    /// Rows that lack a good answer; those whose record the service would refuse again only if `with_refused` says so.
    fn rows_without_good_answer(&self, places: &[Place], with_refused: bool) -> Vec<u64> {
        places
            .iter()
            .enumerate()
            .filter(|(_, place)| !place.good && (with_refused || !place.refused))
            .filter_map(|(index, _)| self.expected.row(index))
            .collect()
    }

    /// The rows of this round.
    fn asked_rows(&self) -> Vec<u64> {
        (0..self.expected.len())
            .filter_map(|index| self.expected.row(index))
            .collect()
    }

    /// Leaves the rows of the next round for `split`.
    async fn next_round(
        &self,
        state: SliceState,
        todo: &Todo,
        counts_as_attempt: bool,
    ) -> Result<SliceState, StepError> {
        let next = self.slice_folder.round(state.round + 1);
        documents::write(&*self.store, &next.todo(), todo).await?;
        Ok(SliceState {
            next: Step::Split,
            round: state.round + 1,
            stopped_rounds: state.stopped_rounds + u32::from(!counts_as_attempt),
            job: None,
            wait_seconds: None,
            records: 0,
            ..state
        })
    }

    fn table(&self) -> &Table {
        &self.plan.tables[self.slice.table]
    }

    /// Reads every output line of the round.
    async fn join(&mut self, spool: &mut SpillSpool) -> Result<(Vec<Place>, Round), StepError> {
        let ids = RecordIds::new(self.table().split.as_deref());
        let reader = self.asking.reader();
        let fallback_reader = self.asking.fallback_reader();
        let mut ledger =
            Ledger::new(&ids, &self.expected, &reader).with_fallback(fallback_reader.as_ref());
        // A job writes below its id, the last part of its ARN.
        let (objects, mut on_demand) = if let Some(job) = &self.job {
            let id = job.arn.rsplit('/').next().unwrap_or(&job.arn);
            let folder = self.round.output().join(&format!("{id}/"));
            (self.list(&folder).await?, 0)
        } else {
            let given = self.list(&self.round.given_output()).await?;
            if given.is_empty() {
                let answers = self.list(&self.round.on_demand_output()).await?;
                (answers, self.asked.records)
            } else {
                (given, 0)
            }
        };
        let mut manifest = None;
        for object in objects {
            let name = object.location.file_name();
            if name == "manifest.json.out" {
                manifest = Some(object);
            } else if name.ends_with(".jsonl.out") {
                self.read_lines(&object, &mut ledger, spool).await?;
            }
        }
        let (places, mut counts) = ledger.finish();
        // Every record that is asked on demand leaves a line.
        self.was_left = on_demand > 0 && counts.missing > 0;
        if self.was_left {
            counts.asked -= counts.missing;
            counts.missing = 0;
            on_demand = counts.asked;
        }
        let differences = match manifest {
            Some(object) => {
                let body = self
                    .store
                    .get(&object.location, reconcile::MAX_MANIFEST_BYTES)
                    .await
                    .doing(|| format!("reading {}", object.location))?;
                reconcile::differences(&body, self.asked.records, &counts)
            }
            None => Vec::new(),
        };
        let round = Round {
            on_demand,
            job: self.job.clone(),
            counts,
            differences,
        };
        Ok((places, round))
    }

    async fn list(&self, folder: &S3Uri) -> Result<Vec<ObjectInfo>, StepError> {
        self.store
            .list(folder)
            .await
            .doing(|| format!("listing {folder}"))
    }

    async fn read_lines(
        &self,
        object: &ObjectInfo,
        ledger: &mut Ledger<'_>,
        spool: &mut SpillSpool,
    ) -> Result<(), StepError> {
        let doing = || format!("reading {}", object.location);
        let mut lines = Lines::open(
            Arc::clone(&self.store),
            object.location.clone(),
            0..object.size,
            object.etag.as_str(),
        );
        while let Some(line) = lines.next().await.doing(doing)? {
            ledger.line(&line, spool).map_err(spooling)?;
        }
        Ok(())
    }

    /// Keeps the round's outcomes for the last round's part.
    async fn keep_results(
        &self,
        places: &[Place],
        spool: &mut SpillSpool,
    ) -> Result<(), StepError> {
        let at = self.round.results();
        let doing = format!("writing {at}");
        let mut writer = ObjectWriter::new(Arc::clone(&self.store), at, WriteOptions::default());
        let mut line = Vec::new();
        for place in places.iter().filter(|place| place.len > 0) {
            spool
                .read(place.at, place.len, &mut line)
                .map_err(spooling)?;
            line.push(b'\n');
            writer.write(&line).await.doing(|| &doing)?;
        }
        writer.finish().await.doing(|| &doing)?;
        Ok(())
    }

    /// Every row's best outcome over all rounds.
    async fn all_outcomes(
        &self,
        last: &[Place],
        spool: &mut SpillSpool,
    ) -> Result<Outcomes, StepError> {
        let rows = usize::try_from(self.slice.rows).unwrap_or(usize::MAX);
        let mut all = Outcomes {
            places: vec![Place::default(); rows],
            rounds: vec![self.number; rows],
        };
        let mut answered = vec![false; rows];
        let index_of = |row: u64| {
            usize::try_from(row.checked_sub(self.slice.first_row)?)
                .ok()
                .filter(|i| *i < rows)
        };
        for number in 0..self.number {
            let at = self.slice_folder.round(number).results();
            let doing = || format!("reading {at}");
            let info = match self.store.head(&at).await {
                Ok(info) => info,
                // A round that the service refused as a whole has left no outcomes.
                Err(StoreError::NotFound(_)) => continue,
                Err(error) => return Err(error).doing(doing),
            };
            let mut lines =
                Lines::open(Arc::clone(&self.store), at.clone(), 0..info.size, info.etag);
            while let Some(line) = lines.next().await.doing(doing)? {
                let outcome: Outcome =
                    serde_json::from_slice(&line).map_err(StepError::bad_request)?;
                let Some(index) = index_of(outcome.row) else {
                    continue;
                };
                if outcome.answered || !answered[index] {
                    answered[index] = outcome.answered;
                    all.places[index] = Place {
                        at: spool.append(&line).map_err(spooling)?,
                        len: u32::try_from(line.len()).map_err(StepError::bad_request)?,
                        good: outcome.good,
                        refused: outcome.refused,
                    };
                    all.rounds[index] = number;
                }
            }
        }
        let mut line = Vec::new();
        for (asked, place) in last.iter().enumerate().filter(|(_, place)| place.len > 0) {
            let Some(index) = self.expected.row(asked).and_then(index_of) else {
                continue;
            };
            spool
                .read(place.at, place.len, &mut line)
                .map_err(spooling)?;
            let outcome: Outcome = serde_json::from_slice(&line).map_err(StepError::bad_request)?;
            if outcome.answered || !answered[index] {
                all.places[index] = *place;
                all.rounds[index] = self.number;
            }
        }
        Ok(all)
    }

    /// Writes the slice's rows with their result columns, and the receipt.
    async fn write_part(
        &self,
        places: &[Place],
        mut spool: SpillSpool,
        last: Round,
    ) -> Result<(), StepError> {
        let outcomes = self.all_outcomes(places, &mut spool).await?;
        let mut rounds: Vec<Round> = Vec::new();
        for number in 0..self.number {
            let counts = self.slice_folder.round(number).counts();
            rounds.push(documents::read(&*self.store, &counts).await?);
        }
        rounds.push(last);
        let first: Asked =
            documents::read(&*self.store, &self.slice_folder.round(0).asked()).await?;

        let settings = self.asking.settings();
        let mut part = Part::open(
            &self.store,
            &self.run,
            &self.plan,
            &self.asking,
            &self.slice,
        )
        .await?;
        let mut rows = Rows::of_slice(
            Arc::clone(&self.store),
            self.table(),
            &self.slice.segments,
            Need::Rows,
        )?;
        let mut cells = ResultCells::default();
        let mut line = Vec::new();
        let mut index = 0;
        let mut files: Vec<FileOutcomes> = Vec::new();
        while let Some(mut step) = rows.advance().await? {
            let file = step.file;
            while let Some(row) = step.next_row()? {
                let number = self.slice.first_row + index as u64;
                let outcome = match outcomes.places.get(index) {
                    Some(place) if place.len > 0 => {
                        spool
                            .read(place.at, place.len, &mut line)
                            .map_err(spooling)?;
                        serde_json::from_slice(&line).map_err(StepError::bad_request)?
                    }
                    _ => Outcome::failed(number, why_no_answer(number, &first, &rounds)),
                };
                let on_demand = outcomes
                    .rounds
                    .get(index)
                    .and_then(|round| rounds.get(*round as usize))
                    .is_some_and(|round| round.on_demand > 0);
                count(&mut files, file, &outcome, on_demand);
                if outcome.answered || !settings.skip_error_records {
                    part.row(&row, &cells.of(self.asking.columns(), &outcome))?;
                }
                index += 1;
            }
            part.flush_if_full().await?;
        }
        if index as u64 != self.slice.rows {
            return Err(StepError::inconsistent(format!(
                "slice {} was planned with {} rows and now has {index}",
                self.slice.slice, self.slice.rows
            )));
        }
        let part = part.finish().await?;
        let receipt = Receipt {
            version: VERSION,
            slice: self.slice.slice,
            first_row: self.slice.first_row,
            rows: self.slice.rows,
            rows_written: part.rows,
            part_bytes: part.written.bytes,
            part_etag: part.written.etag,
            unfit: part.unfit,
            files,
            rounds,
            unsendable: first.unsendable.len() as u64,
            truncations: first.truncations,
            truncated_records: first.truncated_records,
            truncated_fields: first.truncated_fields.clone(),
            form_changes: self
                .asked
                .forms
                .as_ref()
                .map(|forms| forms.because.clone())
                .unwrap_or_default(),
        };
        documents::write(&*self.store, &self.slice_folder.receipt(), &receipt).await
    }
}

/// The error text of a row for which nothing came back in any round.
fn why_no_answer(row: u64, first: &Asked, rounds: &[Round]) -> String {
    // `split` lists them in the order of the rows.
    if let Ok(place) = first
        .unsendable
        .binary_search_by_key(&row, |unsendable| unsendable.row)
    {
        return first.unsendable[place].reason.clone();
    }
    let times = match rounds.len() {
        1 => "1 round".to_owned(),
        more => format!("{more} rounds"),
    };
    match rounds.iter().rev().find_map(|round| round.job.as_ref()) {
        Some(job) if job.message.is_empty() => {
            format!(
                "no answer came back in {times}; job {} ended as {}",
                job.name, job.status
            )
        }
        Some(job) => format!(
            "no answer came back in {times}; job {} ended as {}: {}",
            job.name, job.status, job.message
        ),
        None => format!("no answer came back in {times}"),
    }
}

/// The rows of a slice that made a record.
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

fn count(files: &mut Vec<FileOutcomes>, file: usize, outcome: &Outcome, on_demand: bool) {
    if files.last().is_none_or(|last| last.file != file) {
        files.push(FileOutcomes {
            file,
            ..FileOutcomes::default()
        });
    }
    if let Some(counts) = files.last_mut() {
        counts.records += 1;
        counts.successful += u64::from(outcome.answered);
        counts.failed += u64::from(!outcome.answered);
        counts.validation_passed += u64::from(outcome.validation_passed);
        counts.repaired += u64::from(outcome.repaired);
        counts.on_demand += u64::from(on_demand && outcome.answered);
    }
}

fn spooling(source: std::io::Error) -> StepError {
    let doing = "keeping answers in the temporary folder; if it is full, give the function more ephemeral storage";
    StepError::new(StepErrorKind::Unavailable, doing).with_source(source)
}
