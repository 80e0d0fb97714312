//! Properties that hold for every answer.

use proptest::prelude::*;
use quarry_answer::{FieldValue, ParseStatus, Reader, Reading, Schema, read_line, repair_quotes};
use quarry_model::{AnswerContent, ModelAnswer, read_output};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Text as models write it, with quotes of all kinds, braces, blanks, escapes and other scripts.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("„".to_owned()),
        Just("“".to_owned()),
        Just("”".to_owned()),
        Just("‚x‘".to_owned()),
        Just("\"".to_owned()),
        Just("\\\"".to_owned()),
        Just("\\".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[1]".to_owned()),
        Just(", \"b\": ".to_owned()),
        Just("\n".to_owned()),
        Just("\t".to_owned()),
        Just("\u{0}".to_owned()),
        Just("```json\n".to_owned()),
        Just("<thinking>".to_owned()),
        Just("</think>".to_owned()),
        Just("<|channel|>final<|message|>".to_owned()),
        Just("Final answer:".to_owned()),
        Just("</a>\n<parameter name=\"b\">".to_owned()),
        Just("日本😀ü".to_owned()),
        "[a-z ]{1,6}",
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// Finite JSON whose numbers fit into 64 bits.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..5)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((text(), value()), 0..6).prop_map(Map::from_iter)
}

fn field_json(field: &FieldValue) -> Value {
    let mut json = String::new();
    field.write_json(&mut json);
    assert!(!json.contains('\n'), "one line: {json}");
    serde_json::from_str(&json).expect("a field is JSON")
}

fn reader(prefilled: bool) -> Reader {
    let schema = Schema::compile(&json!({
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "number"}, "c": {"type": "array"}},
        "required": ["a"],
    }))
    .expect("valid schema");
    Reader::new(Some(Arc::new(schema)), prefilled)
}

/// Checks the properties of every reading.
fn check(reader: &Reader, reading: &Reading) {
    assert_eq!(reading.fields.len(), reader.field_count());
    assert_eq!(
        reading.validation_passed,
        reading.parse_status == ParseStatus::Success
    );
    for field in &reading.fields {
        field_json(field);
    }
    match reading.parse_status {
        ParseStatus::ValidationFailed | ParseStatus::JsonFailed => {
            assert!(reading.raw_response.is_some() && reading.validation_error.is_some());
        }
        ParseStatus::Error => assert!(reading.error.is_some()),
        ParseStatus::Success | ParseStatus::JsonOnly => {
            assert!(reading.validation_error.is_none() && reading.error.is_none());
        }
    }
}

