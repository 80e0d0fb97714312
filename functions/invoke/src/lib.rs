//! `invoke`: sends a round's records to the model on demand, with bounded concurrency and rate.
//!
//! Answers are stored in the form of a batch job's output lines, several at a time. After a crash
//! and at the next call, the stored answers show which records are left, and no record with a
//! stored answer is sent again.
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
//! | The names of the objects say which records they hold. Names of runs that an earlier version began are read. | `kept` | `answers::answers_are_stored_in_batches_whose_names_say_which_records_they_hold`, `repetitions::answers_of_a_run_that_an_earlier_version_began_are_not_paid_for_again` |
//! | While a copy is at work, no other copy calls a model for the same round. One that crashed is waited for as long as Lambda would have let it work. | `at_work` | `copies` |
//! | Two copies at once store each record once: an object is never replaced, and a copy that is overtaken goes on behind what is stored. | `kept::keep`, `Sending::send` | `repetitions::two_copies_at_once_store_each_record_once`, `repetitions::a_copy_that_is_overtaken_goes_on_behind_what_is_stored` |
//! | A call sends the record's body, through the model's API, in the tier of the settings. | `ask`, `flex` | `answers::a_request_is_the_body_of_the_record_byte_for_byte`, `tiers` |
//! | Calls keep to the concurrency and the rate of the plan. | `group`, `pacing` | `pace::no_more_requests_are_in_flight_than_the_settings_allow`, `pace::requests_begin_no_faster_than_the_configured_rate` |
//! | An invocation makes its last call five minutes before its end, and stores the answers that came by then. | `LAST_QUESTION`, `group` | `time` |
//! | A transient error is followed by up to five more calls. A throttled record is sent again while others get answers, and in the next invocation when the time is used up, so it does not lose the round. | `ask`, `group`, `Sending::settled` | `time::records_that_are_throttled_at_the_end_of_the_time_do_not_lose_the_round`, `pace::a_call_that_fails_for_a_transient_reason_is_retried_up_to_five_times`, `pace::throttled_records_are_retried_as_long_as_others_are_answered`, `pace::the_wait_before_throttled_records_are_sent_again_doubles_up_to_a_minute` |
//! | A round that the service refuses ends after 20 calls, over all invocations. An error that every record would get ends the calls at once, and the answers are stored. | `breaker`, `fallback_watch`, `group` | `refusals` |
//! | A record whose reply broke off is sent at most twice in a round, and its line says how many replies were lost. | `ask`, `line` | `lost_replies` |
//! | An outage does not become a record's error, and a record's error does not count as an outage. | `Sending::settled` | `refusals::an_outage_is_not_an_error_of_any_record`, `refusals::a_record_that_the_service_fails_on_every_time_is_an_error_of_that_record` |
//! | If the tier `flex` throttles for longer than the setting allows, the default tier takes over. | `flex` | `tiers::flex_that_throttles_for_longer_than_the_setting_allows_is_left_for_the_default_tier` |
//! | Each error has a name that says whether the call is repeated, its record or object, and the service's words. | `ask`, `handle` | `errors` |

mod ask;
mod at_work;
mod breaker;
mod deps;
mod fallback_watch;
mod flex;
mod group;
mod kept;
mod line;
mod open;
mod pacing;
mod stretch;

pub use deps::Deps;
pub use pacing::Pacing;

use ask::Answered;
use at_work::AtWork;
use breaker::Breaker;
use flex::Tier;
use group::{Group, RecordOutcome};
use kept::Kept;
use open::OpenRecords;
use quarry_asking::Asking;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::{Asked, Mode, Plan, Slice};
use quarry_edge::clock::TimeLeft;
use quarry_edge::documents;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::metrics::Metric;
use std::ops::Range;
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
    let rows_were_paid = slice.mode == Mode::Batch;
    let workers = plan.on_demand_workers.max(1) as usize;
    let mut sending = Sending {
        deps,
        round: &round,
        tier: Tier::of_round(deps, &round, settings).await?,
        asker: ask::Asker::new(deps, &asking, calls, rows_were_paid)?,
        pacing: Pacing::new(plan.on_demand_rate),
        workers,
        // With fewer records than workers, some workers would be idle.
        together: workers.max(settings.batch_size as usize),
        probe: asking.probe(),
        time_left,
        is_first: true,
        stored: Vec::new(),
    };
    let merge = SliceState {
        next: Step::Merge,
        ..state.clone()
    };
    if sending.begin(&input).await?.is_none() {
        return Ok(merge);
    }
    let at_work = AtWork::begin(deps, &round, time_left).await?;
    let sent = sending.send_all(&input).await;
    if let Some(at_work) = at_work {
        at_work.end().await;
    }
    Ok(if sent? {
        merge
    } else {
        SliceState {
            next: Step::Invoke,
            ..state
        }
    })
}

/// How the sending of records ended.
enum Sent {
    /// Every record has a line, or the service refuses the round as a whole.
    All,
    /// Records are left for the next invocation.
    UntilTimeIsUsedUp,
    /// Another copy of the function has stored lines of the same records. What is left has to be
    /// found out anew.
    BehindAnother,
}

