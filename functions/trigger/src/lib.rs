//! `trigger`: starts and stops runs for events from outside.
//!
//! | event | what it does |
//! |---|---|
//! | S3 "Object Created" through EventBridge | a data file or a `request.json` in the inbox starts a run |
//! | SQS batch of a SageMaker pipeline's Callback step | starts a run, or stops it |
//!
//! A run's name follows from the event alone, so an event that is delivered twice starts one run.
//!
//! An arrival that `trigger` cannot use fails the invocation, and Lambda sends the event to the
//! dead-letter queue after its retries. For a batch, `trigger` returns the messages that failed,
//! and SQS delivers them again: see [`messages`].

mod arrival;
mod callback;
mod confinement;
mod defaults;
mod deps;
mod event;
pub mod messages;
mod places;
mod repeated;

pub use arrival::Arrived;
pub use confinement::Elsewhere;
pub use deps::Deps;
pub use event::{EventError, Message, ObjectCreated, TriggerEvent};
pub use places::Prefixes;

use messages::BatchAnswer;
use quarry_edge::error::StepError;
use serde::Serialize;

/// What `trigger` returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TriggerOutput {
    /// For an arrival.
    Arrival(Arrived),
    /// For a batch of messages.
    Batch(BatchAnswer),
}

/// Handles an event.
pub async fn handle(deps: &Deps, event: TriggerEvent) -> Result<TriggerOutput, StepError> {
    match event {
        TriggerEvent::ObjectCreated(created) => {
            let arrived = arrival::handle(deps, &created).await?;
            match &arrived {
                Arrived::Started(run) => {
                    tracing::info!(%run, object = %created.object, "run started");
                }
                Arrived::AlreadyRan(run) => {
                    tracing::info!(%run, object = %created.object, "the event was delivered before");
                }
                Arrived::Ignored(reason) => {
                    tracing::info!(object = %created.object, reason, "ignored");
                }
            }
            Ok(TriggerOutput::Arrival(arrived))
        }
        TriggerEvent::Messages(messages) => Ok(TriggerOutput::Batch(
            messages::handle(deps, &messages).await,
        )),
    }
}
