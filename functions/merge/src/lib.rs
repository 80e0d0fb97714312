//! `merge`: joins a round's answers to their rows. Rows without a good answer are listed for the
//! next round; when no row or no round is left, `merge` writes the slice's part of the result.
//!
//! However a job ended, `merge` reads its output in the same way and uses all answers that exist.
//!
//! # What it promises
//!
//! | promise | kept in | test in `tests/it` |
//! |---|---|---|
//! | Every row of the slice is in its part once, in order, with its own cells byte for byte, whatever happened to its record. | `slice_result`, `part` | `parts::a_part_has_every_row_of_the_slice_once_and_in_order`, `parts::the_cells_of_the_input_come_back_byte_for_byte` |
//! | Lines are joined by record id alone. Each line counts as an answer, an error, a repetition, a contradiction, an unknown id, or as malformed. | `join`, `quarry_result::ledger` | `answers` |
//! | Two different answers of a job contradict each other, and the row is sent again. Of the answers of several calls, the first good one counts. Every answer's tokens are counted. | `join`, `quarry_result::ledger` | `answers::two_different_answers_to_one_record_are_not_used_and_the_row_is_sent_again`, `answers::the_first_good_answer_of_several_calls_counts_and_no_row_is_sent_again` |
//! | The answers of a job count, however the job ended. | `join` | `answers::the_answers_of_a_job_count_whatever_its_end_was` |
//! | Only the output of the round's own job is read. | `join` | `answers::only_the_output_of_the_rounds_own_job_is_read_and_all_of_it` |
//! | Rows without a good answer, and no others, are sent again, as often as the settings say. A round whose job failed or was stopped does not count as an attempt; this holds for ten rounds at most, and not if at least half of the answers that the service counted are missing. | `decision`, `round::SliceRound::open_rows`, `round::PaidAnswers` | `rounds`, `outages::a_job_whose_counted_answers_never_came_is_no_outage`, `outages::a_stopped_job_of_whose_answers_half_never_came_is_an_attempt` |
//! | A round in an outage does not count as an attempt. The slice rests and sends its records again; when the service has not worked for long enough, the run fails once, with the job's message. | `outage` | `outages` |
//! | No further round is sent that would pass the slice's share of `BEDROCK_MAX_COST`. Its rows say so, with their last error, and the receipt counts them. | `cost_cap` | `cost_cap` |
//! | A record that the service refuses for good is not sent again. A round that the service refuses as a whole fails the run once, with the service's message, or is sent in another form. A few records never end a run that has paid for others. | `refused` | `refused` |
//! | What one slice learns about the form of requests, no other slice that learns at the same time takes back. | `refused` | `refused::two_slices_that_learn_at_once_go_on_in_the_same_forms` |
//! | Of several answers, a row keeps the last. An error never replaces an answer. | `outcomes::of_all_rounds` | `rounds::a_row_keeps_the_last_of_several_answers_and_an_error_replaces_none` |
//! | A row without an answer says why, with the end of the job and the service's message. | `slice_result::why_no_answer` | `parts::a_row_without_an_answer_says_why_there_is_none`, `parts::a_row_that_could_not_be_sent_says_why_and_is_never_sent` |
//! | Output that is not all there yet is waited for before any record is sent again: fewer lines than the service counted, no manifest, an object that is being written. | `lateness`, `join` | `lateness` |
//! | The counts are compared with those of the service. | `reconcile` | `answers::the_counts_are_compared_with_those_of_the_service` |
//! | The receipt counts the outcomes of the slice. It is written after the part. The list of the next round is written after the outcomes. | `slice_result::write`, `outcomes::keep`, `SliceRound::begin_next` | `receipts`, `repetitions::a_call_that_dies_at_any_write_is_made_good_by_the_next` |
//! | The receipt has the profile of the slice's answers, in bounded memory. | `slice_result::write_rows`, `quarry_result::profile` | `receipts::the_values_and_the_failures_of_the_slice_are_in_the_receipt` |
//! | A second copy of a call leaves the part and the receipt, or the list, of the first, and returns its state. | `found`, `quarry_edge::s3::writer` | `repetitions::a_second_copy_leaves_the_part_of_the_first`, `repetitions::a_second_copy_leaves_the_list_of_the_first`, `repetitions::two_copies_at_once_agree_on_the_part`, `repetitions::a_copy_that_was_overtaken_leaves_the_part_with_more_answers` |
//! | A copy that was overtaken changes nothing of a round that has begun, and nothing of a part that is written, also with a write that is under way for long. | `found` | `repetitions::a_copy_that_was_overtaken_changes_nothing_of_the_next_round`, `repetitions::a_write_that_arrives_late_changes_nothing_of_the_next_round`, `repetitions::a_write_that_arrives_late_changes_nothing_of_the_part` |
//! | A repeated call leaves the same objects. | `handle` | `repetitions::merging_again_writes_the_same_objects_and_lists_the_same_rows` |
//! | Answers take at most 16 MiB of memory. More of them go to disk, and none is lost. | `spill` | `parts::answers_of_more_than_16_mib_are_all_in_the_part` |
//! | Each error has a name that says whether the call is repeated, and names its object. A failed call leaves no receipt. | everywhere | `refusals` |

