//! `invoke`: asks a round's records on demand, with bounded concurrency and rate.
//!
//! Answers are kept in the same form as a batch job's output lines, some at a time: the answers
//! that are there say where to go on after a crash or at the next call, and nothing that is kept
//! is asked again.
//!
//! The time is looked at before every question. When it is used up, what was answered is kept and
//! the rest is left to the next call.

mod ask;

pub use ask::Pacing;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use quarry_asking::Asking;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::{Asked, Plan};
use quarry_edge::clock::{Pause, TimeLeft};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::on_demand::OnDemand;
use quarry_edge::s3::lines::Lines;
use quarry_edge::store::{ObjectStore, StoreError};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
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
    let round = run.slice(state.slice).round(state.round);
    let plan: Plan = documents::read(&*deps.store, &run.plan()).await?;
    let asking = Asking::of_plan(&plan).map_err(StepError::bad_request)?;
    let settings = asking.settings();
    let asked: Asked = documents::read(&*deps.store, &round.asked()).await?;
    let caller = ask::Asker {
        models: &*deps.models,
        pause: &*deps.pause,
        calls,
        model_id: settings.effective_model_id(),
        converse: quarry_asking::converse(settings).map_err(StepError::bad_request)?,
        fallback: asking.fallback(),
    };
    let workers = plan.on_demand_workers.max(1) as usize;
    // Fewer records than workers would leave workers idle.
    let together = workers.max(settings.batch_size as usize);
    let pacing = Pacing::new(plan.on_demand_rate);

    let kept = kept_until(deps, &round).await?;
    let mut number = kept.answers_files;
    let mut lines = Lines::open(
        Arc::clone(&deps.store),
        round.input(),
        kept.bytes..asked.bytes,
        asked.etag.clone(),
    );
    // Every call asks one record at least, so that all calls together come to an end.
    let mut first = true;
    loop {
        let records = take(&mut lines, together)
            .await
            .map_err(|error| error.into_step(&format!("reading {}", round.input())))?;
        let Some(last) = records.last().map(|record| record.end) else {
            return Ok(SliceState {
                next: Step::Merge,
                ..state
            });
        };
        let (answers, end) =
            ask_in_time(&caller, &pacing, workers, records, first, time_left).await;
        first = false;
        if let Some(end) = end {
            let body = join(answers)?;
            let at = round
                .on_demand_output()
                .join(&format!("{number:08}-{end:016}.jsonl.out"));
            number += 1;
            deps.store
                .put(&at, body, false)
                .await
                .map_err(|error| error.into_step(&format!("writing {at}")))?;
        }
        if end != Some(last) {
            return Ok(SliceState {
                next: Step::Invoke,
                ..state
            });
        }
    }
}

/// A record, and the place in the input at which it ends.
struct Record {
    line: Bytes,
    end: u64,
}

/// The next records, at most `count`.
async fn take(lines: &mut Lines, count: usize) -> Result<Vec<Record>, StoreError> {
    let mut records = Vec::with_capacity(count);
    while records.len() < count {
        let Some(line) = lines.next().await? else {
            break;
        };
        let end = lines.position();
        records.push(Record { line, end });
    }
    Ok(records)
}

/// Asks records until the time is used up, the first in any case if `first` says so. The answers of
/// the first of them, without a gap, and the end of the last one that was answered.
async fn ask_in_time(
    caller: &ask::Asker<'_>,
    pacing: &Pacing,
    workers: usize,
    records: Vec<Record>,
    first: bool,
    time_left: &dyn TimeLeft,
) -> (Vec<ask::Answered>, Option<u64>) {
    let asked = stream::iter(records)
        .enumerate()
        .map(|(index, record)| async move {
            if (first && index == 0) || time_left.enough() {
                Some((caller.ask(record.line, pacing).await, record.end))
            } else {
                None
            }
        })
        .buffered(workers);
    let cut_off = pin!(async {
        match time_left.until_end() {
            Some(left) => caller.pause.pause(left.saturating_sub(KEEP_ANSWERS)).await,
            None => std::future::pending().await,
        }
    });
    let mut asked = pin!(asked.take_until(cut_off));
    let (mut answers, mut end) = (Vec::new(), None);
    while let Some(Some((answer, ends))) = asked.next().await {
        answers.push(answer);
        end = Some(ends);
    }
    (answers, end)
}

/// The answers of some records, one line each. When not one of them was answered (the service is
/// busy or refuses every call), nothing is kept and the step fails, so that the state machine
/// waits and calls again, or stops.
fn join(answers: Vec<ask::Answered>) -> Result<Bytes, StepError> {
    let mut body = Vec::new();
    let mut put_off = None;
    let mut settled = false;
    for answer in answers {
        match answer {
            ask::Answered::Line(line) => {
                settled = true;
                body.extend_from_slice(&line);
            }
            ask::Answered::No { line, why } => {
                body.extend_from_slice(&line);
                put_off.get_or_insert(why);
            }
        }
    }
    match put_off {
        Some(why) if !settled => Err(why),
        _ => Ok(Bytes::from(body)),
    }
}

struct Kept {
    answers_files: usize,
    bytes: u64,
}

/// How far earlier calls came: an answer file's name ends with the place in the input at which
/// its records end.
async fn kept_until(deps: &Deps, round: &RoundFolder) -> Result<Kept, StepError> {
    let folder = round.on_demand_output();
    let files = deps
        .store
        .list(&folder)
        .await
        .map_err(|error| error.into_step(&format!("listing {folder}")))?;
    let bytes = files.last().map_or(Some(0), |file| {
        let name = file.location.file_name();
        name.split_once('-')?.1.split_once('.')?.0.parse().ok()
    });
    let bytes = bytes.ok_or_else(|| {
        StepError::bad_request(format!(
            "{folder} holds an object that is no answer file; remove it"
        ))
    })?;
    Ok(Kept {
        answers_files: files.len(),
        bytes,
    })
}
