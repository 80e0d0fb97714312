//! The parts of a definition: its states, and what each type of state has.

use super::choice::ChoiceRule;
use super::policy::Retrier;
use crate::expression::Expression;
use crate::path::ResultPath;
use crate::template::{ComputedField, PayloadTemplate};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The states of one machine, or of the item processor of a Map state, by name, and the first one.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) start_at: String,
    pub(crate) states: BTreeMap<String, State>,
}

/// One state of a machine.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: String,
    /// Its place in the definition, such as `States.Split`.
    pub(crate) path: String,
    pub(crate) input_path: Option<Expression>,
    pub(crate) output_path: Option<Expression>,
    pub(crate) body: StateBody,
}

#[derive(Debug)]
pub(crate) enum StateBody {
    Choice(ChoiceState),
    Map(Box<MapState>),
    Pass(Pass),
    Succeed,
    Task(Box<Task>),
    Wait(Wait),
}

/// What follows a state.
#[derive(Debug)]
pub(crate) enum Then {
    Next(String),
    End,
}

impl Then {
    pub(crate) fn next(&self) -> Option<&str> {
        match self {
            Self::Next(next) => Some(next),
            Self::End => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct ChoiceState {
    pub(crate) rules: Vec<ChoiceRule>,
    pub(crate) default: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) parameters: Option<PayloadTemplate>,
    pub(crate) result: Option<Value>,
    pub(crate) result_path: ResultPath,
    pub(crate) then: Then,
}

#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) seconds: Expression,
    pub(crate) then: Then,
}

/// A call of a function.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) function: String,
    pub(crate) payload: ComputedField,
    pub(crate) timeout: Option<Duration>,
    pub(crate) outcome: OutcomePolicy,
}

/// A Map Run: one child execution per item.
#[derive(Debug)]
pub(crate) struct MapState {
    pub(crate) bucket: ComputedField,
    pub(crate) key: ComputedField,
    pub(crate) item_selector: Option<PayloadTemplate>,
    /// The path of a number. Zero means as many children as the service allows.
    pub(crate) max_concurrency: Expression,
    pub(crate) label: String,
    pub(crate) processor: Arc<Graph>,
    pub(crate) outcome: OutcomePolicy,
}

/// What Task and Map states do with their result or error.
#[derive(Debug)]
pub(crate) struct OutcomePolicy {
    pub(crate) result_selector: Option<PayloadTemplate>,
    pub(crate) result_path: ResultPath,
    pub(crate) retry: Vec<Retrier>,
    pub(crate) then: Then,
}