/// How an invocation sends the rest of a round.
struct Sending<'a> {
    deps: &'a Deps,
    round: &'a RoundFolder,
    tier: Tier,
    asker: ask::Asker<'a>,
    pacing: Pacing,
    workers: usize,
    /// How many records are sent together.
    together: usize,
    /// A request that depends on no record.
    probe: Vec<u8>,
    time_left: &'a dyn TimeLeft,
    /// Whether no record was sent yet. Every invocation sends at least one, so that the round comes
    /// to an end.
    is_first: bool,
    /// The bytes of the input whose records have had a line since this invocation began, also if a
    /// list does not show it yet.
    stored: Vec<Range<u64>>,
}

impl Sending<'_> {
    /// Returns the records without a stored line, and what the stored ones show; `None` if there is
    /// nothing to send.
    async fn begin(&self, input: &Asked) -> Result<Option<(OpenRecords, Breaker)>, StepError> {
        let mut breaker = Breaker::new(input.is_taken);
        let kept = Kept::of_round(self.deps, self.round, &mut breaker).await?;
        let open = kept.and(&self.stored).open(input.bytes);
        if open.is_empty() || breaker.is_refused() {
            return Ok(None);
        }
        let store = Arc::clone(&self.deps.store);
        let open = OpenRecords::new(store, self.round.input(), &input.etag, open);
        Ok(Some((open, breaker)))
    }

    /// Returns whether nothing is left for another invocation.
    async fn send_all(&mut self, input: &Asked) -> Result<bool, StepError> {
        while let Some((open, breaker)) = self.begin(input).await? {
            match self.send(open, breaker).await? {
                Sent::All => break,
                Sent::UntilTimeIsUsedUp => return Ok(false),
                Sent::BehindAnother => {}
            }
        }
        Ok(true)
    }

    async fn send(
        &mut self,
        mut open: OpenRecords,
        mut breaker: Breaker,
    ) -> Result<Sent, StepError> {
        while !breaker.is_refused() {
            // The first records show whether the service accepts any, so no more are sent than may
            // be lost.
            let most = match breaker.room() {
                Some(room) => self
                    .together
                    .min(usize::try_from(room).unwrap_or(usize::MAX)),
                None => self.together,
            };
            let records = open.take(self.workers.min(most), most).await;
            let records = records.doing(|| format!("reading {}", self.round.input()))?;
            let taken = records.len();
            if taken == 0 {
                break;
            }
            self.asker.tier = self.tier.now();
            let group = Group {
                asker: &self.asker,
                pacing: &self.pacing,
                workers: self.workers,
                time_left: self.time_left,
            };
            let group::GroupOutcomes { outcomes, stop } = group.ask(records, self.is_first).await;
            self.is_first = false;
            let (settled, outage) = self.settled(outcomes).await?;
            let stop = stop.or(outage);
            let is_whole = settled.len() == taken;
            let mut is_alone = true;
            for stretch in stretch::stretches(settled) {
                breaker.look_at(&stretch.lines);
                self.stored.push(stretch.range.clone());
                is_alone &= kept::keep(self.deps, self.round, stretch).await?;
            }
            if let Some(why) = stop {
                return Err(why);
            }
            if !is_alone {
                return Ok(Sent::BehindAnother);
            }
            if !is_whole {
                return Ok(Sent::UntilTimeIsUsedUp);
            }
        }
        Ok(Sent::All)
    }

    /// Returns the outcomes whose lines are stored. A record that the service throttled until the
    /// time was used up is not among them, so the next invocation sends it again and it does not
    /// lose the round.
    ///
    /// If no record was answered, the records are to blame only if the service answers another
    /// call. Otherwise the step fails, and the state machine waits and calls again. Records whose
    /// replies were lost may be charged, so their lines are stored all the same, and the error of
    /// the step is returned beside them.
    async fn settled(
        &mut self,
        outcomes: Vec<RecordOutcome>,
    ) -> Result<(Vec<RecordOutcome>, Option<StepError>), StepError> {
        let is_throttled = |outcome: &RecordOutcome| outcome.answered.is_throttled();
        let (throttled, settled): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(is_throttled);
        let is_line = |outcome: &RecordOutcome| matches!(outcome.answered, Answered::Line(_));
        if settled.iter().any(is_line) {
            self.tier.answered().await?;
            return Ok((settled, None));
        }
        if settled.is_empty() {
            let Some(why) = throttled.into_iter().find_map(RecordOutcome::why) else {
                return Ok((Vec::new(), None));
            };
            self.tier.throttled().await?;
            return Err(why);
        }
        if self.asker.is_service_up(self.probe.clone()).await {
            return Ok((settled, None));
        }
        let is_lost = |outcome: &RecordOutcome| matches!(outcome.answered, Answered::Lost(_));
        let (lost, failed): (Vec<_>, Vec<_>) = settled.into_iter().partition(is_lost);
        let mut others = failed.into_iter().chain(throttled);
        let why = others.find_map(RecordOutcome::why).unwrap_or_else(|| {
            let records = lost.len();
            let text = format!("reading the replies about {records} records, which broke off");
            StepError::new(StepErrorKind::Unavailable, text)
        });
        Ok((lost, Some(why)))
    }
}
