//! `invoke`: sends a round's records to the model on demand, with bounded concurrency and rate.
//!
//! Answers are stored in the form of a batch job's output lines, several at a time. After a crash
//! and at the next call, the stored answers show where to resume, and no record with a stored
//! answer is sent again.
//!
//! `invoke` checks the time before every call to the model. When the time is used up, it stores the
//! answers that came and leaves the rest to the next call.
//!
//! # What it promises
//!
//! | promise | kept in | test in `tests/it` |
//! |---|---|---|
//! | Every answer is stored, and no record with a stored answer is sent again. A crash loses at most one batch. | `kept` | `repetitions`, `time::answers_are_kept_when_the_time_is_used_up_within_a_batch` |
//! | Answers have the form of Bedrock's output lines, in the order of the records, one line each. | `line` | `answers` |
//! | The names of the objects say where to resume. | `kept::keep` | `answers::answers_are_stored_in_batches_whose_names_say_where_to_resume` |
//! | A call sends the record's body, through the model's API, in the tier of the settings. | `ask`, `flex` | `answers::a_request_is_the_body_of_the_record_byte_for_byte`, `tiers` |
//! | Calls keep to the concurrency and the rate of the plan. | `group`, `pacing` | `pace::no_more_requests_are_in_flight_than_the_settings_allow`, `pace::requests_begin_no_faster_than_the_configured_rate` |
//! | An invocation makes its last call five minutes before its end, and stores the answers that came by then. | `LAST_QUESTION`, `group` | `time` |
//! | A transient error is followed by up to five more calls. A throttled record is sent again while others get answers. | `ask`, `group` | `pace::a_call_that_fails_for_a_transient_reason_is_retried_up_to_five_times`, `pace::throttled_records_are_retried_as_long_as_others_are_answered`, `pace::the_wait_before_throttled_records_are_sent_again_doubles_up_to_a_minute` |
//! | A round that the service refuses ends after 20 calls, over all invocations. An error that every record would get ends the calls at once, and the answers are stored. | `breaker`, `fallback_watch`, `group` | `refusals` |
//! | An outage does not become a record's error, and a record's error does not count as an outage. | `lines_to_keep` | `refusals::an_outage_is_not_an_error_of_any_record`, `refusals::a_record_that_the_service_fails_on_every_time_is_an_error_of_that_record` |
//! | If the tier `flex` throttles for longer than the setting allows, the default tier takes over. | `flex` | `tiers::flex_that_throttles_for_longer_than_the_setting_allows_is_left_for_the_default_tier` |
//! | Each error has a name that says whether the call is repeated, its record or object, and the service's words. | `ask`, `handle` | `errors` |

mod ask;
mod breaker;
mod deps;
mod fallback_watch;
mod flex;
mod group;
mod kept;
mod line;
mod pacing;

pub use deps::Deps;
pub use pacing::Pacing;

use ask::Answered;
use breaker::Breaker;
use bytes::Bytes;
use flex::Tier;
use group::Group;
use quarry_asking::Asking;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::{Asked, Mode, Plan, Slice};
use quarry_edge::clock::TimeLeft;
use quarry_edge::documents;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::metrics::Metric;
use quarry_edge::s3::lines::Lines;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// How long before its end an invocation makes its last call to the model: nearly all answers take
/// less time.
pub const LAST_QUESTION: Duration = Duration::from_mins(5);

/// Sends the rest of the round's records.
pub async fn handle(
    deps: &Deps,
    state: SliceState,
    time_left: &dyn TimeLeft,
) -> Result<SliceState, StepError> {
    let calls = AtomicU64::new(0);
    let result = ask_rest(deps, state, time_left, &calls).await;
    let calls = calls.into_inner();
    tracing::info!(calls, "asked on demand");
    deps.metrics.emit(&[(Metric::OnDemandCalls, calls)]);
    result
}

