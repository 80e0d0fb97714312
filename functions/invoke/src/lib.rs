//! `invoke`: asks a round's records on demand, with bounded concurrency and rate.
//!
//! Answers are kept in the same form as a batch job's output lines, some at a time: the answers
//! that are there say where to go on after a crash or at the next call, and nothing that is kept
//! is asked again.

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
use quarry_edge::store::ObjectStore;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

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
    loop {
        if !time_left.enough() {
            return Ok(SliceState {
                next: Step::Invoke,
                ..state
            });
        }
        let mut records = Vec::with_capacity(together);
        while records.len() < together {
            let next = lines
                .next()
                .await
                .map_err(|error| error.into_step(&format!("reading {}", round.input())))?;
            match next {
                Some(line) => records.push(line),
                None => break,
            }
        }
        if records.is_empty() {
            return Ok(SliceState {
                next: Step::Merge,
                ..state
            });
        }
        let answers: Vec<ask::Answered> = stream::iter(records)
            .map(|record| caller.ask(record, &pacing))
            .buffered(workers)
            .collect()
            .await;
        let body = join(answers)?;
        let at = round
            .on_demand_output()
            .join(&format!("{number:08}-{:016}.jsonl.out", lines.position()));
        number += 1;
        deps.store
            .put(&at, body, false)
            .await
            .map_err(|error| error.into_step(&format!("writing {at}")))?;
    }
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
