//! What every function's `main` does: logs as JSON lines, the runtime's loop, errors by name.

use crate::clock::UntilDeadline;
use crate::error::StepError;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::time::Duration;
use tracing::level_filters::LevelFilter;

/// How long before its deadline a function stops beginning new work: enough to upload what is
/// under way and to write a checkpoint.
pub const DEADLINE_MARGIN: Duration = Duration::from_mins(1);

/// Serves a function until Lambda ends the sandbox. `handle` gets the payload and how long it
/// still may work.
pub async fn serve<I, O, H, F>(level: Option<&str>, handle: H) -> Result<(), lambda_runtime::Error>
where
    I: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
    H: Fn(I, UntilDeadline) -> F + Sync,
    F: Future<Output = Result<O, StepError>> + Send,
{
    log_as_json(level);
    let handle = &handle;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<I>| async move {
        let deadline = event
            .context
            .deadline()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        handle(event.payload, UntilDeadline::new(deadline, DEADLINE_MARGIN))
            .await
            .map_err(|error| {
                tracing::error!(
                    error_type = error.name(),
                    error = error.full_message(),
                    "failed"
                );
                Diagnostic::from(error)
            })
    }))
    .await
}

/// `level` is the value of `AWS_LAMBDA_LOG_LEVEL`; `info` when absent or not a level.
fn log_as_json(level: Option<&str>) {
    let level = level
        .and_then(|text| text.parse::<LevelFilter>().ok())
        .unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(level)
        .with_current_span(true)
        .without_time()
        .with_target(false)
        .init();
}
