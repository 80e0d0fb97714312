//! `settle`: does what is left to do after a run has ended, however it ended.
//!
//! | end | what it does |
//! |---|---|
//! | `SUCCEEDED` | sends the locations of the results to the pipeline, if one waits |
//! | `FAILED`, `TIMED_OUT`, `ABORTED` | stops the run's live Bedrock jobs, and sends the cause |
//!
//! Everything that a run has written stays where it is, and a redrive uses it. Settling twice is
//! harmless: it leaves jobs that have ended alone, and a pipeline's step keeps its first result.
//!
//! A `submit` that was under way when the run ended may create its job after this function has
//! looked. If a round of the run may still get a job, and the run ended less than [`LATE_JOBS`]
//! ago, the invocation does everything else and then fails with `Quarry.Unavailable`. Lambda then
//! calls again after one minute, and once more two minutes later.
//!
//! # What it promises
//!
//! | promise | kept in | test in `tests/it` |
//! |---|---|---|
//! | A pipeline that waits receives the end of its run: the places and counts, or the cause in at most 256 characters. | `succeed`, `reason` | `answers` |
//! | A failed run leaves no job running, of any slice or round. Jobs are found by their documents or by their names. | `jobs` | `jobs::live_jobs_of_all_slices_and_rounds_are_stopped_and_no_others`, `jobs::a_job_is_found_by_its_document_or_by_its_name` |
//! | A run that was refused its folder stops no job of the folder's owner. | `owned` | `jobs::a_run_that_was_refused_its_folder_stops_no_job_of_the_folders_owner` |
//! | If a job may still appear, `settle` looks for it again, for 150 seconds. | `handle` (`LATE_JOBS`) | `jobs::a_round_that_may_still_get_a_job_is_checked_again_a_minute_later`, `errors::a_late_job_is_waited_for_150_seconds_and_no_longer` |
//! | Settling twice stops nothing more and reports nothing twice. | `handle`, `jobs` | `errors::settling_again_stops_no_more_jobs_and_makes_no_second_callback`, `answers::calling_back_twice_is_harmless` |
//! | No object is changed, so a redrive continues with what the run has written. | everywhere | `errors::settling_touches_no_object` |
//! | A run that has been redriven since is left alone. The events of slices and of starts are ignored. | `handle`, `event` | `answers::a_redriven_run_is_left_alone`, `answers::slices_and_beginnings_are_not_ends_of_runs` |
//! | If one thing fails, everything else is still done. Then the call fails with the error's name and place. | `jobs::note`, `handle` | `jobs::one_job_that_cannot_be_stopped_prevents_nothing_else`, `errors` |

mod event;
mod jobs;
mod owned;
mod reason;

pub use event::{EndStatus, ExecutionDetail, ExecutionEvent, Included};

use quarry_contract::callback::Callback;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::FinishOutput;
use quarry_contract::request::Request;
use quarry_edge::callbacks::{CallbackOutcome, PipelineCallbacks, StepOutput};
use quarry_edge::clock::Clock;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::executions::{ExecutionRecord, ExecutionRecords};
use quarry_edge::jobs::BatchJobs;
use quarry_edge::store::ObjectStore;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How long after a run's end a job may still appear. This is longer than the time limit of
/// `submit`, and shorter than the three minutes after which Lambda calls for the last time.
pub const LATE_JOBS: Duration = Duration::from_secs(150);

/// What `settle` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds the run's documents.
    pub store: Arc<dyn ObjectStore>,
    /// Lists and stops batch jobs.
    pub jobs: Arc<dyn BatchJobs>,
    /// Returns what Step Functions knows of the run's execution.
    pub executions: Arc<dyn ExecutionRecords>,
    /// Sends results to the pipelines that wait.
    pub callbacks: Arc<dyn PipelineCallbacks>,
    /// Tells how long ago the run ended.
    pub clock: Arc<dyn Clock>,
    /// The deployment's work prefix, used when the request has none.
    pub work: Option<S3Uri>,
}

/// What `settle` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The run.
    pub run: String,
    /// How it ended.
    pub status: EndStatus,
    /// The number of jobs that were asked to stop.
    pub jobs_stopped: usize,
    /// What the pipeline received.
    pub callback: Told,
}

/// What a pipeline received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// No pipeline waits for the run.
    NobodyWaits,
    /// The end of the run.
    Answered,
    /// Nothing new: it already had its result.
    AnsweredBefore,
    /// Nothing: the event is not the last one of the run, or not about a run.
    Nothing,
}

