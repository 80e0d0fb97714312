//! From a refusal to the next form.

use crate::{HAIKU, asking, body};
use quarry_asking::AskingError;
use quarry_model::{Enforcement, RequestForm};
use serde_json::{Value, json};

const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";

fn schema() -> Value {
    json!({"type": "object", "properties": {"kind": {"type": "string"}}})
}

#[test]
fn another_form_changes_the_body_but_not_that_of_the_fallback_model() {
    let settings = [("BEDROCK_FALLBACK_MODEL_ID", LLAMA)];
    let first = asking(HAIKU, &settings, Some(&schema())).expect("can be asked");
    let of_fallback = |asking: &quarry_asking::Asking| {
        let record = asking.probe();
        let fallback = asking.fallback().expect("a fallback model");
        let moved = fallback.model_input(&record).expect("a record of this run");
        serde_json::from_slice::<Value>(&moved).expect("JSON")
    };
    let fallback_body = of_fallback(&first);
    assert!(body(&first).get("tool_choice").is_some());

    let form = first
        .form_after("tool_choice: type \"tool\" and \"any\" are not supported for this model")
        .expect("another way");
    let second = first.with_form(&form).expect("the model takes it");
    assert_eq!(second.form(), &form);
    let sent = body(&second);
    assert_eq!(sent.get("tool_choice"), None);
    assert_eq!(sent["output_config"]["format"]["type"], "json_schema");
    assert_eq!(of_fallback(&second), fallback_body);
}

#[test]
fn the_form_of_the_fallback_model_changes_alone() {
    let settings = [("BEDROCK_FALLBACK_MODEL_ID", LLAMA)];
    let first = asking(HAIKU, &settings, Some(&schema())).expect("can be asked");
    let primary = body(&first);
    let fallback = first.fallback().expect("a fallback model");
    assert_eq!(fallback.form().enforcement, Enforcement::SchemaInPrompt);
    assert_eq!(fallback.form_after("something is wrong"), None);
    let form = fallback
        .form_after("The maximum tokens you requested exceeds the model limit of 2048.")
        .expect("another way");
    assert!(form.max_tokens.is_some_and(|most| most <= 2_048));
    let second = first.with_fallback_form(&form).expect("the model takes it");
    assert_eq!(body(&second), primary);
    assert_eq!(second.fallback().expect("a fallback model").form(), &form);
}

#[test]
fn a_form_that_the_model_is_known_to_refuse_is_not_sent() {
    let asked = asking(LLAMA, &[], Some(&schema())).expect("can be asked");
    let form = RequestForm::new(Enforcement::Prefill);
    let error = asked.with_form(&form).expect_err("refused");
    assert!(matches!(error, AskingError::Form { .. }), "{error}");
}

#[test]
fn a_begun_answer_is_read_with_its_brace_only_in_the_form_that_begins_it() {
    let unbound = [("BEDROCK_USE_STRUCTURED_OUTPUT", "false")];
    let asked = asking(HAIKU, &unbound, Some(&schema())).expect("can be asked");
    assert_eq!(asked.form().enforcement, Enforcement::Prefill);
    assert_eq!(
        body(&asked)["system"],
        "Classify.",
        "the prompt stays as it was written"
    );
    assert!(
        asked
            .reader()
            .read_text("\"kind\": \"a\"}")
            .validation_passed
    );
    let form = asked
        .form_after("This model does not support assistant message prefill.")
        .expect("another way");
    assert_eq!(form.enforcement, Enforcement::None);
    let asked = asked.with_form(&form).expect("the model takes it");
    assert_eq!(body(&asked)["messages"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_schema_that_is_too_large_is_refused_before_a_request_is_made_of_it() {
    let mut definitions = serde_json::Map::new();
    for level in 0..30 {
        let below = json!({"$ref": format!("#/$defs/d{}", level + 1)});
        let both = json!({"type": "object", "properties": {"a": below, "b": below}});
        definitions.insert(format!("d{level}"), both);
    }
    definitions.insert("d30".into(), json!({"type": "string"}));
    let schema = json!({"properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": definitions});
    for model_id in [HAIKU, LLAMA, "us.amazon.nova-lite-v1:0"] {
        let error = asking(model_id, &[], Some(&schema)).expect_err("too large");
        assert!(
            error
                .to_string()
                .contains("references are replaced by definitions"),
            "{error}"
        );
    }
}

#[test]
fn a_nullable_property_may_be_null_in_the_request_and_in_the_answer() {
    let schema = json!({
        "properties": {"a": {"type": "string", "nullable": true}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    });
    let asked = asking(HAIKU, &[], Some(&schema)).expect("can be asked");
    assert_eq!(
        body(&asked)["tools"][0]["input_schema"]["properties"]["a"],
        json!({"type": ["string", "null"]})
    );
    let reading = asked.reader().read_text(r#"{"a": null, "b": 1}"#);
    assert!(reading.validation_passed, "{reading:?}");
    assert_eq!(asked.schema_notes().len(), 1);
    assert!(asked.schema_notes()[0].contains("`nullable`"));
}
