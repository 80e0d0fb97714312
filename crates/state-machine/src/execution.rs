//! The interpreter: one execution, state by state.
//!
//! The order within a state is that of the language: `InputPath`, `Parameters`, the state's work,
//! `ResultSelector`, `ResultPath`, `OutputPath`; an error of a Task or Map state goes through
//! `Retry`, then `Catch`, whose output passes its own `ResultPath` only.

use crate::clock::{Hold, VirtualClock};
use crate::context::{ContextObject, ExecutionContext};
use crate::definition::{
    ChoiceState, Definition, Fail, FailText, Graph, MapState, OutcomePolicy, Pass, PathSelection,
    Retrier, State, StateBody, Task, Wait, WaitDuration,
};
use crate::expression::{Expression, PathNotFound, Scope};
use crate::failure::{ErrorCause, StateFailure, names};
use crate::history::History;
use crate::host::{FunctionError, Host};
use crate::limits::fits_payload;
use crate::observer::{EventKind, Observer, StateType};
use crate::outcome::Tally;
use crate::template::{PayloadTemplate, TemplateError};
use futures::future::{Either, select};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;

/// What all executions of a machine have in common.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) definition: Definition,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) clock: VirtualClock,
    pub(crate) observer: Arc<dyn Observer>,
    /// ARN of the state machine.
    pub(crate) arn: String,
    pub(crate) jitter_seed: u64,
}

/// An execution in progress. Dropping it ends it where it is.
pub(crate) struct Run {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) context: ExecutionContext,
    pub(crate) history: Arc<History>,
    pub(crate) hold: Hold,
    /// Map Runs begun.
    pub(crate) map_runs: u64,
    /// Closed when this execution and all its children are gone.
    pub(crate) alive: mpsc::Sender<()>,
}

/// One stay in a state.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'g> {
    pub(crate) state: &'g State,
    pub(crate) entered: SystemTime,
    pub(crate) event_id: u64,
    pub(crate) retries: u64,
}

/// A state's output, and the state that follows unless the execution ends.
type Step<'g> = (Value, Option<&'g str>);

impl State {
    fn state_type(&self) -> StateType {
        match &self.body {
            StateBody::Choice(_) => StateType::Choice,
            StateBody::Fail(_) => StateType::Fail,
            StateBody::Map(_) => StateType::Map,
            StateBody::Pass(_) => StateType::Pass,
            StateBody::Succeed => StateType::Succeed,
            StateBody::Task(_) => StateType::Task,
            StateBody::Wait(_) => StateType::Wait,
        }
    }
}

impl Visit<'_> {
    /// An error in the definition's dealings with the data at hand. The service neither retries
    /// nor catches it.
    pub(crate) fn runtime_error(&self, message: &str) -> StateFailure {
        StateFailure::terminal(names::RUNTIME, self.located(message))
    }

    fn located(&self, message: &str) -> String {
        format!(
            "An error occurred while executing the state '{}' (entered at the event id #{}). {message}",
            self.state.name, self.event_id
        )
    }

    /// The error for a payload above the limit, at the end of a state.
    fn output_too_large(&self) -> StateFailure {
        let name = &self.state.name;
        StateFailure::terminal(names::DATA_LIMIT_EXCEEDED, too_large(name))
    }
}

/// The service's words for a payload above the limit.
pub(crate) fn too_large(what: &str) -> String {
    format!(
        "The state/task '{what}' returned a result with a size exceeding the maximum number of \
         bytes service limit."
    )
}

impl Run {
    /// Runs the execution from its first event to its last.
    pub(crate) async fn complete(
        &mut self,
        graph: &Graph,
        input: Value,
    ) -> Result<Value, StateFailure> {
        let started = self
            .history
            .record(EventKind::ExecutionStarted { input: &input });
        let result = match started {
            Ok(_) => self.run_states(graph, input).await,
            Err(failure) => Err(failure),
        };
        self.history.finish(match &result {
            Ok(output) => EventKind::ExecutionSucceeded { output },
            Err(failure) => {
                let ErrorCause { error, cause } = failure.error_cause();
                EventKind::ExecutionFailed { error, cause }
            }
        });
        result
    }

