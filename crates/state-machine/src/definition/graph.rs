//! The states of one machine (or of a Map state's item processor) and the transitions between them.

use super::problem::Problems;
use super::states::{Graph, State, StateBody, Then};
use std::collections::BTreeSet;

impl State {
    /// Returns the names of the states that can follow this one.
    fn successors(&self) -> Vec<&str> {
        if let StateBody::Choice(choice) = &self.body {
            let rules = choice.rules.iter().map(|rule| rule.next.as_str());
            return rules.chain(choice.default.as_deref()).collect();
        }
        self.then().and_then(Then::next).into_iter().collect()
    }

    fn is_terminal(&self) -> bool {
        matches!(self.body, StateBody::Succeed) || matches!(self.then(), Some(Then::End))
    }

    fn then(&self) -> Option<&Then> {
        match &self.body {
            StateBody::Pass(pass) => Some(&pass.then),
            StateBody::Wait(wait) => Some(&wait.then),
            StateBody::Task(task) => Some(&task.outcome.then),
            StateBody::Map(map) => Some(&map.outcome.then),
            StateBody::Succeed | StateBody::Choice(_) => None,
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
