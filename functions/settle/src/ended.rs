//! The end of one run: stopping its jobs and informing its pipeline.

use crate::deps::Deps;
use crate::event::{ExecutionDetail, ExecutionEvent};
use crate::run_end::{RunEnd, is_redriven};
use crate::{jobs, mark, reason};
use quarry_contract::callback::Callback;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::FinishOutput;
use quarry_contract::request::Request;
use quarry_edge::callbacks::{CallbackOutcome, StepOutput};
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::executions::{ExecutionRecord, ExecutionStatus};
use serde::Serialize;
use std::time::Duration;

/// How long after a run's end a job may still appear. This is longer than the time limit of
/// `submit`, and shorter than the three minutes after which Lambda calls for the last time.
pub const LATE_JOBS: Duration = Duration::from_secs(150);

/// What `settle` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The run.
    pub run: String,
    /// How it ended.
    pub status: ExecutionStatus,
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

/// Settles the end of an execution.
pub async fn settle(deps: &Deps, event: ExecutionEvent) -> Result<Settled, StepError> {
    let detail = &event.detail;
    let mut settled = Settled {
        run: detail.name.clone(),
        status: detail.status,
        jobs_stopped: 0,
        callback: Told::Nothing,
    };
    if detail.is_child() || detail.status == ExecutionStatus::Running {
        tracing::info!("not the end of a run");
        return Ok(settled);
    }
    let ended_well = detail.status == ExecutionStatus::Succeeded;
    let record = if ended_well && detail.is_complete() {
        ExecutionRecord::default()
    } else {
        record(deps, detail).await?
    };
    // An event that was written by hand has no time.
    let ended = detail.ended().or(record.ended);
    if is_redriven(&record, ended) {
        tracing::info!("the run has been redriven since");
        return Ok(settled);
    }
    let input = record.input.as_ref().or(detail.input.as_ref());
    let request = read_request(detail, input.map(String::as_str))?;

    let mut late = false;
    let mut stopped = Ok(());
    if deps
        .redrive
        .is_over(detail.status, record.is_final, Duration::ZERO)
        && !ended_well
    {
        let run = folder(deps, detail, request.as_ref())?;
        let end = RunEnd {
            deps,
            detail,
            ended,
        };
        let outcome = jobs::stop(&end, &run).await;
        settled.jobs_stopped = outcome.stopped;
        if outcome.is_redriven {
            tracing::info!("the run was redriven while its jobs were being stopped");
            return Ok(settled);
        }
        late = outcome.open_rounds;
        stopped = outcome.result;
    }
    let callback = request.and_then(|request| request.callback);
    settled.callback = inform(deps, detail, &record, callback.as_ref()).await?;
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
    if let Some((work, started)) = deps.work.as_ref().zip(detail.started().or(record.started)) {
        mark::leave(&*deps.store, work, detail, started).await?;
    }
    Ok(settled)
}

/// Returns the folder of a run.
fn folder(
    deps: &Deps,
    detail: &ExecutionDetail,
    request: Option<&Request>,
) -> Result<RunFolder, StepError> {
    let work = request.and_then(|request| request.work.as_ref());
    let Some(work) = work.or(deps.work.as_ref()) else {
        return Err(StepError::bad_request(
            "the request has no `work` location and the deployment has no default; set QUARRY_WORK",
        ));
    };
    Ok(RunFolder::new(work, &detail.name))
}

/// Sends the end of the run to the pipeline, if one waits.
async fn inform(
    deps: &Deps,
    detail: &ExecutionDetail,
    record: &ExecutionRecord,
    callback: Option<&Callback>,
) -> Result<Told, StepError> {
    let Some(callback) = callback else {
        return Ok(Told::NobodyWaits);
    };
    let outcome = if detail.status == ExecutionStatus::Succeeded {
        let output = record.output.as_ref().or(detail.output.as_ref());
        succeed(deps, detail, callback, output.map(String::as_str)).await
    } else {
        let reason = reason::of(&*deps.executions, detail, record).await;
        let doing = format!("sending the result of run {}", detail.name);
        let answered = deps.callbacks.fail(&callback.token, &reason).await;
        answered.doing(|| &doing)
    };
    Ok(match outcome? {
        CallbackOutcome::Now => Told::Answered,
        CallbackOutcome::Before => Told::AnsweredBefore,
    })
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
