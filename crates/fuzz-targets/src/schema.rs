//! Schemas of answers.

use crate::answer::{check_again, check_reading};
use crate::target::FuzzTarget;
use quarry_answer::{Reader, Schema};
use quarry_contract::json_document::read_document;
use quarry_parquet::ResultKind;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(crate) const SCHEMA: FuzzTarget = FuzzTarget {
    name: "schema",
    check: check_schema,
    words: &[
        "\"type\": ",
        "\"properties\": ",
        "\"required\": ",
        "\"items\": ",
        "\"$ref\": \"#\"",
        "\"$ref\": \"#/$defs/a\"",
        "\"$defs\": ",
        "\"anyOf\": ",
        "\"additionalProperties\": ",
        "\"enum\": ",
        "\"const\": ",
        "\"pattern\": \"(a+)+$\"",
        "\"nullable\": true",
        "\"object\"",
        "\"array\"",
        "\"string\"",
        "\"integer\"",
        "{}",
        "[]",
        "true",
        "null",
        "1e999",
    ],
};

/// A schema is compiled, always to the same, or refused by its place. Answers are read by it,
/// whatever their values are.
fn check_schema(input: &[u8]) {
    let document = match read_document(input) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.to_string().contains(" line "), "{error}");
            return;
        }
    };
    let schema = match Schema::compile(&document) {
        Ok(schema) => Arc::new(schema),
        Err(error) => {
            assert!(error.to_string().contains("schema"), "{error}");
            return;
        }
    };
    assert!(!schema.properties().is_empty());
    for other in [schema.document(), schema.understood()] {
        match Schema::compile(other) {
            Ok(again) => assert_eq!(again.properties(), schema.properties()),
            Err(error) => panic!("the same schema is refused: {error}"),
        }
    }
    let properties = document.get("properties").and_then(Value::as_object);
    for property in properties.into_iter().flat_map(Map::values) {
        let _ = ResultKind::of_schema(property, &document);
    }
    let reader = Reader::new(Some(Arc::clone(&schema)), false);
    let values = [
        json!(null),
        json!("a"),
        json!("7"),
        json!(7),
        json!(-0.5),
        json!(true),
        json!([]),
        json!(["a", {"a": 1}]),
        json!({}),
        json!({"a": {"a": "b"}}),
    ];
    for value in values {
        let members = schema
            .properties()
            .iter()
            .map(|property| (property.name.clone(), value.clone()));
        let text = Value::Object(members.collect()).to_string();
        let reading = reader.read_text(&text);
        check_reading(&reader, &reading);
        check_again(&reader, &schema, &reading);
    }
}
