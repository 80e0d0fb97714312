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
//!
//! # What it promises
//!
//! | promise | kept in | test in `tests/it` |
//! |---|---|---|
//! | One event starts one run, however often it is delivered. The same content, written again within an hour, does not start a second run. | `arrival`, `repeated`, `quarry_contract::execution_name` | `arrivals::the_same_event_twice_is_one_run`, `arrivals::a_repeated_put_or_a_copy_in_place_does_not_pay_twice`, `callbacks::a_message_delivered_twice_is_one_run` |
//! | An object that a run writes does not start a run. | `places`, `confinement` | `places`, unit tests of `places` |
//! | A request reads and writes no other pipeline's data, and changes only the settings that its pipeline allows. | `confinement` | `arrivals::a_request_reaches_no_other_pipelines_data_and_changes_no_costs`, `callbacks::a_message_whose_pipeline_has_no_name_reaches_no_pipelines_data`, `callbacks::a_message_changes_no_more_settings_than_a_request_in_the_inbox`, `callbacks::a_pipeline_that_lists_settings_lets_its_step_change_no_others` |
//! | A value that a request leaves out comes from its pipeline, or else from the deployment. | `defaults`, `arrival` | `arrivals::a_pipeline_has_defaults_and_a_schema`, `arrivals::a_schema_in_a_folder_below_the_pipelines_folder_is_not_the_pipelines`, `arrivals::a_request_names_what_it_wants_and_the_rest_is_its_pipelines` |
//! | A pipeline that is stopped has no run afterwards, in whatever order the messages arrive. | `callback` | `callbacks::a_stop_that_overtakes_the_start_keeps_the_run_from_starting`, `callbacks::a_stop_between_the_check_and_the_start_stops_the_run`, `errors::a_stop_that_leaves_no_mark_is_delivered_again_and_stops_nothing` |
//! | A message that can never work gets a failure by name and is reported. A message that may work later is only reported. | `messages` | `callbacks::a_message_that_can_never_work_gets_a_failure_by_name_and_is_reported`, `callbacks::a_transient_failure_is_delivered_again_without_a_callback` |
//! | An arrival leaves one note and nothing else. | `repeated` | `errors::an_arrival_leaves_one_note_and_nothing_else` |
//! | Each error names its kind and its place, and starts nothing. | everywhere | `errors`, `arrivals::a_request_that_cannot_be_used_is_refused_by_name_and_starts_nothing` |

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