    async fn run_states(&mut self, graph: &Graph, input: Value) -> Result<Value, StateFailure> {
        let mut name = graph.start_at.as_str();
        let mut value = input;
        loop {
            let state = graph.states.get(name).ok_or_else(|| {
                StateFailure::terminal(names::RUNTIME, format!("There is no state '{name}'."))
            })?;
            let (output, next) = self.run_state(state, value).await?;
            value = output;
            match next {
                Some(next) => name = next,
                None => return Ok(value),
            }
        }
    }

    async fn run_state<'g>(
        &mut self,
        state: &'g State,
        input: Value,
    ) -> Result<Step<'g>, StateFailure> {
        let state_type = state.state_type();
        self.tally.transition();
        let event_id = self.history.record(EventKind::StateEntered {
            state: &state.name,
            state_type,
            input: &input,
        })?;
        let visit = Visit {
            state,
            entered: self.shared.clock.now(),
            event_id,
            retries: 0,
        };
        let (output, next) = match &state.body {
            StateBody::Choice(choice) => self.choose(visit, choice, &input)?,
            StateBody::Fail(fail) => return Err(self.fail(visit, fail, &input)),
            StateBody::Pass(pass) => (self.pass(visit, pass, &input)?, pass.then.next()),
            StateBody::Succeed => {
                let output = self.effective_input(visit, &input)?.into_owned();
                (self.selected_output(visit, output)?, None)
            }
            StateBody::Wait(wait) => (self.wait(visit, wait, &input).await?, wait.then.next()),
            StateBody::Task(task) => {
                let work = StateWork::Task(task);
                self.work_with_policy(visit, work, &task.outcome, &input)
                    .await?
            }
            StateBody::Map(map) => {
                let work = StateWork::Map(map);
                self.work_with_policy(visit, work, &map.outcome, &input)
                    .await?
            }
        };
        if !fits_payload(&output) {
            return Err(visit.output_too_large());
        }
        self.history.record(EventKind::StateExited {
            state: &state.name,
            state_type,
            output: &output,
        })?;
        Ok((output, next))
    }

    fn choose<'g>(
        &self,
        visit: Visit<'g>,
        choice: &'g ChoiceState,
        input: &Value,
    ) -> Result<Step<'g>, StateFailure> {
        let effective = self.effective_input(visit, input)?;
        let scope = self.scope(visit, &effective);
        let mut next = choice.default.as_deref();
        for rule in &choice.rules {
            let holds = rule.holds(&scope).map_err(|variable| {
                visit.runtime_error(&format!(
                    "Invalid path '{variable}': The choice state's condition path references an \
                     invalid value."
                ))
            })?;
            if holds {
                next = Some(&rule.next);
                break;
            }
        }
        if next.is_none() {
            let message = visit.located("No choice rule matched and there is no Default.");
            return Err(StateFailure::terminal(names::NO_CHOICE_MATCHED, message));
        }
        let output = effective.into_owned();
        Ok((self.selected_output(visit, output)?, next))
    }

    fn fail(&self, visit: Visit<'_>, fail: &Fail, input: &Value) -> StateFailure {
        let scope = self.scope(visit, input);
        let text = |text: &FailText, field: &str| match text {
            FailText::None => Ok(String::new()),
            FailText::Literal(text) => Ok(text.clone()),
            FailText::Computed(expression) => {
                let value = expression
                    .evaluate(&scope)
                    .map_err(|error| evaluation_failure(visit, field, input, error))?;
                match value.as_ref() {
                    Value::String(text) => Ok(text.clone()),
                    other => Err(visit.runtime_error(&format!(
                        "The {field} field must refer to text, not {other}: {expression}"
                    ))),
                }
            }
        };
        let error = text(&fail.error, "ErrorPath");
        let cause = text(&fail.cause, "CausePath");
        match (error, cause) {
            (Ok(error), Ok(cause)) => StateFailure::terminal(error, cause),
            (Err(failure), _) | (_, Err(failure)) => failure,
        }
    }

    fn pass(&self, visit: Visit<'_>, pass: &Pass, input: &Value) -> Result<Value, StateFailure> {
        let effective = self.effective_input(visit, input)?;
        let computed = match &pass.parameters {
            Some(template) => Some(self.filled(visit, template, &effective)?),
            None => None,
        };
        let result = match (&pass.result, computed) {
            (Some(result), _) => result.clone(),
            (None, Some(computed)) => computed,
            (None, None) => effective.into_owned(),
        };
        let output = pass
            .result_path
            .place(input, result)
            .map_err(|message| result_path_failure(visit, &message))?;
        self.selected_output(visit, output)
    }

    async fn wait(
        &mut self,
        visit: Visit<'_>,
        wait: &Wait,
        input: &Value,
    ) -> Result<Value, StateFailure> {
        let effective = self.effective_input(visit, input)?;
        let duration = match &wait.duration {
            WaitDuration::Seconds(seconds) => Duration::from_secs(*seconds),
            WaitDuration::SecondsPath(path) => self.wait_duration(visit, path, &effective)?,
        };
        let output = effective.into_owned();
        self.history.show(EventKind::Waiting {
            state: &visit.state.name,
            duration,
        });
        self.hold.sleep(duration).await;
        self.selected_output(visit, output)
    }

    fn wait_duration(
        &self,
        visit: Visit<'_>,
        path: &Expression,
        input: &Value,
    ) -> Result<Duration, StateFailure> {
        let value = path
            .evaluate(&self.scope(visit, input))
            .map_err(|error| path_failure(visit, error))?;
        let refused = |why: &str| {
            Err(visit.runtime_error(&format!(
                "The SecondsPath parameter {why}: {path} == {value}"
            )))
        };
        match (value.as_u64(), value.as_i64()) {
            (Some(seconds), _) if i32::try_from(seconds).is_ok() => {
                Ok(Duration::from_secs(seconds))
            }
            (Some(_), _) => Err(visit.runtime_error("Wait state delay is too long.")),
            (None, Some(_)) => refused("references a negative value"),
            (None, None) => refused("cannot be parsed as a long value"),
        }
    }

    /// Does the work of a Task or Map state until it succeeds, or until neither `Retry` nor
    /// `Catch` has an answer to its error.
    async fn work_with_policy<'g>(
        &mut self,
        visit: Visit<'g>,
        work: StateWork<'g>,
        policy: &'g OutcomePolicy,
        input: &Value,
    ) -> Result<Step<'g>, StateFailure> {
        let mut visit = visit;
        let state = visit.state.name.as_str();
        let mut used = vec![0; policy.retry.len()];
        let ErrorCause { error, cause } = loop {
            let result = match work {
                StateWork::Task(task) => self.call(visit, task, input).await,
                StateWork::Map(map) => self.map(visit, map, input).await,
            };
            let output = result.and_then(|result| self.placed(visit, policy, input, result));
            let error = match output {
                Ok(output) => return Ok((output, policy.then.next())),
                Err(StateFailure::Error(error)) => error,
                Err(terminal @ StateFailure::Terminal(_)) => return Err(terminal),
            };
            let retrier = policy
                .retry
                .iter()
                .zip(&mut used)
                .find(|(retrier, _)| retrier.errors.matches(&error.error))
                .filter(|(retrier, used)| **used < retrier.max_attempts);
            let Some((retrier, used)) = retrier else {
                break error;
            };
            let delay = self.retry_delay(visit, retrier, *used);
            *used += 1;
            visit.retries += 1;
            self.history.show(EventKind::Retrying {
                state,
                error: &error.error,
                retry: visit.retries,
                delay,
            });
            self.hold.sleep(delay).await;
            self.tally.transition();
        };
        if matches!(work, StateWork::Map(_)) {
            self.history.record(EventKind::MapStateFailed { state })?;
        }
        let catcher = policy
            .catch
            .iter()
            .find(|catcher| catcher.errors.matches(&error));
        let Some(catcher) = catcher else {
            return Err(StateFailure::error(error, cause));
        };
        self.history.show(EventKind::Caught {
            state,
            error: &error,
            next: &catcher.next,
        });
        let output = catcher
            .result_path
            .place(input, json!({"Error": error, "Cause": cause}))
            .map_err(|message| result_path_failure(visit, &message))?;
        Ok((output, Some(&catcher.next)))
    }

    fn retry_delay(&self, visit: Visit<'_>, retrier: &Retrier, used: u64) -> Duration {
        if !retrier.full_jitter {
            return retrier.delay(used, 1.0);
        }
        // Any value would be right; this one is the same in every run with the same seed.
        let mut hasher = Fnv::default();
        hasher.write(&self.shared.jitter_seed.to_le_bytes());
        hasher.write(self.context.name.as_bytes());
        hasher.write(visit.state.name.as_bytes());
        hasher.write(&visit.retries.to_le_bytes());
        let spread = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
        retrier.delay(used, f64::from(spread) / f64::from(u32::MAX))
    }

    /// One attempt of a Task state: the call, and the result in the form `lambda:invoke` gives it.
    async fn call(
        &mut self,
        visit: Visit<'_>,
        task: &Task,
        input: &Value,
    ) -> Result<Value, StateFailure> {
        let state = visit.state.name.as_str();
        let function = task.function.as_str();
        let payload = {
            let effective = self.effective_input(visit, input)?;
            self.filled(visit, &task.payload, &effective)?
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

    /// Calls the function. Nothing if the state's `TimeoutSeconds` went by, on the clock, before
    /// it was done.
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
                // In force only where time passes by itself.
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

    /// The output that the result of a Task or Map state makes with its input.
    fn placed(
        &self,
        visit: Visit<'_>,
        policy: &OutcomePolicy,
        input: &Value,
        result: Value,
    ) -> Result<Value, StateFailure> {
        let result = match &policy.result_selector {
            Some(template) => self.filled(visit, template, &result)?,
            None => result,
        };
        let output = policy
            .result_path
            .place(input, result)
            .map_err(|message| result_path_failure(visit, &message))?;
        self.selected_output(visit, output)
    }

    /// The input as `InputPath` leaves it.
    pub(crate) fn effective_input<'v>(
        &'v self,
        visit: Visit<'v>,
        input: &'v Value,
    ) -> Result<Cow<'v, Value>, StateFailure> {
        self.selected(visit, &visit.state.input_path, input)
    }

    fn selected_output(&self, visit: Visit<'_>, output: Value) -> Result<Value, StateFailure> {
        match &visit.state.output_path {
            PathSelection::Everything => Ok(output),
            path => Ok(self.selected(visit, path, &output)?.into_owned()),
        }
    }

    fn selected<'v>(
        &'v self,
        visit: Visit<'v>,
        selection: &PathSelection,
        value: &'v Value,
    ) -> Result<Cow<'v, Value>, StateFailure> {
        match selection {
            PathSelection::Everything => Ok(Cow::Borrowed(value)),
            PathSelection::Nothing => Ok(Cow::Owned(Value::Object(Map::new()))),
            PathSelection::Path(path) => path
                .evaluate(&self.scope(visit, value))
                .map_err(|error| path_failure(visit, error)),
        }
    }

    fn filled(
        &self,
        visit: Visit<'_>,
        template: &PayloadTemplate,
        input: &Value,
    ) -> Result<Value, StateFailure> {
        fill(visit, template, &self.scope(visit, input))
    }

    /// What paths of the state see when `input` is what `$` stands for.
    pub(crate) fn scope<'v>(&'v self, visit: Visit<'v>, input: &'v Value) -> Scope<'v> {
        Scope {
            input,
            context: ContextObject {
                execution: &self.context,
                state: &visit.state.name,
                entered: visit.entered,
                retry_count: visit.retries,
                item: None,
            },
        }
    }
}

