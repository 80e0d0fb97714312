//! The state machine and the functions agree on the names of errors.

use quarry_edge::error::StepErrorKind;
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
    let returned: BTreeSet<&str> = StepErrorKind::ALL.map(StepErrorKind::name).into();
    assert_eq!(named, returned);
}

/// The errors that end a run are listed as well, so that a forgotten error is noticed.
#[test]
fn every_step_says_of_every_error_whether_it_is_retried() {
    let definition = definition();
    let everywhere: BTreeSet<&str> = StepErrorKind::ALL
        .into_iter()
        .map(StepErrorKind::name)
        .filter(|name| *name != "Quarry.QuotaExceeded")
        .collect();
    for function in definition.functions() {
        let named: Vec<&str> = definition
            .error_names()
            .iter()
            .filter(|error| error.function == Some(function))
            .map(|error| error.name)
            .filter(|name| name.starts_with("Quarry.") && *name != "Quarry.QuotaExceeded")
            .collect();
        assert_eq!(named.len(), everywhere.len(), "{function}");
        assert_eq!(
            named.into_iter().collect::<BTreeSet<_>>(),
            everywhere,
            "{function}"
        );
    }
}

#[test]
fn every_function_of_the_definition_exists() {
    let definition = definition();
    let names: Vec<&str> = definition.functions().into_iter().collect();
    assert_eq!(
        names,
        [
            "check", "finish", "invoke", "merge", "plan", "split", "submit"
        ]
    );
}

/// What a Distributed Map does with an empty list is not documented.
#[test]
fn an_empty_table_does_not_reach_the_map() {
    let definition: serde_json::Value = serde_json::from_str(DEFINITION).unwrap();
    let states = &definition["States"];
    // The first rule that holds decides.
    let first = &states["IsPlanned"]["Choices"][0];
    assert_eq!(first["Variable"], "$.plan.answer.empty");
    assert_eq!(first["BooleanEquals"], true);
    assert_eq!(first["Next"], states["Slices"]["Next"]);
    let parameters = states["BeginFinish"]["Parameters"].to_string();
    assert!(parameters.contains("$.plan.answer.run"), "{parameters}");
}
