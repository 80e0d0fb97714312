//! The slice's part of the result: each row with its result columns, and the receipt that counts
//! the rows.

use crate::cost_cap::CappedRows;
use crate::outcomes::{self, Outcomes};
use crate::part;
use crate::round::SliceRound;
use crate::spill::{SpillSpool, spooling};
use quarry_contract::VERSION;
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::Asked;
use quarry_edge::documents;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::store::StoreError;
use quarry_result::columns::ResultCells;
use quarry_result::ledger::Place;
use quarry_result::outcome::Outcome;
use quarry_result::profile::{ProfileTally, RowPlace};
use quarry_result::receipt::{FileOutcomes, Receipt, Round};
use quarry_result::spool::Spool;
use quarry_rows::{Need, Rows, RowsObject, WrittenRows};
use std::sync::Arc;

/// The history of a slice's rounds.
struct SliceHistory {
    /// What the first round sent, and which rows made no record.
    first: Asked,
    /// Every round, including the last one.
    rounds: Vec<Round>,
    outcomes: Outcomes,
}

/// Whether another copy of this call has written the part and the receipt after this round, and the
/// part is still there. `finish` reads the part with the receipt's `ETag`, which every write changes
/// under a KMS key.
pub(crate) async fn is_written(round: &SliceRound) -> Result<bool, StepError> {
    let receipt = round.slice_folder.receipt();
    let Some(receipt) = documents::read_if_there::<Receipt>(&*round.store, &receipt).await? else {
        return Ok(false);
    };
    let at = round.slice_folder.part();
    match round.store.head(&at).await {
        Ok(part) => Ok(part.etag == receipt.part_etag
            && receipt.rounds.len() as u64 == u64::from(round.number) + 1),
        Err(StoreError::NotFound(_)) => Ok(false),
        Err(error) => Err(error).doing(|| format!("reading {at}")),
    }
}

/// Requests the rows of the slice, without waiting for them.
pub(crate) fn request_rows(round: &SliceRound) -> Rows {
    let mut rows = Rows::of_slice(
        Arc::clone(&round.store),
        round.table(),
        &round.slice.segments,
        Need::Rows,
    );
    rows.request();
    rows
}

/// Writes the slice's `rows` with their result columns, and the receipt. `places` and `last` belong
/// to the last round. `stopped` has the rows that were not sent again because of their cost.
pub(crate) async fn write(
    round: &SliceRound,
    rows: Rows,
    places: &[Place],
    mut spool: SpillSpool,
    last: Round,
    stopped: Option<CappedRows>,
) -> Result<(), StepError> {
    let history = SliceHistory::read(round, places, &mut spool, last).await?;
    let RowsWritten {
        part,
        files,
        profile,
    } = write_rows(round, rows, &history, stopped.as_ref(), &mut spool).await?;
    let SliceHistory { first, rounds, .. } = history;
    let forms = round.asked.forms.as_ref();
    let receipt = Receipt {
        version: VERSION,
        slice: round.slice.slice,
        first_row: round.slice.first_row,
        rows: round.slice.rows,
        rows_written: part.rows,
        part_bytes: part.written.bytes,
        part_etag: part.written.etag,
        unfit: part.unfit,
        files,
        rounds,
        unsendable: first.unsendable.len() as u64,
        truncations: first.truncations,
        truncated_records: first.truncated_records,
        truncated_fields: first.truncated_fields,
        form_changes: forms.map(|forms| forms.because.clone()).unwrap_or_default(),
        stopped_by_max_cost: stopped.map_or(0, |stopped| stopped.rows.len() as u64),
        profile: Some(profile),
    };
    let (at, found) = (round.slice_folder.receipt(), round.found.receipt.as_deref());
    documents::write_in_place_of(&*round.store, &at, &receipt, found).await?;
    Ok(())
}

/// Returns the state of a slice that is done.
pub(crate) fn done(state: SliceState) -> SliceState {
    SliceState {
        next: Step::Done,
        late_looks: 0,
        job: None,
        wait_seconds: None,
        ..state
    }
}

/// What is known when all rows are written.
struct RowsWritten {
    part: WrittenRows,
    /// The outcomes by the table's files.
    files: Vec<FileOutcomes>,
    profile: ProfileTally,
}

