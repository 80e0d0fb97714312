//! A small interpreter for state machines: it supports the part of the Amazon States Language that
//! one workflow of the Standard type needs, runs it on a virtual clock, and enforces the limits of
//! AWS Step Functions.
//!
//! # What it promises
//!
//! - **Nothing is ignored.** [`Definition::load`] refuses, by name and place, everything that is
//!   not in the subset below.
//! - **Waiting costs nothing.** On a jumping [`VirtualClock`], a week of waiting takes
//!   milliseconds, and time stands still while a function runs.
//! - **The service's limits hold**: payload size, length of the event history, names. Every
//!   [`ExecutionOutcome`] says how close the execution came to them.
//!
//! # The subset
//!
//! What `statemachine.asl.json` needs: Task (`lambda:invoke`), Choice, Wait
//! (`SecondsPath`), Pass, Succeed, and Map in distributed mode with Standard children and
//! an `ItemReader` over a JSON list in S3; `InputPath`, `OutputPath`, `ResultPath`, `Parameters`,
//! `ResultSelector`, `Retry` by the names of errors, `TimeoutSeconds`; paths as `$.a.b`, and of the
//! context object `$$.Execution.Id`, `$$.Execution.Name`, `$$.Execution.StartTime` and `$$.Map.Item.Value`; in Choice
//! rules `StringEquals` and `BooleanEquals`.
//!
//! There is neither `Catch` nor a Fail state: a run that failed is redriven from the state that
//! failed ([`Machine::redrive`]).
//!
//! # Example
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//! use std::time::{Duration, UNIX_EPOCH};
//!
//! use quarry_state_machine::{Definition, FunctionError, Host, Machine, Status, VirtualClock};
//! use serde_json::{Value, json};
//!
//! struct Greeter;
//!
//! #[async_trait::async_trait]
//! impl Host for Greeter {
//!     async fn invoke(&self, _function: &str, payload: Value) -> Result<Value, FunctionError> {
//!         Ok(json!(format!("hello {}", payload["name"])))
//!     }
//!
//!     async fn get_object(&self, _bucket: &str, key: &str) -> Result<Vec<u8>, FunctionError> {
//!         Err(FunctionError::new("NoSuchKey", key))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = r#"{
//!     "StartAt": "Rest",
//!     "States": {
//!         "Rest": { "Type": "Wait", "SecondsPath": "$.rest", "Next": "Greet" },
//!         "Greet": {
//!             "Type": "Task",
//!             "Resource": "arn:aws:states:::lambda:invoke",
//!             "Parameters": { "FunctionName": "${Greeter}", "Payload.$": "$" },
//!             "OutputPath": "$.Payload",
//!             "End": true
//!         }
//!     }
//! }"#;
//! let functions = BTreeMap::from([("Greeter".to_owned(), "greeter".to_owned())]);
//! let definition = Definition::load(text, &functions)?;
//! let clock = VirtualClock::starting_at(UNIX_EPOCH);
//! let machine = Machine::new(definition, Arc::new(Greeter), clock, Arc::new(()));
//!
//! let outcome = machine.run("first", json!({"name": 7, "rest": 86_400})).await?;
//! assert_eq!(outcome.status, Status::Succeeded(json!("hello 7")));
//! assert_eq!(outcome.virtual_elapsed, Duration::from_hours(24));
//! assert_eq!(outcome.history_events, 9);
//! # Ok(())
//! # }
//! ```
//!
//! # Differences from the service
//!
//! - The result of `lambda:invoke` has only `Payload` and `StatusCode`, without the headers and
//!   metadata of the HTTP response.
//! - The names of child executions are readable and not UUIDs.
//! - How many events a redrive adds is documented only by example: here one for the redrive, and then
//!   those of the state that is entered again.
//! - A call of a function is dropped when the machine no longer waits for it; a Lambda function
//!   would run to its end.

mod clock;
mod context;
mod definition;
mod execution;
mod expression;
mod failure;
mod hash;
mod history;
mod host;
pub mod limits;
mod machine;
mod map;
mod observer;
mod outcome;
mod path;
mod retrying;
mod task;
mod template;
mod timestamp;
mod visit;
mod whereabouts;

pub use clock::{Hold, Sleep, VirtualClock};
pub use definition::{Definition, DefinitionError, ErrorName, Problem};
pub use host::{FunctionError, Host};
pub use machine::{Execution, Machine, RedriveError, StartError, StopHandle};
pub use observer::{Event, EventKind, Observer, StateType};
pub use outcome::{ChildFailure, ExecutionOutcome, Status};
