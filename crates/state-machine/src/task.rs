//! One attempt of a Task state: the call of its function.

use crate::definition::Task;
use crate::execution::Run;
use crate::failure::{ErrorCause, StateFailure, names};
use crate::host::{FunctionError, Host};
use crate::limits::fits_payload;
use crate::observer::EventKind;
use crate::visit::{Visit, computed, too_large};
use futures::future::{Either, select};
use serde_json::{Map, Value};
use std::time::Duration;

impl Run {
    /// Makes one attempt of a Task state. The result has the form that `lambda:invoke` gives it.
    pub(crate) async fn call(
        &mut self,
        visit: Visit<'_>,
        task: &Task,
        input: &Value,
    ) -> Result<Value, StateFailure> {
        let state = visit.state.name.as_str();
        let function = task.function.as_str();
        let payload = {
            let effective = self.effective_input(visit, input)?;
            computed(visit, &task.payload, &self.scope(&effective))?
        };
        if !fits_payload(&payload) {
            return Err(visit.output_too_large());
        }
        self.history.record(EventKind::TaskScheduled {
            state,
            function,
            payload: &payload,
        })?;
        self.history
            .record(EventKind::TaskStarted { state, function })?;
        let Some(result) = self.invoke(task, payload).await else {
            self.history
                .record(EventKind::TaskTimedOut { state, function })?;
            return Err(StateFailure::error(names::TIMEOUT, ""));
        };
        let failure = match result {
            Ok(payload) => {
                let result = Value::Object(Map::from_iter([
                    ("Payload".to_owned(), payload),
                    ("StatusCode".to_owned(), Value::from(200)),
                ]));
                if fits_payload(&result) {
                    self.history.record(EventKind::TaskSucceeded {
                        state,
                        function,
                        result: &result,
                    })?;
                    return Ok(result);
                }
                ErrorCause {
                    error: names::DATA_LIMIT_EXCEEDED.to_owned(),
                    cause: too_large("lambda"),
                }
            }
            Err(error) => ErrorCause {
                cause: error.cause(),
                error: error.error_type,
            },
        };
        self.history.record(EventKind::TaskFailed {
            state,
            function,
            error: &failure.error,
            cause: &failure.cause,
        })?;
        Err(StateFailure::Error(failure))
    }

    /// Calls the function. Returns `None` if the state's `TimeoutSeconds` passed on the clock before
    /// the call had ended.
    async fn invoke(
        &mut self,
        task: &Task,
        payload: Value,
    ) -> Option<Result<Value, FunctionError>> {
        let clock = &self.shared.clock;
        let started = clock.elapsed();
        let timeout = task.timeout.unwrap_or(Duration::MAX);
        let duration = self.shared.host.duration(&task.function, &payload);
        let call = through_json(&payload, &*self.shared.host, &task.function);
        let result = match task.timeout {
            None => call.await,
            Some(timeout) => {
                // This limit matters only if time passes by itself.
                match select(call, Box::pin(clock.sleep(timeout))).await {
                    Either::Left((result, _)) => result,
                    Either::Right(_) => return None,
                }
            }
        };
        let passed = clock.elapsed().saturating_sub(started);
        let rest = duration.min(timeout).saturating_sub(passed);
        self.hold.sleep(rest).await;
        (duration <= timeout).then_some(result)
    }
}

/// Calls a function the way the service does: its payload and its result travel as JSON text.
fn through_json<'h>(
    payload: &Value,
    host: &'h dyn Host,
    function: &'h str,
) -> futures::future::BoxFuture<'h, Result<Value, FunctionError>> {
    let payload = reparsed(payload);
    Box::pin(async move { reparsed(&host.invoke(function, payload?).await?) })
}

fn reparsed(value: &Value) -> Result<Value, FunctionError> {
    serde_json::to_vec(value)
        .and_then(|text| serde_json::from_slice(&text))
        .map_err(|error| FunctionError::new("Runtime.InvalidJson", error.to_string()))
}
