//! The common part of every function's `main`: logs as JSON lines, metrics, the runtime's loop, and
//! errors by name.

use crate::clock::{Clock, SystemClock, UntilDeadline};
use crate::environment::environment;
use crate::error::StepError;
use crate::metrics::{EmbeddedMetrics, Metrics};
use crate::telemetry::{About, Call, CallSubject, observe, subscriber};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use quarry_contract::{check_version, members};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tracing::level_filters::LevelFilter;

/// How long before its deadline a function stops beginning new work: enough time to finish uploads
/// and to write a checkpoint.
pub const DEADLINE_MARGIN: Duration = Duration::from_mins(1);

/// The deployment's name if `QUARRY_DEPLOYMENT` is not set.
const DEFAULT_DEPLOYMENT: &str = "quarry";

/// A function's logs and metrics.
#[derive(Clone)]
pub struct Telemetry {
    function: &'static str,
    metrics: Arc<dyn Metrics>,
}

impl Telemetry {
    /// Starts to log to standard output, at the level of `AWS_LAMBDA_LOG_LEVEL` (`info` if it is
    /// absent or not a level). `function` is the function's name, e.g. `plan`.
    pub fn start(function: &'static str) -> Self {
        let level = environment("AWS_LAMBDA_LOG_LEVEL")
            .and_then(|text| text.parse().ok())
            .unwrap_or(LevelFilter::INFO);
        // Fails only if the process logs already.
        let _ = tracing::subscriber::set_global_default(subscriber(level, io::stdout));
        let deployment =
            environment("QUARRY_DEPLOYMENT").unwrap_or_else(|| DEFAULT_DEPLOYMENT.to_owned());
        Self {
            function,
            metrics: Arc::new(EmbeddedMetrics::new(deployment, function, io::stdout())),
        }
    }

    /// Returns the receiver of the function's metrics.
    pub fn metrics(&self) -> Arc<dyn Metrics> {
        Arc::clone(&self.metrics)
    }
}

/// Reads the payload, and handles the call inside its span, measured. A payload that cannot be read
/// fails as `Quarry.BadRequest`, like any other step, so that the state machine knows the error.
pub async fn respond<I, O, F>(
    function: &'static str,
    request_id: &str,
    metrics: &dyn Metrics,
    payload: Value,
    handle: impl FnOnce(I) -> F,
) -> Result<O, StepError>
where
    I: About + DeserializeOwned,
    F: Future<Output = Result<O, StepError>>,
{
    let call = |subject| Call {
        function,
        request_id,
        subject,
    };
    match read_payload::<I>(payload) {
        Ok(input) => observe(call(input.subject()), metrics, handle(input)).await,
        Err(error) => observe(call(CallSubject::default()), metrics, async { Err(error) }).await,
    }
}

/// Reads a payload of this version. The error names the member.
fn read_payload<I: DeserializeOwned>(payload: Value) -> Result<I, StepError> {
    // The events of AWS have a text as `version`, or none.
    if let Some(version) = payload.get("version").and_then(Value::as_u64) {
        let version = u32::try_from(version).unwrap_or(u32::MAX);
        check_version("the payload", version).map_err(StepError::bad_request)?;
    }
    members::from_value(payload).map_err(|error| {
        let remedy = if error.path.split('.').next() == Some("request") {
            "; correct the input of the execution: `request` is what it was started with"
        } else {
            ""
        };
        StepError::bad_request(format!("the payload cannot be read: {error}{remedy}"))
    })
}

/// Serves a function until Lambda ends the sandbox. `handle` gets the payload and the remaining
/// time.
pub async fn serve<I, O, H, F>(telemetry: Telemetry, handle: H) -> Result<(), lambda_runtime::Error>
where
    I: About + DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
    H: Fn(I, UntilDeadline) -> F + Sync,
    F: Future<Output = Result<O, StepError>> + Send,
{
    let (telemetry, handle) = (&telemetry, &handle);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let deadline = event
            .context
            .deadline()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        // Handlers' futures are large, and would otherwise be moved more than once here.
        let time_left = UntilDeadline::new(deadline, SystemClock.now(), DEADLINE_MARGIN);
        let work = |input| Box::pin(handle(input, time_left));
        let LambdaEvent { payload, context } = event;
        let metrics = &*telemetry.metrics;
        respond(
            telemetry.function,
            &context.request_id,
            metrics,
            payload,
            work,
        )
        .await
        .map_err(|error| diagnostic(&error))
    }))
    .await
}

/// Returns a failed step as Lambda reports it, and as Step Functions then reads it.
fn diagnostic(error: &StepError) -> Diagnostic {
    Diagnostic {
        error_type: error.name().to_owned(),
        error_message: error.full_message(),
    }
}