/// Counts the ASCII quotes that a repair may change: those that close a `„`.
fn pattern_quotes(text: &str) -> usize {
    let mut open = false;
    let mut count = 0;
    for character in text.chars() {
        match character {
            '„' => open = true,
            '"' if open => {
                open = false;
                count += 1;
            }
            '“' | '”' => open = false,
            _ => {}
        }
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A repair never changes text that parses: a JSON object keeps its values, whatever its text
    /// and however it is printed.
    #[test]
    fn valid_objects_come_out_as_they_are(object in object(), pretty: bool, prefilled: bool) {
        let answer = Value::Object(object.clone());
        let text = if pretty {
            serde_json::to_string_pretty(&answer)
        } else {
            serde_json::to_string(&answer)
        }
        .expect("serialisable");

        let reading = Reader::new(None, prefilled).read_text(&text);
        prop_assert_eq!(reading.parse_status, ParseStatus::JsonOnly);
        prop_assert!(!reading.repaired);
        prop_assert_eq!(field_json(&reading.fields[0]), answer);

        if !object.is_empty() {
            let properties: Map<String, Value> =
                object.keys().map(|name| (name.clone(), json!({}))).collect();
            let schema = Schema::compile(&json!({ "properties": properties })).expect("valid");
            let reading = Reader::new(Some(Arc::new(schema)), prefilled).read_text(&text);
            prop_assert_eq!(reading.parse_status, ParseStatus::Success);
            prop_assert!(!reading.repaired);
            for (field, expected) in reading.fields.iter().zip(object.values()) {
                prop_assert_eq!(&field_json(field), expected);
            }
        }
    }

    /// The same object is read from a fence and from an answer whose first brace was given to the
    /// model.
    #[test]
    fn wrapping_and_prefill_change_nothing(object in object()) {
        let text = serde_json::to_string(&object).expect("serialisable");
        let answer = Value::Object(object);
        let fenced = format!("```json\n{text}\n```");
        let reading = Reader::new(None, false).read_text(&fenced);
        prop_assert_eq!(field_json(&reading.fields[0]), answer.clone());
        prop_assert_eq!(reading.raw_response, None);

        let reading = Reader::new(None, true).read_text(&text[1..]);
        prop_assert_eq!(field_json(&reading.fields[0]), answer);
    }

    /// No text makes reading panic, and every reading is complete.
    #[test]
    fn any_text_has_a_reading(text in text(), noise in any::<String>()) {
        for text in [&text, &noise, &format!("{{\"a\":\"{text}\"}}"), &format!("{{\"a\":\"{noise}")] {
            for prefilled in [false, true] {
                for reader in [reader(prefilled), Reader::new(None, prefilled)] {
                    check(&reader, &reader.read_text(text));
                    for stop_reason in ["max_tokens", "refusal", "end_turn"] {
                        let answer = ModelAnswer {
                            content: AnswerContent::Text(text.as_str().into()),
                            stop_reason: Some(stop_reason.into()),
                            ..ModelAnswer::default()
                        };
                        check(&reader, &reader.read(&answer));
                    }
                }
            }
        }
    }

    /// A German quote pair in the middle of a text value is always repaired, whatever else the text
    /// contains, braces included.
    #[test]
    fn quote_pairs_are_repaired(before in "[a-z{}, :]{0,8}", inside in "[a-zü{}, :]{0,8}", after in "[a-z{} ]{0,8}") {
        let reading = reader(false)
            .read_text(&format!("{{\"a\":\"{before}„{inside}\" x{after}\",\"b\":1}}"));
        prop_assert_eq!(reading.parse_status, ParseStatus::Success);
        prop_assert!(reading.repaired);
        prop_assert_eq!(
            &reading.fields[0],
            &FieldValue::Text(format!("{before}\"{inside}\" x{after}"))
        );
    }

    /// An ASCII quote outside the `„…"` pattern never changes.
    #[test]
    fn other_ascii_quotes_are_left_alone(text in text()) {
        match repair_quotes(&text) {
            None => prop_assert!(!text.contains(['„', '“', '”', '‚', '‘'])),
            Some(repaired) => {
                let added = repaired.matches('\\').count() - text.matches('\\').count();
                // Each pair gets two escaped quotes: one replaces the low quote, and one the
                // closing mark, which was an ASCII quote or a curly one.
                prop_assert!(added.is_multiple_of(2));
                let kept = text.matches('"').count() - pattern_quotes(&text);
                prop_assert_eq!(repaired.matches('"').count() - added, kept);
            }
        }
        if !text.contains('„') {
            let expected = text.replace(['“', '”', '‚', '‘'], "'");
            prop_assert_eq!(repair_quotes(&text).unwrap_or_else(|| text.clone()), expected);
        }
    }

    /// No bytes make reading a line or an output panic.
    #[test]
    fn any_bytes_are_a_line_or_an_error_that_says_why(bytes in any::<Vec<u8>>(), text in text()) {
        for line in [bytes, text.clone().into_bytes(), format!("{{\"recordId\":\"{text}\"}}").into_bytes()] {
            if let Err(malformed) = read_line(&line) {
                prop_assert!(malformed.byte <= line.len());
                prop_assert!(!malformed.reason.is_empty());
            }
        }
        let _ = read_output(&text);
    }
}
