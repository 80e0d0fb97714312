//! Promise: the state machine and the functions agree on the names of errors.

use quarry_edge::error::StepError;
use quarry_local_stack::DEFINITION;
use quarry_state_machine::Definition;
use std::collections::{BTreeMap, BTreeSet};

fn definition() -> Definition {
    let mut names: BTreeMap<String, String> = [
        "Plan", "Split", "Submit", "Check", "Invoke", "Merge", "Finish",
    ]
    .into_iter()
    .map(|name| (format!("{name}Function"), name.to_lowercase()))
    .collect();
    names.insert("Partition".to_owned(), "aws".to_owned());
    Definition::load(DEFINITION, &names).unwrap()
}

#[test]
fn every_error_name_in_the_definition_is_returned_and_the_reverse() {
    let definition = definition();
    let named: BTreeSet<&str> = definition
        .error_names()
        .iter()
        .map(|error| error.name)
        .filter(|name| name.starts_with("Quarry."))
        .collect();
    let returned: BTreeSet<&str> = StepError::NAMES.into_iter().collect();
    assert_eq!(named, returned);
}

#[test]
fn every_function_of_the_definition_is_there() {
    let definition = definition();
    let names: Vec<&str> = definition.functions().into_iter().collect();
    assert_eq!(
        names,
        [
            "check", "finish", "invoke", "merge", "plan", "split", "submit"
        ]
    );
}
