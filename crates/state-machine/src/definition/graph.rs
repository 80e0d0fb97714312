//! The states of one machine (or of a Map state's item processor) and the transitions between them.

use super::document::Problems;
use super::states::{State, StateBody, Then};
use std::collections::{BTreeMap, BTreeSet};

/// The states by name, and the first one.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) start_at: String,
    pub(crate) states: BTreeMap<String, State>,
}

impl State {
    /// Returns the names of the states that can follow this one.
    fn successors(&self) -> Vec<&str> {
        let (then, catch) = match &self.body {
            StateBody::Pass(pass) => (Some(&pass.then), None),
            StateBody::Wait(wait) => (Some(&wait.then), None),
            StateBody::Task(task) => (Some(&task.outcome.then), Some(&task.outcome.catch)),
            StateBody::Map(map) => (Some(&map.outcome.then), Some(&map.outcome.catch)),
            StateBody::Succeed | StateBody::Fail(_) => (None, None),
            StateBody::Choice(choice) => {
                let rules = choice.rules.iter().map(|rule| rule.next.as_str());
                return rules.chain(choice.default.as_deref()).collect();
            }
        };
        let next = then.and_then(Then::next);
        let caught = catch.into_iter().flatten();
        next.into_iter()
            .chain(caught.map(|catcher| catcher.next.as_str()))
            .collect()
    }

    fn is_terminal(&self) -> bool {
        match &self.body {
            StateBody::Succeed | StateBody::Fail(_) => true,
            StateBody::Pass(pass) => matches!(pass.then, Then::End),
            StateBody::Wait(wait) => matches!(wait.then, Then::End),
            StateBody::Task(task) => matches!(task.outcome.then, Then::End),
            StateBody::Map(map) => matches!(map.outcome.then, Then::End),
            StateBody::Choice(_) => false,
        }
    }
}

impl Graph {
    /// Checks that every transition leads to a state, that every state can be reached, and that the
    /// execution can end. `path` is the place of the object that holds `StartAt`. Must be called
    /// only if all states could be read.
    pub(super) fn check(&self, path: &str, problems: &mut Problems) {
        let at = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        let missing = |from: &str, to: &str, problems: &mut Problems| {
            problems.add(from, format!("leads to `{to}`, which is not a state here"));
        };
        let mut reached = BTreeSet::new();
        let mut open = Vec::new();
        match self.states.get_key_value(&self.start_at) {
            Some((name, _)) => open.push(name.as_str()),
            None => missing(&at("StartAt"), &self.start_at, problems),
        }
        while let Some(name) = open.pop() {
            if !reached.insert(name) {
                continue;
            }
            if let Some(state) = self.states.get(name) {
                open.extend(state.successors());
            }
        }
        for (name, state) in &self.states {
            for next in state.successors() {
                if !self.states.contains_key(next) {
                    missing(&state.path, next, problems);
                }
            }
            if !reached.contains(name.as_str()) {
                problems.add(&state.path, "cannot be reached from StartAt");
            }
        }
        if !self.states.values().any(State::is_terminal) {
            problems.add(&at("States"), "no state ends the execution");
        }
    }
}