async fn ask_rest(
    deps: &Deps,
    state: SliceState,
    time_left: &dyn TimeLeft,
    calls: &AtomicU64,
) -> Result<SliceState, StepError> {
    let run = RunFolder::at(state.run.clone());
    let slice_folder = run.slice(state.slice);
    let round = slice_folder.round(state.round);
    let plan: Plan = documents::read(&*deps.store, &run.plan()).await?;
    let input: Asked = documents::read(&*deps.store, &round.asked()).await?;
    let slice: Slice = documents::read(&*deps.store, &slice_folder.spec()).await?;
    let asking = Asking::of_round(&plan, input.forms.as_ref()).map_err(StepError::bad_request)?;
    let settings = asking.settings();
    let mut tier = Tier::of_round(deps, &round, settings).await?;
    let rows_were_paid = slice.mode == Mode::Batch;
    let mut asker = ask::Asker::new(deps, &asking, calls, rows_were_paid)?;
    let workers = plan.on_demand_workers.max(1) as usize;
    // With fewer records than workers, some workers would be idle.
    let together = workers.max(settings.batch_size as usize);
    let pacing = Pacing::new(plan.on_demand_rate);

    let mut breaker = Breaker::new(input.is_taken);
    let kept = kept::Kept::of_round(deps, &round, &mut breaker).await?;
    let mut number = kept.answers_files;
    let mut lines = Lines::open(
        Arc::clone(&deps.store),
        round.input(),
        kept.bytes..input.bytes,
        input.etag.clone(),
    );
    // Every invocation sends at least one record, so that the round comes to an end.
    let mut first = true;
    while !breaker.is_refused() {
        // The first records show whether the service accepts any, so no more are sent than may be
        // lost.
        let most = match breaker.room() {
            Some(room) => together.min(usize::try_from(room).unwrap_or(usize::MAX)),
            None => together,
        };
        let records = group::take(&mut lines, most)
            .await
            .doing(|| format!("reading {}", round.input()))?;
        let Some(last) = records.last().map(|record| record.end) else {
            break;
        };
        asker.tier = tier.now();
        let group = Group {
            asker: &asker,
            pacing: &pacing,
            workers,
            time_left,
        };
        let group::GroupAnswers { answers, end, stop } = group.ask(records, first).await;
        first = false;
        if let Some(end) = end {
            let body = lines_to_keep(join(answers), &mut tier, &asker, asking.probe()).await?;
            breaker.look_at(&body);
            kept::keep(deps, &round, number, end, body).await?;
            number += 1;
        }
        if let Some(why) = stop {
            return Err(why);
        }
        if end != Some(last) {
            return Ok(SliceState {
                next: Step::Invoke,
                ..state
            });
        }
    }
    Ok(SliceState {
        next: Step::Merge,
        ..state
    })
}

/// Returns the lines to store for some records. If no record was answered, the records are to blame
/// only if the service answers another call. Otherwise the step fails, and the state machine waits
/// and calls again.
async fn lines_to_keep(
    joined: Joined,
    tier: &mut Tier,
    asker: &ask::Asker<'_>,
    probe: Vec<u8>,
) -> Result<Bytes, StepError> {
    match joined {
        Joined::Some(body) => {
            tier.answered().await?;
            Ok(body)
        }
        Joined::None { body, why } => {
            if why.kind() == StepErrorKind::Throttled {
                tier.throttled().await?;
            }
            let is_records =
                why.kind() == StepErrorKind::Unavailable && asker.is_service_up(probe).await;
            if is_records { Ok(body) } else { Err(why) }
        }
    }
}

/// The outcomes of some records, one line each.
enum Joined {
    /// At least one record was answered, or refused for its own content.
    Some(Bytes),
    /// No record was answered: the service is busy, or refuses every call.
    None { body: Bytes, why: StepError },
}

fn join(answers: Vec<Answered>) -> Joined {
    let mut body = Vec::new();
    let mut put_off = None;
    let mut settled = false;
    for answer in answers {
        match answer {
            Answered::Line(line) => {
                settled = true;
                body.extend_from_slice(&line);
            }
            Answered::No { line, why } => {
                body.extend_from_slice(&line);
                put_off.get_or_insert(why);
            }
        }
    }
    let body = Bytes::from(body);
    match put_off {
        Some(why) if !settled => Joined::None { body, why },
        _ => Joined::Some(body),
    }
}
