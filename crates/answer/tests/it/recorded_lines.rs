//! Lines that the service wrote are read as they are meant.
//!
//! Each folder of `tests/recorded/lines` has two files. `lines.jsonl` has lines of batch output and
//! of answers on demand that were published (restated and shortened). `case.json` says what is special
//! about them, and names their schema. `tests/expected/lines` has what is read from each line.

use expect_test::expect_file;
use quarry_answer::{LineBody, Reader, Schema, read_line};
use quarry_model::read_output;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Deserialize)]
struct Case {
    about: String,
    schema: Option<Value>,
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/lines");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .expect("tests/recorded/lines")
        .map(|entry| entry.expect("entry").path())
        .collect();
    folders.sort();
    assert!(folders.len() >= 12, "recorded lines are missing");
    folders
}

/// Returns what a user sees of one line; false and missing values are left out.
fn seen(line: &[u8], schema: Option<&Arc<Schema>>) -> Value {
    let line = read_line(line).expect("a line of the service is well formed");
    let output = match line.body {
        LineBody::Error(error) => {
            return json!({
                "record": line.record_id,
                "refused_with": error.to_string(),
                "is_final": error.is_final(),
            });
        }
        LineBody::Output(output) => output,
    };
    let answer = read_output(output).expect("an output of the service is readable");
    let reading = Reader::new(schema.cloned(), false).read(&answer);
    let names = schema.map_or_else(
        || vec!["response"],
        |schema| {
            let properties = schema.properties().iter();
            properties.map(|property| property.name.as_str()).collect()
        },
    );
    let fields: Map<String, Value> = names
        .into_iter()
        .zip(&reading.fields)
        .map(|(name, field)| {
            let mut json = String::new();
            field.write_json(&mut json);
            let value = serde_json::from_str(&json).expect("fields are JSON");
            (name.to_owned(), value)
        })
        .collect();
    let mut seen = json!({
        "record": line.record_id,
        "parse_status": reading.parse_status.as_str(),
        "good": reading.is_good(),
        "repaired": reading.repaired,
        "cut_off": reading.cut_off,
        "declined": reading.refused,
        "fields": fields,
        "error": reading.error,
        "raw_response": reading.raw_response,
        "validation_error": reading.validation_error,
        "stop_reason": answer.stop_reason,
        "usage": answer.usage,
    });
    if let Value::Object(members) = &mut seen {
        members.retain(|_, value| !matches!(value, Value::Null | Value::Bool(false)));
    }
    seen
}

#[test]
fn lines_of_the_service_are_read_as_they_are_meant() {
    for folder in folders() {
        let text = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let case: Case = serde_json::from_str(&text("case.json"))
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let schema = case
            .schema
            .map(|document| Arc::new(Schema::compile(&document).expect("a valid schema")));
        let lines = text("lines.jsonl");
        let seen: Vec<Value> = lines
            .split_terminator('\n')
            .map(|line| seen(line.as_bytes(), schema.as_ref()))
            .collect();
        let seen = serde_json::to_string_pretty(&seen).expect("serialisable") + "\n";
        assert!(!case.about.is_empty(), "{}", folder.display());
        let expected = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/expected/lines")
            .join(folder.file_name().expect("a name"));
        expect_file![expected.with_extension("json")].assert_eq(&seen);
    }
}
