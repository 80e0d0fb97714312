//! What is known about every call of a function: what it was about, how long it took, how it failed.
//!
//! Logs are JSON lines. Each line that is written while a function works has a member `span` with
//! the function, the request id of the invocation, and the run, slice, round and job that the
//! call's payload names. No log line holds a cell, a prompt or an answer; only this project's
//! crates are logged below `warn`, since the SDK's lines hold whole requests.

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

/// The beginning of the names of this project's crates.
const OWN_CRATES: &str = "quarry";

/// What a call is about; members of its log lines where they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallSubject {
    /// The execution's name.
    pub run: Option<String>,
    /// The slice's number.
    pub slice: Option<u32>,
    /// The round of asking.
    pub round: Option<u32>,
    /// The job's ARN.
    pub job: Option<String>,
}

/// A payload that says what its call is about.
pub trait About {
    /// What it names.
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
    /// What it is about.
    pub subject: CallSubject,
}

/// Works `work` off inside the call's span, logs its failure and measures it.
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
    // At the level of errors, so that the span is there whatever the log level is.
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

/// Writes log lines as JSON: of this project's crates down to `level`, of all others warnings and
/// errors at most.
///
/// Lines have a time, since Lambda takes a line without one for `INFO` whatever its level is
/// (Lambda developer guide, "Log-level filtering").
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
