//! Every recorded answer is read as it was recorded, or differently for a reason that is written
//! down.
//!
//! `tests/recorded/answers/cases.jsonl` has answers with the results of an earlier program, whose
//! results users know, with and without a schema (`schemas.json`). `tests/expected/answers.json` has
//! Quarry's result for each answer that it reads differently, with the reason. `UPDATE_EXPECT=1`
//! writes it again. It keeps reasons, and takes new ones from the recorded note if there is one.

use expect_test::expect_file;
use quarry_answer::{ParseStatus, Reader, Reading, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Deserialize)]
struct Case {
    id: String,
    schema: String,
    text: String,
    expected: Expected,
    #[serde(default)]
    divergence: Option<Value>,
    #[serde(default)]
    divergence_no_schema: Option<Value>,
}

#[derive(Deserialize)]
struct Expected {
    schema_result: Value,
    no_schema_result: Value,
}

/// Quarry's reading of an answer that was recorded differently.
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Ours {
    why: String,
    result: Value,
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

fn text_of(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn cases() -> Vec<Case> {
    let cases: Vec<Case> = text_of("recorded/answers/cases.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a case"))
        .collect();
    assert_eq!(cases.len(), 249, "cases are missing");
    cases
}

/// The values of a reading under their names.
fn fields(names: &[&str], reading: &Reading) -> Map<String, Value> {
    assert_eq!(names.len(), reading.fields.len());
    names
        .iter()
        .zip(&reading.fields)
        .map(|(name, field)| {
            let mut json = String::new();
            field.write_json(&mut json);
            let value = serde_json::from_str(&json).expect("fields are JSON");
            ((*name).to_owned(), value)
        })
        .collect()
}

/// Returns a reading in the form of the recorded results. Messages are not compared, only whether
/// there is one.
fn with_schema(schema: &Schema, reading: &Reading) -> Value {
    let mut result = Map::new();
    if reading.validation_passed {
        let names: Vec<&str> = schema
            .properties()
            .iter()
            .map(|property| property.name.as_str())
            .collect();
        result = fields(&names, reading);
    } else {
        result.insert("raw_response".into(), json!(reading.raw_response));
        result.insert(
            "validation_error".into(),
            json!(reading.validation_error.is_some()),
        );
    }
    with_status(result, reading)
}

fn without_schema(reading: &Reading) -> Value {
    let result = match reading.parse_status {
        ParseStatus::JsonOnly => match &fields(&["response"], reading)["response"] {
            Value::Object(members) => members.clone(),
            other => Map::from_iter([("response".to_owned(), other.clone())]),
        },
        _ => Map::from_iter([
            ("raw_response".to_owned(), json!(reading.raw_response)),
            (
                "json_error".to_owned(),
                json!(reading.validation_error.is_some()),
            ),
        ]),
    };
    with_status(result, reading)
}

fn with_status(mut result: Map<String, Value>, reading: &Reading) -> Value {
    result.insert("parse_status".into(), json!(reading.parse_status.as_str()));
    result.insert("validation_passed".into(), json!(reading.validation_passed));
    Value::Object(result)
}

/// Returns the recorded result with messages replaced as in [`with_schema`].
fn recorded(result: &Value) -> Value {
    let mut result = result.clone();
    for name in ["validation_error", "json_error"] {
        if let Some(message) = result.get_mut(name) {
            *message = Value::Bool(true);
        }
    }
    result
}

fn reason(note: Option<&Value>) -> String {
    match note {
        Some(Value::Array(notes)) => notes
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join("; "),
        Some(Value::String(note)) => note.clone(),
        _ => String::new(),
    }
}

#[test]
fn recorded_answers_are_read_as_recorded_or_differ_for_a_stated_reason() {
    let documents: BTreeMap<String, Value> =
        serde_json::from_str(&text_of("recorded/answers/schemas.json")).expect("schemas");
    let schemas: BTreeMap<&str, Arc<Schema>> = documents
        .iter()
        .map(|(name, document)| {
            let schema = Schema::compile(document).expect("valid schema");
            (name.as_str(), Arc::new(schema))
        })
        .collect();
    let known: BTreeMap<String, Ours> =
        serde_json::from_str(&text_of("expected/answers.json")).expect("answers.json");

    let mut differing: BTreeMap<String, Ours> = BTreeMap::new();
    for case in cases() {
        let schema = &schemas[case.schema.as_str()];
        let typed = Reader::new(Some(Arc::clone(schema)), true).read_text(&case.text);
        let untyped = Reader::new(None, true).read_text(&case.text);
        for (key, result, expected, note) in [
            (
                format!("{} with schema", case.id),
                with_schema(schema, &typed),
                &case.expected.schema_result,
                case.divergence.as_ref(),
            ),
            (
                format!("{} without schema", case.id),
                without_schema(&untyped),
                &case.expected.no_schema_result,
                case.divergence_no_schema.as_ref(),
            ),
        ] {
            if result != recorded(expected) {
                let why = known
                    .get(&key)
                    .map_or_else(|| reason(note), |ours| ours.why.clone());
                differing.insert(key, Ours { why, result });
            }
        }
    }

    let text = serde_json::to_string_pretty(&differing).expect("serialisable") + "\n";
    expect_file![file("expected/answers.json")].assert_eq(&text);
    for (key, ours) in &differing {
        assert!(!ours.why.is_empty(), "{key}: answers.json must say why");
    }
}
