//! A state machine's definition: loaded, checked, and open to inspection.
//!
//! Loading is where this interpreter is strict. The crate's documentation lists the supported
//! subset of the Amazon States Language. Anything else (a field, a state type, an intrinsic
//! function, a kind of path) is an error that names it and its place. So is everything that the
//! service itself would refuse: states that lead nowhere or that cannot be reached.

mod choice;
mod document;
mod fields;
mod graph;
mod map;
mod policy;
mod problem;
mod reading;
mod states;
mod substitution;

use crate::limits::MAX_SECONDS;
use document::StrictJson;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use document::FieldReader;
pub(crate) use policy::Retrier;
pub(crate) use problem::Problems;
pub use problem::{DefinitionError, Problem};
pub(crate) use states::{
    ChoiceState, Graph, MapState, OutcomePolicy, Pass, State, StateBody, Task, Wait,
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

/// An error name for which a state says whether it is retried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorName<'d> {
    /// The name, such as `Throttled` or `States.Timeout`.
    pub name: &'d str,
    /// The place in the definition, such as `States.Split.Retry[0]`.
    pub path: String,
    /// The state's function, if it is a Task state.
    pub function: Option<&'d str>,
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

    /// Returns all error names in `Retry`, in the order of the states' names.
    pub fn error_names(&self) -> Vec<ErrorName<'_>> {
        let mut names = Vec::new();
        for state in self.states() {
            let Some(outcome) = state.outcome() else {
                continue;
            };
            for (index, retrier) in outcome.retry.iter().enumerate() {
                names.extend(retrier.errors.names().iter().map(|name| ErrorName {
                    name,
                    path: format!("{}.Retry[{index}]", state.path),
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
    let timeout = fields.integer("TimeoutSeconds", 1..=MAX_SECONDS, problems);
    let graph = reading::parse_graph(&mut fields, problems);
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
