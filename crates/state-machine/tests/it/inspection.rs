//! What a definition reports about itself, for tests that compare it with functions and templates.

use crate::world::{load, machine, map, task, with};
use quarry_state_machine::{Definition, ErrorName};
use serde_json::json;
use std::collections::BTreeMap;

/// Functions, states and error names are listed, including those of item processors.
#[test]
fn a_definition_lists_functions_states_and_errors() {
    let work = with(
        task("work"),
        &json!({
            "Retry": [{"ErrorEquals": ["Throttled", "States.Timeout"]}],
        }),
    );
    let children = json!({"Work": work});
    let each = with(
        map(&children),
        &json!({"Retry": [{"ErrorEquals": ["States.ItemReaderFailed"]}], "Next": "Finish"}),
    );
    let mut definition = machine(&json!({"Each": each, "Finish": task("finish")}));
    definition["States"]["Each"]
        .as_object_mut()
        .unwrap()
        .remove("End");
    definition["TimeoutSeconds"] = json!(60);
    let definition = load(&definition);

    assert_eq!(Vec::from_iter(definition.functions()), ["finish", "work"]);
    assert_eq!(
        Vec::from_iter(definition.state_names()),
        ["Each", "Finish", "Work"]
    );
    assert_eq!(
        definition.timeout().map(|timeout| timeout.as_secs()),
        Some(60)
    );
    let retry = |name, path: &str, function| ErrorName {
        name,
        path: path.to_owned(),
        function,
    };
    let work = "States.Each.ItemProcessor.States.Work";
    assert_eq!(
        definition.error_names(),
        [
            retry("States.ItemReaderFailed", "States.Each.Retry[0]", None),
            retry("Throttled", &format!("{work}.Retry[0]"), Some("work")),
            retry("States.Timeout", &format!("{work}.Retry[0]"), Some("work")),
        ]
    );
}

/// Substituted names are listed as they are after substitution.
#[test]
fn functions_are_listed_after_substitution() {
    let text = machine(&json!({"Call": task("${Check}")})).to_string();
    let values = BTreeMap::from([("Check".to_owned(), "quarry-check".to_owned())]);
    let definition = Definition::load(&text, &values).unwrap();
    assert_eq!(Vec::from_iter(definition.functions()), ["quarry-check"]);
}
