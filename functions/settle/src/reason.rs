//! Why a run failed, in one line for the pipeline's author.

use crate::event::ExecutionDetail;
use quarry_contract::memory_used_up;
use quarry_edge::callbacks::FailureReason;
use quarry_edge::error::StepError;
use quarry_edge::executions::{Cause, ExecutionRecord, ExecutionRecords, ExecutionStatus};
use serde_json::Value;

/// The error that a Map reports for any failed child; the child's own error says more.
const CHILD_FAILED: &str = "States.ExceedToleratedFailureThreshold";

/// Returns the reason. `record` is what Step Functions says, because its documentation does not
/// promise the error and the cause in events.
pub(crate) async fn of(
    executions: &dyn ExecutionRecords,
    detail: &ExecutionDetail,
    record: &ExecutionRecord,
) -> FailureReason {
    let mut cause = record.failure.clone().unwrap_or_else(|| Cause {
        error: detail.error.clone().unwrap_or_default(),
        cause: detail.cause.clone().unwrap_or_default(),
    });
    if cause.error == CHILD_FAILED {
        match executions.failed_child(&detail.execution_arn).await {
            Ok(Some(child)) => cause = child,
            Ok(None) => {}
            // The Map's error is better than none.
            Err(error) => {
                let error = StepError::of(error, "looking for the slice that failed");
                tracing::warn!(
                    error_type = error.name(),
                    error = error.full_message(),
                    "reporting the Map's error instead"
                );
            }
        }
    }
    let what = match detail.status {
        ExecutionStatus::TimedOut => "the run took longer than it may",
        ExecutionStatus::Aborted => "the run was stopped",
        _ => "the run failed",
    };
    let mut message = message(&cause.cause);
    if memory_used_up::is_reported(&cause.error, &message) {
        let function = last_function(executions, &detail.execution_arn).await;
        message = memory_used_up::in_words(function.as_deref());
    }
    let words = [cause.error.as_str(), &message];
    let words: Vec<&str> = words.into_iter().filter(|text| !text.is_empty()).collect();
    if words.is_empty() {
        FailureReason::new(what)
    } else {
        FailureReason::new(&words.join(": "))
    }
}

/// Returns the name of the function with which the run ended, if it can be found.
async fn last_function(executions: &dyn ExecutionRecords, arn: &str) -> Option<String> {
    match executions.last_function(arn).await {
        Ok(function) => function,
        Err(error) => {
            let error = StepError::of(error, "looking for the function that used up its memory");
            tracing::warn!(
                error_type = error.name(),
                error = error.full_message(),
                "reporting no name"
            );
            None
        }
    }
}

/// Returns the message in a function's error response.
fn message(cause: &str) -> String {
    serde_json::from_str::<Value>(cause)
        .ok()
        .and_then(|response| response.get("errorMessage")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| cause.to_owned())
}
