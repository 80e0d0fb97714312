//! Definitions that leave the subset or contradict themselves are refused by name and place.

use crate::world::{machine, map, task};
use proptest::prelude::*;
use quarry_state_machine::{Definition, DefinitionError};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn problems(definition: &Value) -> Vec<(String, String)> {
    match Definition::load(&definition.to_string(), &BTreeMap::new()) {
        Ok(_) => Vec::new(),
        Err(DefinitionError::Refused(problems)) => problems
            .into_iter()
            .map(|problem| (problem.path, problem.message))
            .collect(),
        Err(other) => panic!("{other}"),
    }
}

/// Returns a definition with one state of every type, which is accepted.
fn base() -> Value {
    let mut call = task("f");
    call["Next"] = json!("Choose");
    call.as_object_mut().unwrap().remove("End");
    call["Retry"] = json!([{"ErrorEquals": ["E"]}]);
    let mut each = map(&json!({"Child": {"Type": "Pass", "End": true}}));
    each["ItemSelector"] = json!({"item.$": "$$.Map.Item.Value"});
    each["Next"] = json!("Done");
    each.as_object_mut().unwrap().remove("End");
    machine(&json!({
        "Call": call,
        "Choose": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.a", "StringEquals": "b", "Next": "Shape"},
                {"Variable": "$.b", "BooleanEquals": true, "Next": "Pause"},
            ],
            "Default": "Each",
        },
        "Shape": {"Type": "Pass", "Parameters": {"a.$": "$.a"}, "Next": "Pause"},
        "Pause": {"Type": "Wait", "SecondsPath": "$.nap", "Next": "Each"},
        "Each": each,
        "Done": {"Type": "Succeed"},
    }))
}

/// A change to a field of the base definition (without a value, its removal), and the expected
/// message.
struct Refusal {
    at: &'static str,
    value: Option<Value>,
    path: &'static str,
    says: &'static str,
}

fn refusal(at: &'static str, value: Value, path: &'static str, says: &'static str) -> Refusal {
    Refusal {
        at,
        value: Some(value),
        path,
        says,
    }
}

