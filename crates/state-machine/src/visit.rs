//! One stay in a state, and the service's words for what fails there.

use crate::definition::{MapState, State, Task};
use crate::expression::{PathNotFound, Scope};
use crate::failure::{StateFailure, names};
use crate::template::{ComputedField, PayloadTemplate, TemplateError};
use serde_json::Value;

/// One stay in a state.
#[derive(Clone, Copy)]
pub(crate) struct Visit<'g> {
    pub(crate) state: &'g State,
    pub(crate) event_id: u64,
}

/// A state's output, and the state that follows unless the execution ends.
pub(crate) type Step<'g> = (Value, Option<&'g str>);

/// What a state does between its input and its result.
#[derive(Clone, Copy)]
pub(crate) enum StateWork<'g> {
    Task(&'g Task),
    Map(&'g MapState),
}

impl Visit<'_> {
    /// Returns the error for data that the definition cannot be applied to, such as a path that leads
    /// nowhere. The service neither retries nor catches it.
    pub(crate) fn runtime_error(&self, message: &str) -> StateFailure {
        StateFailure::terminal(names::RUNTIME, self.located(message))
    }

    pub(crate) fn located(&self, message: &str) -> String {
        format!(
            "An error occurred while executing the state '{}' (entered at the event id #{}). {message}",
            self.state.name, self.event_id
        )
    }

    /// Returns the error for an output above the size limit.
    pub(crate) fn output_too_large(&self) -> StateFailure {
        let name = &self.state.name;
        StateFailure::terminal(names::DATA_LIMIT_EXCEEDED, too_large(name))
    }
}

/// Returns the service's words for a payload above the size limit.
pub(crate) fn too_large(what: &str) -> String {
    format!(
        "The state/task '{what}' returned a result with a size exceeding the maximum number of \
         bytes service limit."
    )
}

/// Fills in a payload template of the state.
pub(crate) fn fill(
    visit: Visit<'_>,
    template: &PayloadTemplate,
    scope: &Scope<'_>,
) -> Result<Value, StateFailure> {
    template
        .evaluate(scope)
        .map_err(|error| evaluation_failure(visit, scope.input, &error))
}

/// Computes a field of the state.
pub(crate) fn computed(
    visit: Visit<'_>,
    field: &ComputedField,
    scope: &Scope<'_>,
) -> Result<Value, StateFailure> {
    field
        .evaluate(scope)
        .map_err(|error| evaluation_failure(visit, scope.input, &error))
}

fn evaluation_failure(visit: Visit<'_>, input: &Value, error: &TemplateError) -> StateFailure {
    let (field, path) = (&error.field, &error.error.path);
    let input = abbreviated(input);
    visit.runtime_error(&format!(
        "The JSONPath '{path}' specified for the field '{field}' could not be found in the input \
         '{input}'"
    ))
}

pub(crate) fn path_failure(visit: Visit<'_>, PathNotFound { path }: PathNotFound) -> StateFailure {
    visit.runtime_error(&format!("Invalid path '{path}' : No results for path"))
}

pub(crate) fn result_path_failure(visit: Visit<'_>, message: &str) -> StateFailure {
    StateFailure::error(names::RESULT_PATH_MATCH_FAILURE, visit.located(message))
}

/// Returns the beginning of a value's JSON text, for messages.
fn abbreviated(value: &Value) -> String {
    const LONGEST: usize = 1_000;
    let mut text = value.to_string();
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}