/// Settles a run.
pub async fn handle(deps: &Deps, event: ExecutionEvent) -> Result<Settled, StepError> {
    let detail = &event.detail;
    let mut settled = Settled {
        run: detail.name.clone(),
        status: detail.status,
        jobs_stopped: 0,
        callback: Told::Nothing,
    };
    if detail.is_child() || detail.status == EndStatus::Running {
        tracing::info!("not the end of a run");
        return Ok(settled);
    }
    let ended_well = detail.status == EndStatus::Succeeded;
    let record = if ended_well && detail.is_complete() {
        ExecutionRecord::default()
    } else {
        record(deps, detail).await?
    };
    // An event that was written by hand has no time.
    let ended = detail.ended().or(record.ended);
    if let Some(redriven) = record.redriven
        && ended.is_none_or(|ended| redriven >= ended)
    {
        tracing::info!("the run has been redriven since");
        return Ok(settled);
    }
    let input = record.input.as_ref().or(detail.input.as_ref());
    let request = read_request(detail, input.map(String::as_str))?;

    let mut late = false;
    let mut stopped = Ok(());
    if !ended_well {
        let work = request.as_ref().and_then(|request| request.work.as_ref());
        let Some(work) = work.or(deps.work.as_ref()) else {
            return Err(StepError::bad_request(
                "the request has no `work` location and the deployment has no default; set QUARRY_WORK",
            ));
        };
        let run = RunFolder::new(work, &detail.name);
        let outcome = jobs::stop(&*deps.store, &*deps.jobs, &run, detail).await;
        settled.jobs_stopped = outcome.stopped;
        late = outcome.open_rounds;
        stopped = outcome.result;
    }
    let callback = request.and_then(|request| request.callback);
    settled.callback = match &callback {
        None => Told::NobodyWaits,
        Some(callback) => {
            let answered = if ended_well {
                let output = record.output.as_ref().or(detail.output.as_ref());
                succeed(deps, detail, callback, output.map(String::as_str)).await
            } else {
                let reason = reason::of(&*deps.executions, detail, &record).await;
                let doing = format!("sending the result of run {}", detail.name);
                let answered = deps.callbacks.fail(&callback.token, &reason).await;
                answered.doing(|| &doing)
            };
            match answered? {
                CallbackOutcome::Now => Told::Answered,
                CallbackOutcome::Before => Told::AnsweredBefore,
            }
        }
    };
    tracing::info!(
        status = settled.status.as_str(),
        jobs_stopped = settled.jobs_stopped,
        callback = ?settled.callback,
        "settled"
    );
    stopped?;
    let since = ended.map(|ended| deps.clock.now().saturating_sub(ended));
    if late && since.is_some_and(|since| since < LATE_JOBS) {
        return Err(StepError::new(
            StepErrorKind::Unavailable,
            format!(
                "run {} has just ended and may still get a job: looking again",
                detail.name
            ),
        ));
    }
    Ok(settled)
}

/// Returns what Step Functions knows of the execution. A run that ended badly is settled without it
/// too, because its jobs cost money.
async fn record(deps: &Deps, detail: &ExecutionDetail) -> Result<ExecutionRecord, StepError> {
    match deps.executions.describe(&detail.execution_arn).await {
        Ok(record) => Ok(record),
        Err(error) if detail.is_complete() => {
            let error = StepError::of(error, "reading the execution");
            tracing::warn!(
                error_type = error.name(),
                error = error.full_message(),
                "cannot read the execution; settling the run with the event alone"
            );
            Ok(ExecutionRecord::default())
        }
        Err(error) => Err(error).doing(|| format!("reading execution {}", detail.execution_arn)),
    }
}

/// Returns the request that the run was started with; `None` when the input is not a request. Such
/// a run fails in its first step, without jobs, and no pipeline is known to wait for it.
fn read_request(
    detail: &ExecutionDetail,
    input: Option<&str>,
) -> Result<Option<Request>, StepError> {
    let Some(input) = input else {
        return Err(StepError::new(
            StepErrorKind::NotFound,
            format!("reading the input of execution {}", detail.execution_arn),
        ));
    };
    match serde_json::from_str(input) {
        Ok(request) => Ok(Some(request)),
        Err(error) => {
            tracing::warn!(%error, "the run's input is not a request");
            Ok(None)
        }
    }
}

async fn succeed(
    deps: &Deps,
    detail: &ExecutionDetail,
    callback: &Callback,
    output: Option<&str>,
) -> Result<CallbackOutcome, StepError> {
    let doing = format!("sending the result of run {}", detail.name);
    let output: FinishOutput =
        serde_json::from_str(output.unwrap_or_default()).map_err(|error| {
            StepError::new(
                StepErrorKind::BadRequest,
                format!("{doing}: the run's output cannot be read"),
            )
            .with_source(error)
        })?;
    let outputs = [
        ("processed_data", output.output.to_string()),
        ("analysis_summary", output.summary.to_string()),
        ("rows", output.rows.to_string()),
        ("failed", output.failed.to_string()),
        ("run", output.run.to_string()),
    ];
    let outputs: Vec<StepOutput> = outputs
        .into_iter()
        .filter_map(|(name, value)| {
            // `trigger` refuses values this long, but a run that was started otherwise may have
            // them.
            let output = StepOutput::new(name, value);
            if output.is_none() {
                tracing::warn!(name, "output left out because it is too long");
            }
            output
        })
        .collect();
    let answered = deps.callbacks.succeed(&callback.token, &outputs).await;
    answered.doing(|| &doing)
}
