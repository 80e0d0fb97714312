//! The logs and metrics of every call of a function: its subject, its duration, its failure.
//!
//! Logs are JSON lines. Each line that is written while a function works has a member `span` with
//! the function, the request id of the invocation, and the run, slice, round and job that the
//! call's payload names. No log line contains a cell, a prompt or an answer. Below `warn`, only
//! this project's crates are logged, since the SDK's lines contain whole requests.

use crate::error::{StepError, StepErrorKind};
use crate::metrics::{Metric, Metrics};
use quarry_contract::payload::{FinishInput, PlanInput, SliceState};
use std::future::Future;
use std::time::Instant;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// The beginning of this project's crate names.
const OWN_CRATES: &str = "quarry";

/// The subject of a call. The known fields become members of its log lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallSubject {
    /// The execution's name.
    pub run: Option<String>,
    /// The slice's number.
    pub slice: Option<u32>,
    /// The number of the round.
    pub round: Option<u32>,
    /// The job's ARN.
    pub job: Option<String>,
}

/// A payload that names the subject of its call.
pub trait About {
    /// Returns the subject.
    fn subject(&self) -> CallSubject;
}

impl About for PlanInput {
    fn subject(&self) -> CallSubject {
        CallSubject {
            run: Some(self.execution.clone()),
            ..CallSubject::default()
        }
    }
}

impl About for SliceState {
    fn subject(&self) -> CallSubject {
        CallSubject {
            run: Some(self.run.file_name().to_owned()),
            slice: Some(self.slice),
            round: Some(self.round),
            job: self.job.as_ref().map(|job| job.arn.clone()),
        }
    }
}

impl About for FinishInput {
    fn subject(&self) -> CallSubject {
        CallSubject {
            run: Some(self.run.file_name().to_owned()),
            ..CallSubject::default()
        }
    }
}

/// One call of a function.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// The function's name, e.g. `plan`.
    pub function: &'static str,
    /// The invocation's request id.
    pub request_id: &'a str,
    /// The subject of the call.
    pub subject: CallSubject,
}

/// Runs `work` inside the call's span, logs its failure and measures it.
pub async fn observe<T>(
    call: Call<'_>,
    metrics: &dyn Metrics,
    work: impl Future<Output = Result<T, StepError>>,
) -> Result<T, StepError> {
    let Call {
        function,
        request_id,
        subject,
    } = call;
    // The span has the level of errors, so that it exists at every log level.
    let span = tracing::error_span!(
        "call",
        function,
        request_id,
        run = subject.run,
        slice = subject.slice,
        round = subject.round,
        job = subject.job,
    );
    let began = Instant::now();
    let result = work.instrument(span.clone()).await;
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut values = vec![
        (Metric::FunctionMilliseconds, took),
        (Metric::FunctionErrors, u64::from(result.is_err())),
    ];
    if let Err(error) = &result {
        span.in_scope(|| {
            tracing::error!(
                error_type = error.name(),
                error = error.full_message(),
                "failed"
            );
        });
        match error.kind() {
            StepErrorKind::Throttled => values.push((Metric::Throttles, 1)),
            StepErrorKind::QuotaExceeded => values.push((Metric::QuotaWaits, 1)),
            _ => {}
        }
    }
    metrics.emit(&values);
    result
}

/// Writes log lines as JSON: those of this project's crates down to `level`, and only warnings and
/// errors of all others.
///
/// Lines have a time, since Lambda treats a line without one as `INFO`, whatever its level (Lambda
/// developer guide, "Log-level filtering").
pub fn subscriber<W>(level: LevelFilter, out: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(out);
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(OWN_CRATES, level);
    tracing_subscriber::registry().with(targets).with(lines)
}
