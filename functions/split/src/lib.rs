//! `split`: writes a round's records as JSON Lines, for a job or for calls on demand.
//!
//! Round 0 holds all rows of the slice, and each later round the rows that still lack a good
//! answer. A round with enough records becomes a job; a smaller rest is processed on demand.
//!
//! # What it promises
//!
//! | promise | kept in | test in `tests/it` |
//! |---|---|---|
//! | Round 0 has every row of the slice, and a later round the listed rows, each once and in order. | `write_records` | `records::the_first_round_sends_every_row_of_the_slice_once_and_in_order`, `records::a_later_round_sends_the_listed_rows_and_no_others` |
//! | Cells reach the prompt byte for byte; cells that are cut are counted. | `quarry_prompt` | `records::a_cell_reaches_the_prompt_byte_for_byte`, `records::truncated_cells_are_counted_by_cell_row_and_column` |
//! | A record that cannot be sent is left out and listed with the reason. | `write_records`, `quarry_asking::RecordLimits` | `unsendable` |
//! | `asked.json` has the count, the bytes and the `ETag` of the records, and is written after them. | `handle` | `records::the_counts_have_the_size_and_the_etag_of_the_records`, `repetitions::a_call_that_dies_at_any_write_is_made_good_by_the_next` |
//! | A round becomes a job if its slice is in batch mode and there are enough records for one. Otherwise its records are sent on demand. A round without records goes to `merge`. | `handle` | `routes` |
//! | A slice begins in the form that the run has learned. A later round is written in the form that its list names. | `handle` | `forms` |
//! | A repeated call leaves the same objects and no unfinished upload. | `ask` | `repetitions` |
//! | A second copy of a call leaves the records of the first, with their `ETag`, and returns its state. | `asked_before`, `ask` | `repetitions::a_second_copy_leaves_the_records_of_the_first`, `repetitions::two_copies_at_once_agree_on_the_records`, `forms::of_two_copies_that_begin_in_different_forms_the_records_of_the_first_stay` |
//! | The rows are those of the plan, or the step fails (`DataChanged`, `Inconsistent`) and leaves nothing behind. | `ask`, `write_records`, `quarry_rows` | `refusals` |
//! | Each error has a name that says whether the call is repeated, and its object. | everywhere | `refusals` |

use quarry_asking::Asking;
use quarry_contract::VERSION;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::{Asked, Mode, Plan, RequestForms, Slice, Todo, Unsendable};
use quarry_contract::record_id::RecordIds;
use quarry_edge::documents;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions};
use quarry_edge::store::{ObjectStore, StoreError};
use quarry_prompt::Truncation;
use quarry_rows::{Need, Rows};
use std::sync::Arc;

/// The number of bytes of records that are passed to the upload at once.
const PIECE_BYTES: usize = 1 << 20;

/// What `split` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds the data and receives the records.
    pub store: Arc<dyn ObjectStore>,
}

/// Writes the records of the state's round. Returns the state with the next step.
pub async fn handle(deps: &Deps, state: SliceState) -> Result<SliceState, StepError> {
    let run = RunFolder::at(state.run.clone());
    let folder = run.slice(state.slice);
    let round = folder.round(state.round);
    let (plan_at, slice_at) = (run.plan(), folder.spec());
    let (plan, slice, (todo, forms), asked) = tokio::try_join!(
        documents::read::<Plan>(&*deps.store, &plan_at),
        documents::read::<Slice>(&*deps.store, &slice_at),
        list_and_forms(deps, &run, &round, state.round),
        asked_before(deps, &round),
    )?;
    let asking = Asking::of_round(&plan, forms.as_ref()).map_err(StepError::bad_request)?;
    let asked = match asked {
        Some(asked) => asked,
        None => ask(deps, &plan, &slice, &asking, todo.as_ref(), forms, &round).await?,
    };
    let is_job =
        slice.mode == Mode::Batch && asked.records >= asking.settings().min_records_per_job;
    let next = match asked.records {
        0 => Step::Merge,
        _ if is_job => Step::Submit,
        _ => Step::Invoke,
    };
    tracing::info!(
        records = asked.records, bytes = asked.bytes, next = ?next, "records written"
    );
    Ok(SliceState {
        next,
        records: asked.records,
        job: None,
        wait_seconds: None,
        ..state
    })
}

/// Returns the list of a later round, and the form in which the round begins.
async fn list_and_forms(
    deps: &Deps,
    run: &RunFolder,
    round: &RoundFolder,
    number: u32,
) -> Result<(Option<Todo>, Option<RequestForms>), StepError> {
    if number == 0 {
        // If another slice has already learned which form the service accepts, this one begins with it.
        let learned = documents::read_if_there(&*deps.store, &run.forms()).await?;
        return Ok((None, learned));
    }
    let todo: Todo = documents::read(&*deps.store, &round.todo()).await?;
    let forms = todo.forms.clone();
    Ok((Some(todo), forms))
}

