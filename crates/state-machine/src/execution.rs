//! The interpreter: one execution, state by state.
//!
//! The order within a state is that of the language: `InputPath`, `Parameters`, the state's work,
//! `ResultSelector`, `ResultPath`, `OutputPath`. What a Task or Map state does about an error is in
//! [`retrying`](crate::retrying).

use crate::clock::{Hold, VirtualClock};
use crate::context::{ContextObject, ExecutionContext};
use crate::definition::{ChoiceState, Definition, Graph, Pass, State, StateBody, Wait};
use crate::expression::{Expression, Scope};
use crate::failure::{ErrorCause, StateFailure, names};
use crate::history::History;
use crate::host::Host;
use crate::limits::fits_payload;
use crate::observer::{EventKind, Observer, StateType};
use crate::outcome::Tally;
use crate::template::PayloadTemplate;
use crate::visit::{StateWork, Step, Visit, fill, path_failure, result_path_failure};
use crate::whereabouts::Whereabouts;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What all executions of a machine have in common.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) definition: Definition,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) clock: VirtualClock,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) jitter_seed: u64,
}

/// An execution in progress. Dropping it ends it where it is.
pub(crate) struct Run {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) context: ExecutionContext,
    pub(crate) history: Arc<History>,
    pub(crate) hold: Hold,
    pub(crate) whereabouts: Arc<Whereabouts>,
    /// Whether the execution was redriven and is still in the state where it ended before.
    pub(crate) resumes: bool,
    /// Closed when this execution and all its children are gone.
    pub(crate) alive: mpsc::Sender<()>,
}

impl State {
    fn state_type(&self) -> StateType {
        match &self.body {
            StateBody::Choice(_) => StateType::Choice,
            StateBody::Map(_) => StateType::Map,
            StateBody::Pass(_) => StateType::Pass,
            StateBody::Succeed => StateType::Succeed,
            StateBody::Task(_) => StateType::Task,
            StateBody::Wait(_) => StateType::Wait,
        }
    }
}

impl Run {
    /// Runs the execution from its first event to its last.
    pub(crate) async fn complete(
        &mut self,
        graph: &Graph,
        input: Value,
    ) -> Result<Value, StateFailure> {
        let started = self.history.record(if self.resumes {
            EventKind::ExecutionRedriven {
                count: self.whereabouts.redrives(),
            }
        } else {
            EventKind::ExecutionStarted { input: &input }
        });
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
        let resumed = self.whereabouts.state().filter(|_| self.resumes);
        let (mut name, mut value) = match &resumed {
            Some(at) => (at.name.as_str(), at.input.clone()),
            None => (graph.start_at.as_str(), input),
        };
        self.resumes = resumed.is_some();
        loop {
            let state = graph.states.get(name).ok_or_else(|| {
                StateFailure::terminal(names::RUNTIME, format!("There is no state '{name}'."))
            })?;
            if !self.resumes {
                self.whereabouts.enter(name, &value);
            }
            let (output, next) = self.run_state(state, value).await?;
            self.resumes = false;
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
        let visit = Visit { state, event_id };
        let (output, next) = match &state.body {
            StateBody::Choice(choice) => self.choose(visit, choice, &input)?,
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
        let scope = self.scope(&effective);
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
        let duration = self.wait_duration(visit, &wait.seconds, &effective)?;
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
            .evaluate(&self.scope(input))
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

    /// Returns the part of the input that `InputPath` selects.
    pub(crate) fn effective_input<'v>(
        &'v self,
        visit: Visit<'v>,
        input: &'v Value,
    ) -> Result<Cow<'v, Value>, StateFailure> {
        self.selected(visit, visit.state.input_path.as_ref(), input)
    }

    pub(crate) fn selected_output(
        &self,
        visit: Visit<'_>,
        output: Value,
    ) -> Result<Value, StateFailure> {
        if visit.state.output_path.is_none() {
            return Ok(output);
        }
        let selected = self.selected(visit, visit.state.output_path.as_ref(), &output)?;
        Ok(selected.into_owned())
    }

    fn selected<'v>(
        &'v self,
        visit: Visit<'v>,
        path: Option<&Expression>,
        value: &'v Value,
    ) -> Result<Cow<'v, Value>, StateFailure> {
        let Some(path) = path else {
            return Ok(Cow::Borrowed(value));
        };
        path.evaluate(&self.scope(value))
            .map_err(|error| path_failure(visit, error))
    }

    pub(crate) fn filled(
        &self,
        visit: Visit<'_>,
        template: &PayloadTemplate,
        input: &Value,
    ) -> Result<Value, StateFailure> {
        fill(visit, template, &self.scope(input))
    }

    /// Returns the values that the state's paths can refer to if `$` stands for `input`.
    pub(crate) fn scope<'v>(&'v self, input: &'v Value) -> Scope<'v> {
        Scope {
            input,
            context: ContextObject {
                execution: &self.context,
                item: None,
            },
        }
    }
}