mod ahead;
mod cost_cap;
mod decision;
mod deps;
mod found;
mod join;
mod lateness;
mod outage;
mod outcomes;
mod part;
mod reconcile;
mod refused;
mod rest;
mod round;
mod slice_result;
mod spill;

pub use deps::Deps;
pub use spill::{MEMORY_BYTES, SpillSpool};

use decision::Decision;
use join::{RoundAnswers, RoundOutputs};
use quarry_contract::payload::{SliceState, Step};
use quarry_edge::error::{StepError, StepErrorKind};
use round::SliceRound;

/// Joins the answers of the state's round, and writes what follows from them: the rows of the next round, or the slice's
/// part and receipt. Returns the state with the next step.
pub async fn handle(deps: &Deps, state: SliceState) -> Result<SliceState, StepError> {
    let mut round = SliceRound::load(deps, &state).await?;
    let (after, outputs) = tokio::join!(followed(&round, &state), join::outputs(&round));
    if let Some(after) = after? {
        return Ok(after);
    }
    match Box::pin(merge(deps, &mut round, outputs?, state.clone())).await {
        // Another copy of this call may have been quicker, and refused the writes of this one.
        Err(error) if error.kind() == StepErrorKind::Unavailable => {
            let after = followed(&round, &state).await;
            after.ok().flatten().ok_or(error)
        }
        result => result,
    }
}

/// Returns the state that follows a round if it is merged already.
async fn followed(round: &SliceRound, state: &SliceState) -> Result<Option<SliceState>, StepError> {
    let (is_done, list) = tokio::try_join!(slice_result::is_written(round), round.next_list())?;
    Ok(if is_done {
        Some(slice_result::done(state.clone()))
    } else {
        list.map(|list| list.begins)
    })
}

/// Merges a round that was not merged when it was looked at.
async fn merge(
    deps: &Deps,
    round: &mut SliceRound,
    outputs: RoundOutputs,
    state: SliceState,
) -> Result<SliceState, StepError> {
    let mut spool = SpillSpool::new(MEMORY_BYTES);
    let RoundAnswers {
        places,
        mut record,
        is_late,
    } = join::answers(round, outputs, &mut spool).await?;
    if is_late && let Some(wait) = lateness::next_wait(state.late_looks) {
        tracing::warn!(
            lines = record.counts.lines,
            seconds = wait.as_secs(),
            "the output of the job is not complete yet"
        );
        return Ok(SliceState {
            next: Step::Late,
            late_looks: state.late_looks + 1,
            wait_seconds: Some(wait.as_secs()),
            ..state
        });
    }
    let open = round.open_rows(&places);
    // Without open rows the part follows as a rule, so its rows are requested while the record is written.
    let rows = open.is_empty().then(|| slice_result::request_rows(round));
    round.count(&record).await?;
    tracing::info!(
        asked = record.counts.asked,
        good = record.counts.good,
        open = open.len(),
        "answers joined"
    );
    let now = deps.clock.now();
    match decision::after(round, &places, open, &mut record, now).await? {
        Decision::AskAgain {
            again,
            weight,
            rest,
            keeps_outcomes,
        } => {
            if keeps_outcomes {
                outcomes::keep(round, &places, &mut spool).await?;
            }
            round.begin_next(state, again, weight, rest).await
        }
        Decision::WritePart { stopped } => {
            let rows = rows.unwrap_or_else(|| slice_result::request_rows(round));
            slice_result::write(round, rows, &places, spool, record, stopped).await?;
            Ok(slice_result::done(state))
        }
    }
}
