//! `invoke`: asks a round's records on demand, with bounded concurrency and rate.
//!
//! Answers are kept in the same form as a batch job's output lines, some at a time: the answers
//! that are there say where to go on after a crash or at the next call, and nothing that is kept
//! is asked again.
//!
//! The time is looked at before every question. When it is used up, what was answered is kept and
//! the rest is left to the next call.

mod ask;
mod breaker;
mod fallback_watch;
mod flex;
mod line;
mod pacing;

pub use pacing::Pacing;

use ask::Answered;
use breaker::Breaker;
use bytes::Bytes;
use flex::Tier;
use futures::stream::{self, StreamExt};
use quarry_asking::Asking;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::{Asked, Mode, Plan, Slice};
use quarry_edge::clock::{Clock, Pause, TimeLeft};
use quarry_edge::documents;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::on_demand::OnDemand;
use quarry_edge::s3::lines::Lines;
use quarry_edge::store::{ObjectStore, StoreError};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long before its end an invocation asks its last question: nearly all answers come sooner.
pub const LAST_QUESTION: Duration = Duration::from_mins(5);

/// How long before its end an invocation stops waiting for answers: enough to keep those that came.
const KEEP_ANSWERS: Duration = Duration::from_secs(20);

/// What `invoke` needs.
#[derive(Clone)]
pub struct Deps {
    /// Records and answers.
    pub store: Arc<dyn ObjectStore>,
    /// The models.
    pub models: Arc<dyn OnDemand>,
    /// For how long the tier `flex` has been throttling.
    pub clock: Arc<dyn Clock>,
    /// For the rate, and for waiting when throttled.
    pub pause: Arc<dyn Pause>,
    /// Where metrics go.
    pub metrics: Arc<dyn Metrics>,
}