fn removal(at: &'static str, path: &'static str, says: &'static str) -> Refusal {
    Refusal {
        at,
        value: None,
        path,
        says,
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn refusals() -> Vec<Refusal> {
    vec![
        // The machine.
        refusal(
            "/Foo",
            json!(1),
            "Foo",
            "not supported here (supported: Comment, StartAt, States, TimeoutSeconds",
        ),
        refusal(
            "/QueryLanguage",
            json!("JSONata"),
            "QueryLanguage",
            "not supported here",
        ),
        refusal("/Version", json!("1.0"), "Version", "not supported here"),
        refusal(
            "/TimeoutSeconds",
            json!(0),
            "TimeoutSeconds",
            "integer from 1",
        ),
        refusal(
            "/Comment",
            json!(1),
            "Comment",
            "must be text, not a number",
        ),
        refusal(
            "/StartAt",
            json!("Nowhere"),
            "StartAt",
            "leads to `Nowhere`, which is not a state",
        ),
        removal("/StartAt", "StartAt", "is missing"),
        removal("/States", "States", "is missing"),
        refusal("/States", json!([]), "States", "must be an object"),
        // States.
        refusal(
            "/States/Extra",
            json!({"Type": "Succeed"}),
            "States.Extra",
            "cannot be reached",
        ),
        refusal(
            "/States/Call/Foo",
            json!(1),
            "States.Call.Foo",
            "not supported here",
        ),
        refusal(
            "/States/Done/Foo",
            json!(1),
            "States.Done.Foo",
            "not supported here (supported: Comment, InputPath, OutputPath, Type)",
        ),
        refusal(
            "/States/Done/Type",
            json!("Parallel"),
            "States.Done.Type",
            "`Parallel` states are not supported",
        ),
        refusal(
            "/States/Done/Type",
            json!("Fail"),
            "States.Done.Type",
            "`Fail` states are not supported",
        ),
        refusal(
            "/States/Done",
            json!(1),
            "States.Done",
            "must be an object, not a number",
        ),
        removal("/States/Done/Type", "States.Done.Type", "is missing"),
        refusal(
            "/States/Done/End",
            json!(true),
            "States.Done.End",
            "not supported here",
        ),
        refusal(
            "/States/Call/Next",
            json!("Nowhere"),
            "States.Call",
            "leads to `Nowhere`",
        ),
        removal(
            "/States/Call/Next",
            "States.Call",
            "exactly one of `Next` and",
        ),
        refusal(
            "/States/Call/End",
            json!(true),
            "States.Call",
            "exactly one of `Next` and",
        ),
        refusal(
            "/States/Call/End",
            json!(false),
            "States.Call",
            "exactly one of `Next` and",
        ),
        refusal(
            "/States/Call/Assign",
            json!({}),
            "States.Call.Assign",
            "not supported here",
        ),
        refusal(
            "/States/Call/HeartbeatSeconds",
            json!(1),
            "States.Call.HeartbeatSeconds",
            "not supported here",
        ),
        refusal(
            "/States/Call/TimeoutSecondsPath",
            json!("$.t"),
            "States.Call.TimeoutSecondsPath",
            "not supported here",
        ),
        refusal(
            "/States/Call/InputPath",
            json!("$..a"),
            "States.Call.InputPath",
            "not in the supported path subset",
        ),
        refusal(
            "/States/Call/InputPath",
            json!(null),
            "States.Call.InputPath",
            "must be text, not null",
        ),
        refusal(
            "/States/Call/InputPath",
            json!("a"),
            "States.Call.InputPath",
            "must begin with `$`",
        ),
        refusal(
            "/States/Call/OutputPath",
            json!("$.a[*]"),
            "States.Call.OutputPath",
            "not in the supported path subset",
        ),
        refusal(
            "/States/Call/OutputPath",
            json!("$$.Task.Token"),
            "States.Call.OutputPath",
            "context object",
        ),
        refusal(
            "/States/Call/ResultPath",
            json!("$.a[0]"),
            "States.Call.ResultPath",
            "not in the supported path subset",
        ),
        refusal(
            "/States/Call/ResultPath",
            json!(1),
            "States.Call.ResultPath",
            "must be text",
        ),
        // Task.
        refusal(
            "/States/Call/Resource",
            json!("arn:aws:states:::lambda:invoke.waitForTaskToken"),
            "States.Call.Resource",
            "is not supported",
        ),
        refusal(
            "/States/Call/Resource",
            json!("arn:aws:states:::aws-sdk:bedrock:getModelInvocationJob"),
            "States.Call.Resource",
            "is not supported",
        ),
        refusal(
            "/States/Call/Resource",
            json!("arn:awsome:states:::lambda:invoke"),
            "States.Call.Resource",
            "is not supported",
        ),
        refusal(
            "/States/Call/TimeoutSeconds",
            json!(1.5),
            "States.Call.TimeoutSeconds",
            "integer",
        ),
        removal(
            "/States/Call/Parameters",
            "States.Call.Parameters",
            "is missing",
        ),
        removal(
            "/States/Call/Parameters/FunctionName",
            "States.Call.Parameters.FunctionName",
            "is missing",
        ),
        refusal(
            "/States/Call/Parameters/FunctionName.$",
            json!("$.f"),
            "States.Call.Parameters.FunctionName.$",
            "not supported here",
        ),
        refusal(
            "/States/Call/Parameters/InvocationType",
            json!("Event"),
            "States.Call.Parameters.InvocationType",
            "not supported here",
        ),
        removal(
            "/States/Call/Parameters/Payload.$",
            "States.Call.Parameters.Payload.$",
            "is missing",
        ),
        refusal(
            "/States/Call/Parameters/Payload",
            json!({}),
            "States.Call.Parameters.Payload",
            "not supported here",
        ),
        refusal(
            "/States/Call/Parameters/Payload.$",
            json!("States.UUID()"),
            "States.Call.Parameters.Payload.$",
            "`States.UUID()` calls an intrinsic function",
        ),
        refusal(
            "/States/Call/ResultSelector",
            json!({"a": [{"b.$": "plain"}]}),
            "States.Call.ResultSelector.a[0].b.$",
            "must begin with `$`",
        ),
        refusal(
            "/States/Call/ResultSelector",
            json!({"a.$": 1}),
            "States.Call.ResultSelector.a.$",
            "must hold a path",
        ),
        refusal(
            "/States/Call/ResultSelector",
            json!({"a.$": "$", "a": 1}),
            "States.Call.ResultSelector.a.$",
            "`a` is given as well",
        ),
        refusal(
            "/States/Call/ResultSelector",
            json!({"a.$": "$$.Map.Item.Value"}),
            "States.Call.ResultSelector.a.$",
            "only be used in an ItemSelector",
        ),
        // Retry.
        refusal(
            "/States/Call/Retry/0/Foo",
            json!(1),
            "States.Call.Retry[0].Foo",
            "not supported here",
        ),
        refusal(
            "/States/Call/Retry",
            json!({}),
            "States.Call.Retry",
            "must be a list",
        ),
        removal(
            "/States/Call/Retry/0/ErrorEquals",
            "States.Call.Retry[0].ErrorEquals",
            "is missing",
        ),
        refusal(
            "/States/Call/Retry/0/ErrorEquals",
            json!([]),
            "States.Call.Retry[0].ErrorEquals",
            "at least one",
        ),
        refusal(
            "/States/Call/Retry/0/ErrorEquals",
            json!(["States.All"]),
            "States.Call.Retry[0].ErrorEquals",
            "`States.All` is not supported",
        ),
        refusal(
            "/States/Call/Retry/0/ErrorEquals",
            json!(["States.Runtime"]),
            "States.Call.Retry[0].ErrorEquals",
            "never retried",
        ),
        refusal(
            "/States/Call/Retry/0/ErrorEquals",
            json!(["States.ALL"]),
            "States.Call.Retry[0].ErrorEquals",
            "`States.ALL` is not supported",
        ),
        refusal(
            "/States/Call/Retry/0/IntervalSeconds",
            json!(0),
            "States.Call.Retry[0].IntervalSeconds",
            "integer from 1",
        ),
        refusal(
            "/States/Call/Retry/0/MaxAttempts",
            json!(-1),
            "States.Call.Retry[0].MaxAttempts",
            "integer from 0",
        ),
        refusal(
            "/States/Call/Retry/0/BackoffRate",
            json!(0.5),
            "States.Call.Retry[0].BackoffRate",
            "at least 1",
        ),
        refusal(
            "/States/Call/Retry/0/MaxDelaySeconds",
            json!(1),
            "States.Call.Retry[0].MaxDelaySeconds",
            "greater than IntervalSeconds",
        ),
        refusal(
            "/States/Call/Retry/0/JitterStrategy",
            json!("HALF"),
            "States.Call.Retry[0].JitterStrategy",
            "must be FULL",
        ),
        refusal(
            "/States/Call/Catch",
            json!([{"ErrorEquals": ["E"], "Next": "Done"}]),
            "States.Call.Catch",
            "not supported here",
        ),
        // Choice.
        refusal(
            "/States/Choose/Choices",
            json!([]),
            "States.Choose.Choices",
            "at least one rule",
        ),
        refusal(
            "/States/Choose/Choices/0/StringMatches",
            json!("*"),
            "States.Choose.Choices[0].StringMatches",
            "not supported here",
        ),
        refusal(
            "/States/Choose/Choices/0/BooleanEquals",
            json!(true),
            "States.Choose.Choices[0]",
            "exactly one of",
        ),
        refusal(
            "/States/Choose/Choices/0/StringEquals",
            json!(1),
            "States.Choose.Choices[0].StringEquals",
            "compared with text",
        ),
        refusal(
            "/States/Choose/Choices/0/Variable",
            json!("$.a[?(@.b)]"),
            "States.Choose.Choices[0].Variable",
            "not in the supported path subset",
        ),
        removal(
            "/States/Choose/Choices/0/Next",
            "States.Choose.Choices[0].Next",
            "is missing",
        ),
        refusal(
            "/States/Choose/Choices/1/And",
            json!([]),
            "States.Choose.Choices[1].And",
            "not supported here",
        ),
        refusal(
            "/States/Choose/Choices/1/NumericEquals",
            json!(5),
            "States.Choose.Choices[1].NumericEquals",
            "not supported here",
        ),
        refusal(
            "/States/Choose/Default",
            json!("Nowhere"),
            "States.Choose",
            "leads to `Nowhere`",
        ),
        refusal(
            "/States/Choose/ResultPath",
            json!("$.x"),
            "States.Choose.ResultPath",
            "not supported here",
        ),
        // Wait.
        refusal(
            "/States/Pause/Seconds",
            json!(1),
            "States.Pause.Seconds",
            "not supported here",
        ),
        removal(
            "/States/Pause/SecondsPath",
            "States.Pause.SecondsPath",
            "is missing",
        ),
        refusal(
            "/States/Pause/Timestamp",
            json!("2026-11-22T00:00:00Z"),
            "States.Pause.Timestamp",
            "not supported here",
        ),
        // Map.
        refusal(
            "/States/Each/ToleratedFailureCount",
            json!(1),
            "States.Each.ToleratedFailureCount",
            "not supported here",
        ),
        refusal(
            "/States/Each/ToleratedFailurePercentage",
            json!(1),
            "States.Each.ToleratedFailurePercentage",
            "not supported here",
        ),
        refusal(
            "/States/Each/ItemBatcher",
            json!({}),
            "States.Each.ItemBatcher",
            "not supported here",
        ),
        refusal(
            "/States/Each/ResultWriter",
            json!({}),
            "States.Each.ResultWriter",
            "not supported here",
        ),
        refusal(
            "/States/Each/ItemsPath",
            json!("$.items"),
            "States.Each.ItemsPath",
            "not supported here",
        ),
        refusal(
            "/States/Each/MaxConcurrency",
            json!(1),
            "States.Each.MaxConcurrency",
            "not supported here",
        ),
        removal(
            "/States/Each/MaxConcurrencyPath",
            "States.Each.MaxConcurrencyPath",
            "is missing",
        ),
        refusal(
            "/States/Each/Label",
            json!("two words"),
            "States.Each.Label",
            "1 to 40 characters",
        ),
        removal(
            "/States/Each/ItemReader",
            "States.Each.ItemReader",
            "is missing",
        ),
        refusal(
            "/States/Each/ItemReader/Resource",
            json!("arn:aws:states:::s3:listObjectsV2"),
            "States.Each.ItemReader.Resource",
            "is not supported",
        ),
        refusal(
            "/States/Each/ItemReader/ReaderConfig/InputType",
            json!("CSV"),
            "States.Each.ItemReader.ReaderConfig.InputType",
            "`CSV` is not supported",
        ),
        refusal(
            "/States/Each/ItemReader/ReaderConfig/MaxItems",
            json!(1),
            "States.Each.ItemReader.ReaderConfig.MaxItems",
            "not supported here",
        ),
        removal(
            "/States/Each/ItemReader/Parameters/Key.$",
            "States.Each.ItemReader.Parameters.Key.$",
            "is missing",
        ),
        refusal(
            "/States/Each/ItemReader/Parameters/VersionId",
            json!("v"),
            "States.Each.ItemReader.Parameters.VersionId",
            "not supported here",
        ),
        refusal(
            "/States/Each/ItemProcessor/ProcessorConfig/Mode",
            json!("INLINE"),
            "States.Each.ItemProcessor.ProcessorConfig.Mode",
            "`INLINE` is not supported",
        ),
        refusal(
            "/States/Each/ItemProcessor/ProcessorConfig/ExecutionType",
            json!("EXPRESS"),
            "States.Each.ItemProcessor.ProcessorConfig.ExecutionType",
            "`EXPRESS` is not supported",
        ),
        removal(
            "/States/Each/ItemProcessor/ProcessorConfig",
            "States.Each.ItemProcessor.ProcessorConfig",
            "is missing",
        ),
        refusal(
            "/States/Each/ItemProcessor/TimeoutSeconds",
            json!(1),
            "States.Each.ItemProcessor.TimeoutSeconds",
            "not supported here",
        ),
        refusal(
            "/States/Each/ItemProcessor/States/Child/Foo",
            json!(1),
            "States.Each.ItemProcessor.States.Child.Foo",
            "not supported here",
        ),
        refusal(
            "/States/Each/ItemProcessor/States/Child/Parameters",
            json!({"v.$": "$$.Map.Item.Value"}),
            "States.Each.ItemProcessor.States.Child.Parameters.v.$",
            "does not see the item",
        ),
        refusal(
            "/States/Each/ItemProcessor/States/Call",
            json!({"Type": "Succeed"}),
            "States.Each.ItemProcessor.States.Call",
            "cannot be reached",
        ),
    ]
}

/// Every refusal names the place and what is wrong; the base definition itself is accepted.
#[test]
fn what_is_not_supported_is_named_with_its_place() {
    assert_eq!(problems(&base()), []);
    for Refusal {
        at,
        value,
        path,
        says,
    } in refusals()
    {
        let mut definition = base();
        let (parent, field) = at.rsplit_once('/').unwrap();
        let parent = definition.pointer_mut(parent).unwrap();
        let parent = parent.as_object_mut().unwrap();
        let shown = format!("{at} = {value:?}");
        match value {
            Some(value) => {
                parent.insert(field.to_owned(), value);
            }
            None => assert!(parent.remove(field).is_some(), "{at} is not in the base"),
        }
        let found = problems(&definition);
        assert!(
            found
                .iter()
                .any(|(place, message)| place == path && message.contains(says)),
            "{shown}: {path}: {says}: not among {found:?}"
        );
    }
}

/// State names and labels are unique in the whole definition.
#[test]
fn names_must_be_unique_everywhere() {
    let mut definition = base();
    let child = definition["States"]["Each"]["ItemProcessor"]["States"]["Child"].take();
    definition["States"]["Each"]["ItemProcessor"]["States"] = json!({"Call": child});
    definition["States"]["Each"]["ItemProcessor"]["StartAt"] = json!("Call");
    let found = problems(&definition);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "States.Each.ItemProcessor.States.Call");
    assert!(found[0].1.contains("another state"));
}

/// A machine that can never end is refused.
#[test]
fn a_machine_must_be_able_to_end() {
    let definition = machine(&json!({
        "A": {"Type": "Wait", "SecondsPath": "$.a", "Next": "B"},
        "B": {"Type": "Pass", "Next": "A"},
    }));
    let found = problems(&definition);
    assert_eq!(
        found,
        [(
            "States".to_owned(),
            "no state ends the execution".to_owned()
        )]
    );
}

/// All problems are reported together, and the message holds them all.
#[test]
fn all_problems_are_reported_together() {
    let mut definition = base();
    definition["Foo"] = json!(1);
    definition["States"]["Call"]["Bar"] = json!(1);
    definition["States"]["Each"]["ItemReader"]["Baz"] = json!(1);
    let error = Definition::load(&definition.to_string(), &BTreeMap::new()).unwrap_err();
    let message = error.to_string();
    for path in ["Foo: ", "States.Call.Bar: ", "States.Each.ItemReader.Baz: "] {
        assert!(message.contains(path), "{message}");
    }
}

/// A key that is given twice would hide one of its values.
#[test]
fn repeated_keys_are_refused() {
    let text = r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}, "S": {"Type": "Pass"}}}"#;
    let error = Definition::load(text, &BTreeMap::new()).unwrap_err();
    let DefinitionError::Json(source) = error else {
        panic!("{error}");
    };
    assert!(
        source
            .to_string()
            .contains("the key `S` is given twice at line 1")
    );
}