/// Returns what another copy of this call has written, if that is still there. The next steps have its
/// `ETag`, which every write changes under a KMS key.
async fn asked_before(deps: &Deps, round: &RoundFolder) -> Result<Option<Asked>, StepError> {
    let Some(asked) = documents::read_if_there::<Asked>(&*deps.store, &round.asked()).await? else {
        return Ok(None);
    };
    if asked.records == 0 {
        return Ok(Some(asked));
    }
    let at = round.input();
    match deps.store.head(&at).await {
        Ok(records) if records.etag == asked.etag => Ok(Some(asked)),
        Ok(_) | Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error).doing(|| format!("reading {at}")),
    }
}

/// Writes the round's records and their counts.
async fn ask(
    deps: &Deps,
    plan: &Plan,
    slice: &Slice,
    asking: &Asking,
    todo: Option<&Todo>,
    forms: Option<RequestForms>,
    round: &RoundFolder,
) -> Result<Asked, StepError> {
    let at = round.input();
    let doing = format!("writing {at}");
    let options = WriteOptions::default();
    let mut writer = ObjectWriter::keeping_first(Arc::clone(&deps.store), at.clone(), options);
    if todo.is_none() {
        writer = writer.expecting(slice.bytes);
    }
    let written = write_records(deps, plan, slice, asking, todo, &mut writer).await;
    let (mut writer, mut asked) = writer.or_give_up(written).await?;
    writer.send_rest().await.doing(|| &doing)?;
    // Another copy of this call may have been quicker, and may have begun with other forms.
    let before = asked_before(deps, round).await;
    let (writer, before) = writer.or_give_up(before).await?;
    if let Some(asked) = before {
        writer.abort().await.doing(|| &doing)?;
        return Ok(asked);
    }
    if asked.records == 0 {
        writer.abort().await.doing(|| &doing)?;
    } else {
        // The same while the records were being stored. Records without counts are those of a copy that died.
        let may_replace = async || matches!(asked_before(deps, round).await, Ok(None));
        let Some(written) = writer.finish_if(may_replace).await.doing(|| &doing)? else {
            let first = asked_before(deps, round).await?;
            return first.ok_or_else(|| StepError::new(StepErrorKind::Unavailable, doing));
        };
        asked.etag = written.etag;
    }
    asked.forms = forms;
    asked.is_taken = todo.is_some_and(|todo| todo.is_taken);
    let (store, at) = (&*deps.store, round.asked());
    if !documents::write_if_absent(store, &at, &asked).await? {
        let found = store.head(&at).await.doing(|| format!("reading {at}"))?;
        if let Some(first) = asked_before(deps, round).await? {
            return Ok(first);
        }
        // Counts of records that are not there any more.
        documents::write_in_place_of(store, &at, &asked, Some(&found.etag)).await?;
    }
    Ok(asked)
}

/// Writes the round's records. Returns their counts.
async fn write_records(
    deps: &Deps,
    plan: &Plan,
    slice: &Slice,
    asking: &Asking,
    todo: Option<&Todo>,
    writer: &mut ObjectWriter,
) -> Result<Asked, StepError> {
    let table = &plan.tables[slice.table];
    let ids = RecordIds::new(table.split.as_deref());
    let limits = asking.record_limits();
    let doing = format!("writing {}", writer.location());
    let need = Need::Cells {
        columns: asking.projection().to_vec(),
        whole_row: asking.shows_whole_row(&table.columns),
    };
    let mut rows = Rows::of_slice(Arc::clone(&deps.store), table, &slice.segments, need);
    let mut encoder = asking.encoder();
    let mut wanted = todo.map(|todo| todo.rows.iter().copied().peekable());
    let mut asked = Asked {
        version: VERSION,
        ..Asked::default()
    };
    let mut cut = Truncation::default();
    let mut buffer = Vec::new();
    let mut id = String::new();
    let mut number = slice.first_row;
    while let Some(mut step) = rows.advance().await? {
        while let Some(row) = step.next_row()? {
            let this = number;
            number += 1;
            if let Some(wanted) = &mut wanted
                && wanted.next_if_eq(&this).is_none()
            {
                continue;
            }
            id.clear();
            ids.write(this, &mut id);
            let start = buffer.len();
            let length = encoder.encode(&mut buffer, &id, &row, Some(&mut cut)) as u64;
            if let Err(reason) = limits.check(&buffer[start..]) {
                buffer.truncate(start);
                asked.unsendable.push(Unsendable {
                    row: this,
                    reason: reason.to_string(),
                });
            } else {
                asked.records += 1;
                asked.bytes += length;
            }
            if buffer.len() >= PIECE_BYTES {
                writer.write(&buffer).await.doing(|| &doing)?;
                buffer.clear();
            }
        }
    }
    writer.write(&buffer).await.doing(|| &doing)?;
    if number != slice.first_row + slice.rows {
        return Err(StepError::inconsistent(format!(
            "slice {} was planned with {} rows and now has {}",
            slice.slice,
            slice.rows,
            number - slice.first_row
        )));
    }
    if asking.settings().log_truncations && cut.total > 0 {
        tracing::warn!(cells = cut.total, fields = ?cut.fields, "cells were cut");
    }
    asked.truncations = cut.total;
    asked.truncated_records = cut.records;
    asked.truncated_fields = cut.fields.into_iter().collect();
    Ok(asked)
}