/// Asks what is left of the round's records.
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
    // Fewer records than workers would leave workers idle.
    let together = workers.max(settings.batch_size as usize);
    let pacing = Pacing::new(plan.on_demand_rate);

    let mut breaker = Breaker::new(input.is_taken);
    let kept = Kept::of_round(deps, &round, &mut breaker).await?;
    let mut number = kept.answers_files;
    let mut lines = Lines::open(
        Arc::clone(&deps.store),
        round.input(),
        kept.bytes..input.bytes,
        input.etag.clone(),
    );
    // Every call asks one record at least, so that all calls together come to an end.
    let mut first = true;
    while !breaker.is_refused() {
        // The first records show whether the service takes any, so they are no more than may be lost.
        let most = match breaker.room() {
            Some(room) => together.min(usize::try_from(room).unwrap_or(usize::MAX)),
            None => together,
        };
        let records = take(&mut lines, most)
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
        let GroupAnswers { answers, end, stop } = group.ask(records, first).await;
        first = false;
        if let Some(end) = end {
            let body = lines_to_keep(join(answers), &mut tier, &asker, asking.probe()).await?;
            breaker.look_at(&body);
            keep(deps, &round, number, end, body).await?;
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

/// Keeps the next lines of a round. The name says at which place in the input their records end.
async fn keep(
    deps: &Deps,
    round: &RoundFolder,
    number: usize,
    end: u64,
    body: Bytes,
) -> Result<(), StepError> {
    let name = format!("{number:08}-{end:016}.jsonl.out");
    let at = round.on_demand_output().join(&name);
    let put = deps.store.put(&at, body, false).await;
    put.doing(|| format!("writing {at}"))?;
    Ok(())
}

/// The lines to keep of some records. When not one was answered, that is the records' own matter only
/// if the service answers another question; else the step fails, and the state machine waits and calls
/// again.
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

/// A record, and the place in the input at which it ends.
#[derive(Clone)]
struct PendingRecord {
    line: Bytes,
    end: u64,
}

/// The next records, at most `count`.
async fn take(lines: &mut Lines, count: usize) -> Result<Vec<PendingRecord>, StoreError> {
    let mut records = Vec::with_capacity(count);
    while records.len() < count {
        let Some(line) = lines.next().await? else {
            break;
        };
        let end = lines.position();
        records.push(PendingRecord { line, end });
    }
    Ok(records)
}

/// How records are asked together.
struct Group<'a> {
    asker: &'a ask::Asker<'a>,
    pacing: &'a Pacing,
    workers: usize,
    time_left: &'a dyn TimeLeft,
}

/// The longest wait before throttled records are asked again within an invocation.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What became of some records: of the first of them, without a gap.
struct GroupAnswers {
    answers: Vec<Answered>,
    /// The end of the last one; none when there is none.
    end: Option<u64>,
    /// An error that every record would get, and that the one after these got.
    stop: Option<StepError>,
}

impl Group<'_> {
    /// Asks records until the time is used up, the first in any case if `first` says so. An error that
    /// every record would get ends the asking: calls that are under way are waited for, and no other
    /// one begins.
    ///
    /// Records that are throttled while others are answered are asked again as long as there is time,
    /// so that they do not lose the round.
    async fn ask(&self, records: Vec<PendingRecord>, first: bool) -> GroupAnswers {
        let mut records = records;
        let mut answers = self.ask_once(records.clone(), first).await;
        records.truncate(answers.len());
        let mut wait = Duration::from_secs(5);
        while answers.iter().any(|one| !one.is_throttled())
            && !answers.iter().any(Answered::is_every_records)
        {
            let throttled: Vec<usize> = (0..answers.len())
                .filter(|index| answers[*index].is_throttled())
                .collect();
            if throttled.is_empty() || !self.time_left.enough() {
                break;
            }
            self.asker.pause.pause(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
            let again: Vec<PendingRecord> = throttled
                .iter()
                .map(|index| records[*index].clone())
                .collect();
            let again = self.ask_once(again, false).await;
            if again.is_empty() {
                break;
            }
            for (index, answer) in throttled.into_iter().zip(again) {
                answers[index] = answer;
            }
        }
        let stop = answers.iter().position(Answered::is_every_records);
        let stop = stop.and_then(|index| {
            records.truncate(index);
            match answers.drain(index..).next() {
                Some(Answered::No { why, .. }) => Some(why),
                _ => None,
            }
        });
        let end = records.last().map(|record| record.end);
        GroupAnswers { answers, end, stop }
    }

    async fn ask_once(&self, records: Vec<PendingRecord>, first: bool) -> Vec<Answered> {
        let over = AtomicBool::new(false);
        let over = &over;
        let asked = stream::iter(records)
            .enumerate()
            .map(|(index, record)| async move {
                let is_asked = (first && index == 0)
                    || !over.load(Ordering::Relaxed) && self.time_left.enough();
                if !is_asked {
                    return None;
                }
                let answered = self.asker.ask(&record.line, self.pacing).await;
                over.fetch_or(answered.is_every_records(), Ordering::Relaxed);
                Some(answered)
            })
            .buffered(self.workers);
        let cut_off = pin!(async {
            match self.time_left.until_end() {
                Some(left) => {
                    let left = left.saturating_sub(KEEP_ANSWERS);
                    self.asker.pause.pause(left).await;
                }
                None => std::future::pending().await,
            }
        });
        let mut asked = pin!(asked.take_until(cut_off));
        let mut answers = Vec::new();
        while let Some(Some(answer)) = asked.next().await {
            answers.push(answer);
        }
        answers
    }
}

/// The answers of some records, one line each.
enum Joined {
    /// At least one of them was answered, or refused for its own sake.
    Some(Bytes),
    /// Not one was: the service is busy, or refuses every call.
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

/// How far earlier calls came: an answer file's name ends with the place in the input at which
/// its records end.
struct Kept {
    answers_files: usize,
    bytes: u64,
}

impl Kept {
    /// Looks into the first files as far as the breaker wants to see them.
    async fn of_round(
        deps: &Deps,
        round: &RoundFolder,
        breaker: &mut Breaker,
    ) -> Result<Self, StepError> {
        let folder = round.on_demand_output();
        let files = deps
            .store
            .list(&folder)
            .await
            .doing(|| format!("listing {folder}"))?;
        let bytes = files.last().map_or(Some(0), |file| {
            let name = file.location.file_name();
            name.split_once('-')?.1.split_once('.')?.0.parse().ok()
        });
        let bytes = bytes.ok_or_else(|| {
            StepError::bad_request(format!(
                "{folder} holds an object that is not an answer file; remove it"
            ))
        })?;
        for file in &files {
            if breaker.room().is_none_or(|room| room == 0) {
                break;
            }
            let doing = || format!("reading {}", file.location);
            let mut lines = Lines::open(
                Arc::clone(&deps.store),
                file.location.clone(),
                0..file.size,
                file.etag.as_str(),
            );
            while breaker.room().is_some_and(|room| room > 0)
                && let Some(line) = lines.next().await.doing(doing)?
            {
                breaker.look_at(&line);
            }
        }
        Ok(Self {
            answers_files: files.len(),
            bytes,
        })
    }
}
