//! A state machine's definition: loaded, checked, and open to inspection.
//!
//! Loading is where this interpreter is strict. The crate's documentation lists the supported
//! subset of the Amazon States Language. Anything else (a field, a state type, an intrinsic
//! function, a kind of path) is an error that names it and its place. So is everything that the
//! service itself would refuse: states that lead nowhere or that cannot be reached.

mod choice;
mod document;
mod graph;
mod policy;
mod states;
mod substitution;

use crate::limits::MAX_SECONDS;
use document::{FieldReader, StrictJson};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use document::Problems;
pub(crate) use graph::Graph;
pub(crate) use policy::Retrier;
pub(crate) use states::{
    ChoiceState, Fail, FailText, MapState, MaxConcurrency, OutcomePolicy, Pass, PathSelection,
    State, StateBody, Task, Wait, WaitDuration,
};

/// A definition that this interpreter can execute. Clones share it.
#[derive(Debug, Clone)]
pub struct Definition {
    inner: Arc<DefinitionParts>,
}

#[derive(Debug)]
struct DefinitionParts {
    timeout: Option<Duration>,
    graph: Graph,
}

/// Why a definition is refused.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The text uses `${Name}` for names that have no value.
    #[error("no value is given for the substitutions {}", .0.join(", "))]
    UnresolvedSubstitutions(Vec<String>),
    /// Values are given for names that the text does not use.
    #[error("the definition does not use the substitutions {}", .0.join(", "))]
    UnusedSubstitutions(Vec<String>),
    /// A substitution cannot be filled in.
    #[error("line {line} of the definition: {message}")]
    BadSubstitution {
        /// The line of the text, from 1.
        line: usize,
        /// The problem.
        message: String,
    },
    /// The text, after substitution, is not JSON, or an object has a key twice.
    #[error("the definition is not valid JSON")]
    Json(#[source] serde_json::Error),
    /// The definition uses a feature that this interpreter does not support, or contradicts itself.
    #[error("the definition cannot be executed: {}", ProblemList(.0))]
    Refused(Vec<Problem>),
}

/// One reason why a definition is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place in the definition, such as `States.Split.Retry[0].ErrorEquals`.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

struct ProblemList<'p>(&'p [Problem]);

impl fmt::Display for ProblemList<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

/// An error name that a state retries or catches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorName<'d> {
    /// The name, such as `Throttled` or `States.Timeout`.
    pub name: &'d str,
    /// Whether it is retried or caught.
    pub role: ErrorRole,
    /// The place in the definition, such as `States.Split.Retry[0]`.
    pub path: String,
    /// The state's function, if it is a Task state.
    pub function: Option<&'d str>,
}

/// What a state does about an error name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorRole {
    /// Named in `Retry`.
    Retry,
    /// Named in `Catch`.
    Catch,
}

impl Definition {
    /// Reads a definition in which `${Name}` stands for the values of `substitutions`. Reports all
    /// problems together.
    pub fn load(
        text: &str,
        substitutions: &BTreeMap<String, String>,
    ) -> Result<Self, DefinitionError> {
        let text = substitution::substitute(text, substitutions)?;
        let StrictJson(document) = serde_json::from_str(&text).map_err(DefinitionError::Json)?;
        let mut problems = Problems::default();
        let inner = FieldReader::of(&document, "", &mut problems)
            .and_then(|fields| parse_machine(fields, &mut problems));
        let problems = problems.into_vec();
        match inner {
            Some(inner) if problems.is_empty() => Ok(Self {
                inner: Arc::new(inner),
            }),
            _ => Err(DefinitionError::Refused(problems)),
        }
    }

    /// Returns the names of all functions that Task states call, as written after substitution.
    pub fn functions(&self) -> BTreeSet<&str> {
        self.states()
            .into_iter()
            .filter_map(|state| state.function())
            .collect()
    }

    /// Returns all error names in `Retry` and `Catch`, in the order of the states' names.
    pub fn error_names(&self) -> Vec<ErrorName<'_>> {
        let mut names = Vec::new();
        for state in self.states() {
            let Some(outcome) = state.outcome() else {
                continue;
            };
            let retry = outcome.retry.iter().map(|entry| entry.errors.names());
            let catch = outcome.catch.iter().map(|entry| entry.errors.names());
            let entries = retry
                .enumerate()
                .map(|(index, names)| (ErrorRole::Retry, "Retry", index, names))
                .chain(
                    catch
                        .enumerate()
                        .map(|(index, names)| (ErrorRole::Catch, "Catch", index, names)),
                );
            for (role, field, index, listed) in entries {
                names.extend(listed.iter().map(|name| ErrorName {
                    name,
                    role,
                    path: format!("{}.{field}[{index}]", state.path),
                    function: state.function(),
                }));
            }
        }
        names
    }

    /// Returns the names of all states, including those of item processors.
    pub fn state_names(&self) -> BTreeSet<&str> {
        let states = self.states().into_iter();
        states.map(|state| state.name.as_str()).collect()
    }

    /// Returns the longest time that an execution may take, if the definition limits it.
    pub fn timeout(&self) -> Option<Duration> {
        self.inner.timeout
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.inner.graph
    }

    fn states(&self) -> Vec<&State> {
        let mut states = Vec::new();
        collect_states(self.graph(), &mut states);
        states
    }
}

fn collect_states<'g>(graph: &'g Graph, states: &mut Vec<&'g State>) {
    for state in graph.states.values() {
        states.push(state);
        if let StateBody::Map(map) = &state.body {
            collect_states(&map.processor, states);
        }
    }
}

impl State {
    fn function(&self) -> Option<&str> {
        match &self.body {
            StateBody::Task(task) => Some(&task.function),
            _ => None,
        }
    }

    fn outcome(&self) -> Option<&OutcomePolicy> {
        match &self.body {
            StateBody::Task(task) => Some(&task.outcome),
            StateBody::Map(map) => Some(&map.outcome),
            _ => None,
        }
    }
}

fn parse_machine(mut fields: FieldReader<'_>, problems: &mut Problems) -> Option<DefinitionParts> {
    fields.comment(problems);
    if let Some(version) = fields.text("Version", problems)
        && version != "1.0"
    {
        problems.add("Version", format!("must be 1.0, not `{version}`"));
    }
    if let Some(language) = fields.text("QueryLanguage", problems)
        && language != "JSONPath"
    {
        let message = format!("`{language}` is not supported (supported: JSONPath)");
        problems.add("QueryLanguage", message);
    }
    let timeout = fields.integer("TimeoutSeconds", 1..=MAX_SECONDS, problems);
    let graph = states::parse_graph(&mut fields, problems);
    fields.refuse_rest(problems);
    let graph = graph?;
    check_unique_names(&graph, problems);
    Some(DefinitionParts {
        timeout: timeout.map(Duration::from_secs),
        graph,
    })
}

/// State names and labels must be unique in the whole definition, including item processors.
fn check_unique_names(graph: &Graph, problems: &mut Problems) {
    let mut states = Vec::new();
    collect_states(graph, &mut states);
    let mut names = BTreeSet::new();
    let mut labels = BTreeSet::new();
    for state in states {
        if !names.insert(state.name.as_str()) {
            problems.add(
                &state.path,
                "another state of this definition has this name",
            );
        }
        if let StateBody::Map(map) = &state.body
            && !labels.insert(map.label.as_str())
        {
            let path = format!("{}.Label", state.path);
            problems.add(&path, "another Map state of this definition has this label");
        }
    }
}