/// Text that is not JSON is an error with its line.
#[test]
fn text_that_is_not_json_is_refused() {
    let error = Definition::load("{\n  \"StartAt\": }", &BTreeMap::new()).unwrap_err();
    let DefinitionError::Json(source) = error else {
        panic!("{error}");
    };
    assert_eq!(source.line(), 2);
}

/// Substitutions are complete in both directions, well formed, and cannot break the JSON.
#[test]
fn substitutions_must_fit() {
    let text = machine(&json!({"Call": task("${Check}")})).to_string();
    let load = |text: &str, values: &[(&str, &str)]| {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Definition::load(text, &values)
    };
    assert!(load(&text, &[("Check", "f")]).is_ok());
    let unresolved = load(&text, &[]).unwrap_err();
    assert!(
        matches!(&unresolved, DefinitionError::UnresolvedSubstitutions(names) if names == &["Check"]),
        "{unresolved}"
    );
    let unused = load(&text, &[("Check", "f"), ("Other", "g")]).unwrap_err();
    assert!(
        matches!(&unused, DefinitionError::UnusedSubstitutions(names) if names == &["Other"]),
        "{unused}"
    );
    for (text, value) in [
        (text.as_str(), "a\"b"),
        (text.as_str(), "a\\b"),
        (text.as_str(), "a\nb"),
        ("\n${Check", "f"),
        ("\n${a-b}${Check}", "f"),
        ("\n${}${Check}", "f"),
    ] {
        let error = load(text, &[("Check", value)]).unwrap_err();
        assert!(
            matches!(&error, DefinitionError::BadSubstitution { .. }),
            "{text:?} with {value:?}: {error}"
        );
    }
    let error = load("\n\n${Check", &[]).unwrap_err();
    assert!(
        error.to_string().starts_with("line 3 of the definition"),
        "{error}"
    );
}

proptest! {
    /// Replacing any field of a definition by anything never makes the loader panic.
    #[test]
    fn any_definition_is_accepted_or_refused(seed in 0_usize..10_000, choice in 0_usize..8) {
        let mut definition = base();
        let mut pointers = Vec::new();
        collect(&definition, String::new(), &mut pointers);
        let pointer = &pointers[seed % pointers.len()];
        let values = [
            json!(null), json!(true), json!(-1), json!(1.5), json!(""), json!("$.a"), json!([]), json!({"a.$": "$"}),
        ];
        *definition.pointer_mut(pointer).unwrap() = values[choice].clone();
        let _ = Definition::load(&definition.to_string(), &BTreeMap::new());
    }
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(value, format!("{pointer}/{name}"), pointers);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{pointer}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(pointer);
}