/// What a state does between its input and its result.
#[derive(Clone, Copy)]
enum StateWork<'g> {
    Task(&'g Task),
    Map(&'g MapState),
}

/// Fills in a payload template of the state.
pub(crate) fn fill(
    visit: Visit<'_>,
    template: &PayloadTemplate,
    scope: &Scope<'_>,
) -> Result<Value, StateFailure> {
    template
        .evaluate(scope)
        .map_err(|TemplateError { field, error }| {
            evaluation_failure(visit, &field, scope.input, error)
        })
}

fn evaluation_failure(
    visit: Visit<'_>,
    field: &str,
    input: &Value,
    PathNotFound { path }: PathNotFound,
) -> StateFailure {
    let input = abbreviated(input);
    visit.runtime_error(&format!(
        "The JSONPath '{path}' specified for the field '{field}' could not be found in the input \
         '{input}'"
    ))
}

pub(crate) fn path_failure(visit: Visit<'_>, PathNotFound { path }: PathNotFound) -> StateFailure {
    visit.runtime_error(&format!("Invalid path '{path}' : No results for path"))
}

fn result_path_failure(visit: Visit<'_>, message: &str) -> StateFailure {
    StateFailure::error(names::RESULT_PATH_MATCH_FAILURE, visit.located(message))
}

/// The beginning of a value's JSON text, for messages.
fn abbreviated(value: &Value) -> String {
    const LONGEST: usize = 1_000;
    let mut text = value.to_string();
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
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

/// FNV-1a: small, and the same on every machine and in every version.
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The state after a finishing step that lets every input bit reach every output bit.
    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    }
}
