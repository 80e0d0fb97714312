//! Messages of SageMaker pipelines, in batches from SQS.
//!
//! Messages are processed one after the other. The output names those that failed
//! (`ReportBatchItemFailures`), so that SQS delivers only them again:
//!
//! - **Errors that may be transient** (throttling, an outage, a missing permission): the message is
//!   delivered again, and ends in the dead-letter queue if the error persists. The pipeline waits
//!   meanwhile; moving the message back to the queue starts the run.
//! - **Permanent errors** (an unknown argument, a body that is not a message) would make the
//!   pipeline wait until its step times out. If the token can be read, the step fails at once, with
//!   the reason. The message is also returned as failed, so that it ends in the dead-letter queue
//!   with the reason in the log. Sending the step a second result is harmless.

use crate::callback::{self, StepStatus};
use crate::deps::Deps;
use crate::event::Message;
use quarry_edge::callbacks::{CallbackOutcome, FailureReason};
use quarry_edge::error::{StepError, StepErrorKind};
use serde::Serialize;

/// The response to a batch (`SQSBatchResponse`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// Messages to be delivered again.
    pub batch_item_failures: Vec<ItemFailure>,
}

/// A message to be delivered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFailure {
    /// Its `messageId`.
    pub item_identifier: String,
}

pub(crate) async fn handle(deps: &Deps, messages: &[Message]) -> BatchAnswer {
    let mut answer = BatchAnswer::default();
    for message in messages {
        if let Err(error) = one(deps, message).await {
            tracing::error!(
                message_id = message.id,
                error_type = error.name(),
                error = error.full_message(),
                "message failed"
            );
            answer.batch_item_failures.push(ItemFailure {
                item_identifier: message.id.clone(),
            });
        }
    }
    answer
}

async fn one(deps: &Deps, message: &Message) -> Result<(), StepError> {
    let asked = callback::read(&message.body);
    let result = match &asked.meaning {
        Ok((callback, StepStatus::Executing, arguments)) => {
            callback::start(deps, callback, arguments).await
        }
        Ok((callback, StepStatus::Stopping, _)) => callback::stop(deps, callback).await,
        Err(reason) => Err(StepError::bad_request(reason.clone())),
    };
    let Err(error) = result else { return Ok(()) };
    if let (Some(token), StepErrorKind::BadRequest | StepErrorKind::Refused) =
        (&asked.token, error.kind())
    {
        let reason = FailureReason::new(&error.full_message());
        match deps.callbacks.fail(token, &reason).await {
            Ok(CallbackOutcome::Now) => {
                tracing::info!(message_id = message.id, "sent the pipeline the failure");
            }
            Ok(CallbackOutcome::Before) => {}
            Err(unanswered) => {
                let unanswered =
                    StepError::of(unanswered, "sending the result of the pipeline's step");
                tracing::error!(
                    message_id = message.id,
                    error_type = unanswered.name(),
                    error = unanswered.full_message(),
                    "the pipeline did not get the failure"
                );
            }
        }
    }
    Err(error)
}
