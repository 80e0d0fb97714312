//! Lines of Bedrock output, and the text of answers.

use crate::target::FuzzTarget;
use quarry_answer::{FieldValue, LineBody, ParseStatus, Reader, Reading, Schema, read_line};
use quarry_model::{AnswerContent, ModelAnswer, read_output};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};

pub(crate) const LINE: FuzzTarget = FuzzTarget {
    name: "answer_line",
    check: check_line,
    words: &[
        "\"recordId\"",
        "\"modelOutput\"",
        "\"error\"",
        "\"content\"",
        "\"text\"",
        "\"stop_reason\"",
        "null",
        "{}",
        "[]",
        "\\ud800",
        "\\u0000",
    ],
};

pub(crate) const TEXT: FuzzTarget = FuzzTarget {
    name: "answer_text",
    check: check_text,
    words: &[
        "{\"kind\": \"a\"}",
        "{\"kind\": \"b\", \"score\": 1}",
        "\"kind\": ",
        "<think>",
        "</think>",
        "<|channel|>final<|message|>",
        "```json\n",
        "```",
        "Final answer: ",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "„",
        "“",
        "\\",
        ", ",
        "NaN",
        "null",
        "1e999",
    ],
};

/// A schema with a property of each kind.
static SCHEMA: LazyLock<Option<Arc<Schema>>> = LazyLock::new(|| {
    let schema = json!({
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["a", "b"]},
            "score": {"type": "number"},
            "count": {"type": "integer"},
            "good": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "inner": {"type": "object", "properties": {"kind": {"type": "string"}}},
        },
        "required": ["kind"],
    });
    Schema::compile(&schema).ok().map(Arc::new)
});

/// Any line is read, or refused with a place in it. Any output of a model has a reading.
fn check_line(line: &[u8]) {
    let read = match read_line(line) {
        Ok(read) => read,
        Err(malformed) => {
            assert!(malformed.byte <= line.len(), "{malformed}");
            assert!(!malformed.reason.is_empty(), "{malformed:?}");
            return;
        }
    };
    match read.body {
        LineBody::Error(error) => assert!(!error.is_final() || !error.is_first_use()),
        LineBody::Output(output) => match read_output(output) {
            Err(unreadable) => assert!(!unreadable.to_string().is_empty()),
            Ok(answer) => {
                for reader in readers(false) {
                    check_reading(&reader, &reader.read(&answer));
                }
            }
        },
    }
}

/// Any text has a whole reading. Text that parses needs no other quotes, no part of an object passes as
/// one, and values that passed pass again, as the same.
fn check_text(input: &[u8]) {
    let text = &*String::from_utf8_lossy(input);
    for prefilled in [false, true] {
        for reader in readers(prefilled) {
            let reading = reader.read_text(text);
            check_reading(&reader, &reading);
            if !prefilled && reader.schema().is_none() && is_object(text) {
                assert!(!reading.repaired, "what parses was repaired: {text}");
            }
            for stop_reason in ["max_tokens", "refusal", "end_turn"] {
                let answer = ModelAnswer {
                    content: AnswerContent::Text(text.into()),
                    stop_reason: Some(stop_reason.into()),
                    ..ModelAnswer::default()
                };
                check_reading(&reader, &reader.read(&answer));
            }
        }
    }
    let Some(schema) = &*SCHEMA else { return };
    let reader = Reader::new(Some(Arc::clone(schema)), false);
    if is_object(text) {
        check_cuts(&reader, text.trim_end());
    }
    check_again(&reader, schema, &reader.read_text(text));
}

fn readers(prefilled: bool) -> [Reader; 2] {
    [
        Reader::new(SCHEMA.clone(), prefilled),
        Reader::new(None, prefilled),
    ]
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

/// Checks that a reading says what it has to say.
pub(crate) fn check_reading(reader: &Reader, reading: &Reading) {
    assert_eq!(reading.fields.len(), reader.field_count());
    assert_eq!(
        reading.validation_passed,
        reading.parse_status == ParseStatus::Success
    );
    for field in &reading.fields {
        let text = field_json(field);
        assert!(!text.contains('\n'), "one line: {text}");
        // Of any depth.
        let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        assert!(is_json, "JSON: {text}");
    }
    let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    match reading.parse_status {
        ParseStatus::ValidationFailed | ParseStatus::JsonFailed => {
            assert!(
                reading.raw_response.is_some() && said(&reading.validation_error),
                "{reading:?}"
            );
        }
        ParseStatus::Error => assert!(said(&reading.error), "{reading:?}"),
        ParseStatus::Success | ParseStatus::JsonOnly => assert!(
            reading.validation_error.is_none() && reading.error.is_none(),
            "{reading:?}"
        ),
    }
}

/// No beginning of an object passes as the answer.
fn check_cuts(reader: &Reader, object: &str) {
    let ends: Vec<usize> = object.char_indices().map(|(at, _)| at).collect();
    let step = ends.len() / 32 + 1;
    let last = ends.len().saturating_sub(6);
    for end in ends.iter().step_by(step).chain(&ends[last..]) {
        let cut = &object[..*end];
        let reading = reader.read_text(cut);
        assert!(
            reading.parse_status != ParseStatus::Success,
            "a part of an object passes: {cut}"
        );
    }
}

/// An object of values that passed passes, with the same values. A value that is null was left out
/// or is null.
pub(crate) fn check_again(reader: &Reader, schema: &Schema, reading: &Reading) {
    if reading.parse_status != ParseStatus::Success {
        return;
    }
    let passes = |with_nulls: bool| {
        let mut object = String::from("{");
        for (property, field) in schema.properties().iter().zip(&reading.fields) {
            if matches!(field, FieldValue::Null) && !with_nulls {
                continue;
            }
            if object.len() > 1 {
                object.push(',');
            }
            object.push_str(&Value::from(property.name.as_str()).to_string());
            object.push(':');
            field.write_json(&mut object);
        }
        object.push('}');
        reader.read_text(&object)
    };
    let again = passes(false);
    if again.parse_status == ParseStatus::Success {
        assert_eq!(again.fields, reading.fields);
    } else {
        let again = passes(true);
        assert_eq!(
            (again.parse_status, &again.fields),
            (ParseStatus::Success, &reading.fields),
            "{:?}",
            again.validation_error
        );
    }
}

fn field_json(field: &FieldValue) -> String {
    let mut text = String::new();
    field.write_json(&mut text);
    text
}
