//! Properties that have another name in the requests.

use crate::{HAIKU, asking, body};
use quarry_answer::{FieldValue, ParseStatus};
use quarry_model::{AnswerContent, Enforcement, ModelAnswer, RequestForm, read_output};
use serde_json::{Value, json};

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "Account Number": {"type": "string"},
            "Account_Number": {"type": "integer"},
            "größe": {"type": "object", "properties": {"in cm": {"type": "number"}}},
        },
        "required": ["Account Number"],
    })
}

/// Returns an answer by the tool of a body: its properties, in their order, get the values in
/// `values`.
fn tool_answer(body: &Value, values: &[Value]) -> String {
    let properties = &body["tools"][0]["input_schema"]["properties"];
    let names = properties.as_object().expect("properties").keys();
    let input: serde_json::Map<String, Value> =
        names.cloned().zip(values.iter().cloned()).collect();
    json!({
        "content": [{"type": "tool_use", "name": "structured_response", "input": input}],
        "stop_reason": "tool_use",
    })
    .to_string()
}

#[test]
fn a_property_comes_back_under_its_own_name_whatever_the_tool_calls_it() {
    let asking = asking(HAIKU, &[], Some(&schema())).expect("can be asked");
    assert_eq!(asking.form().enforcement, Enforcement::ForcedTool);
    let body = body(&asking);
    let names: Vec<&String> = body["tools"][0]["input_schema"]["properties"]
        .as_object()
        .expect("properties")
        .keys()
        .collect();
    assert_eq!(names, ["Account_Number_2", "Account_Number", "gr__e"]);
    assert_eq!(
        body["tools"][0]["input_schema"]["required"],
        json!(["Account_Number_2"])
    );

    let output = tool_answer(&body, &[json!("x"), json!(7), json!({"in cm": "1.5"})]);
    let reading = asking
        .reader()
        .read(&read_output(&output).expect("an answer"));
    assert_eq!(reading.parse_status, ParseStatus::Success, "{reading:?}");
    assert_eq!(reading.fields[0], FieldValue::Text("x".into()));
    assert_eq!(reading.fields[1], FieldValue::Integer(7));
    assert_eq!(
        asking.columns().names()[..3],
        ["llm_Account Number", "llm_Account_Number", "llm_größe"]
    );
}

#[test]
fn problems_of_an_answer_are_reported_with_the_names_of_the_schema() {
    let asking = asking(HAIKU, &[], Some(&schema())).expect("can be asked");
    let output = tool_answer(&body(&asking), &[json!(5), json!("many"), json!({})]);
    let reading = asking
        .reader()
        .read(&read_output(&output).expect("an answer"));
    assert_eq!(reading.parse_status, ParseStatus::ValidationFailed);
    let error = reading.validation_error.expect("an error");
    assert!(
        error.contains("/Account Number: 5 is not") && error.contains("/Account_Number: \"many\""),
        "{error}"
    );
}

#[test]
fn names_are_those_of_the_schema_if_there_is_no_tool() {
    let asked = asking(HAIKU, &[], Some(&schema())).expect("can be asked");
    let form = RequestForm::new(Enforcement::SchemaInPrompt);
    let asked = asked.with_form(&form).expect("the model takes it");
    let read = |text: &str| {
        asked.reader().read(&ModelAnswer {
            content: AnswerContent::Text(text.into()),
            ..read_output(r#"{"content":[{"type":"text","text":""}]}"#).expect("an answer")
        })
    };
    assert_eq!(
        read(r#"{"Account Number": "x"}"#).parse_status,
        ParseStatus::Success
    );
    assert_eq!(
        read(r#"{"Account_Number_2": "x"}"#).parse_status,
        ParseStatus::ValidationFailed,
        "in this form nobody asked for that name"
    );
    let again = asked
        .with_form(&RequestForm::new(Enforcement::ForcedTool))
        .expect("the model takes it");
    let output = tool_answer(&body(&again), &[json!("x"), json!(7), json!({})]);
    let reading = again
        .reader()
        .read(&read_output(&output).expect("an answer"));
    assert_eq!(reading.parse_status, ParseStatus::Success);
}