/// Writes the part, and counts the outcomes.
async fn write_rows(
    round: &SliceRound,
    rows: Rows,
    history: &SliceHistory,
    stopped: Option<&CappedRows>,
    spool: &mut SpillSpool,
) -> Result<RowsWritten, StepError> {
    let mut part = part::open(round).await?;
    let appended = append_rows(round, rows, history, stopped, spool, &mut part).await;
    let (part, (files, profile)) = part.or_give_up(appended).await?;
    Ok(RowsWritten {
        part: part.finish().await?,
        files,
        profile,
    })
}

/// Appends the rows to the part. Returns their outcomes by the table's files, and their profile.
async fn append_rows(
    round: &SliceRound,
    mut rows: Rows,
    history: &SliceHistory,
    stopped: Option<&CappedRows>,
    spool: &mut SpillSpool,
    part: &mut RowsObject,
) -> Result<(Vec<FileOutcomes>, ProfileTally), StepError> {
    let keeps_failed_rows = !round.asking.settings().skip_error_records;
    let mut cells = ResultCells::default();
    let mut line = Vec::new();
    let mut index = 0;
    let mut files: Vec<FileOutcomes> = Vec::new();
    let mut profile = ProfileTally::new(round.asking.columns().properties());
    let has_schema = round.plan.schema.is_some();
    while let Some(mut step) = rows.advance().await? {
        let file = step.file;
        while let Some(row) = step.next_row()? {
            let number = round.slice.first_row + index as u64;
            let mut outcome = history.outcome(number, index, spool, &mut line)?;
            if let Some(stopped) = stopped
                && stopped.rows.binary_search(&number).is_ok()
            {
                outcome.error = Some(stopped.error(outcome.error.take()));
            }
            count(&mut files, file, &outcome, history.is_on_demand(index));
            let place = RowPlace {
                table: round.slice.table,
                row: number,
            };
            profile.add(place, &outcome, has_schema);
            if outcome.answered || keeps_failed_rows {
                part.row(&row, &cells.of(round.asking.columns(), &outcome))?;
            }
            index += 1;
        }
        part.flush_if_full().await?;
    }
    if index as u64 != round.slice.rows {
        return Err(StepError::inconsistent(format!(
            "slice {} was planned with {} rows and now has {index}",
            round.slice.slice, round.slice.rows
        )));
    }
    Ok((files, profile))
}

impl SliceHistory {
    async fn read(
        round: &SliceRound,
        places: &[Place],
        spool: &mut SpillSpool,
        last: Round,
    ) -> Result<Self, StepError> {
        let outcomes = outcomes::of_all_rounds(round, places, spool).await?;
        let mut rounds: Vec<Round> = Vec::new();
        for number in 0..round.number {
            let counts = round.slice_folder.round(number).counts();
            rounds.push(documents::read(&*round.store, &counts).await?);
        }
        rounds.push(last);
        let first = match round.number {
            0 => round.asked.clone(),
            _ => documents::read(&*round.store, &round.slice_folder.round(0).asked()).await?,
        };
        Ok(Self {
            first,
            rounds,
            outcomes,
        })
    }

    /// Returns the outcome of a row, the `index`th of the slice. `line` is a buffer for its text.
    fn outcome(
        &self,
        row: u64,
        index: usize,
        spool: &mut SpillSpool,
        line: &mut Vec<u8>,
    ) -> Result<Outcome, StepError> {
        match self.outcomes.places.get(index) {
            Some(place) if place.len > 0 => {
                spool.read(place.at, place.len, line).map_err(spooling)?;
                Outcome::read_line(line).map_err(StepError::bad_request)
            }
            _ => Ok(Outcome::failed(
                row,
                why_no_answer(row, &self.first, &self.rounds),
            )),
        }
    }

    /// Whether the row's outcome is from a round on demand.
    fn is_on_demand(&self, index: usize) -> bool {
        let round = self.outcomes.rounds.get(index);
        round
            .and_then(|round| self.rounds.get(*round as usize))
            .is_some_and(|round| round.on_demand > 0)
    }
}

/// Returns the error text of a row that got no answer in any round.
fn why_no_answer(row: u64, first: &Asked, rounds: &[Round]) -> String {
    // `split` lists the rows in order.
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

/// Counts a row's outcome for its file. Rows must come file by file.
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
