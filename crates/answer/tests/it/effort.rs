//! The check of an answer takes a bounded time and a bounded memory, whatever the schema and the
//! answer are. Without the bound, most of these tests would not end.

use proptest::prelude::*;
use quarry_answer::{ParseStatus, Reader, Reading, Schema};
use serde_json::{Map, Value, json};
use std::sync::Arc;

fn read(schema: &Value, answer: &str) -> Reading {
    let schema = Schema::compile(schema).expect("valid schema");
    Reader::new(Some(Arc::new(schema)), false).read_text(answer)
}

/// A tree of which every node is one of several kinds, each with the same two children.
fn choices() -> Value {
    let kind = |name: &str| {
        json!({
            "type": "object",
            "properties": {
                "kind": {"const": name},
                "left": {"$ref": "#/$defs/node"},
                "right": {"$ref": "#/$defs/node"},
            },
            "required": ["kind"],
        })
    };
    let kinds: Vec<Value> = ["a", "b", "c", "d"].into_iter().map(kind).collect();
    json!({
        "type": "object",
        "properties": {"tree": {"$ref": "#/$defs/node"}},
        "required": ["tree"],
        "$defs": {"node": {"oneOf": kinds}},
    })
}

fn chain(depth: usize, end: &str) -> String {
    let begin = r#"{"kind":"a","left":"#.repeat(depth);
    format!(
        r#"{{"tree":{begin}{{"kind":"{end}"}}{}}}"#,
        "}".repeat(depth)
    )
}

#[test]
fn a_wrong_value_deep_in_recursive_choices_is_an_invalid_answer() {
    for depth in [10, 13, 20, 60, 150] {
        let reading = read(&choices(), &chain(depth, "z"));
        assert_eq!(reading.parse_status, ParseStatus::ValidationFailed);
        let why = reading.validation_error.expect("a reason");
        assert!(why.len() < 40_000, "{}", why.len());
        assert_eq!(
            read(&choices(), &chain(depth, "b")).parse_status,
            ParseStatus::Success
        );
    }
}

#[test]
fn violations_in_few_choices_are_named_with_their_places() {
    let reading = read(&choices(), &chain(1, "z"));
    let why = reading.validation_error.expect("a reason");
    assert!(why.starts_with("/tree"), "{why}");
    let reading = read(&choices(), &chain(60, "z"));
    let why = reading.validation_error.expect("a reason");
    assert!(why.contains("too many to list"), "{why}");
}

#[test]
fn each_of_thousands_of_missing_properties_is_a_violation_without_a_copy_of_the_answer() {
    let names: Vec<String> = (0..4_900).map(|number| format!("p{number}")).collect();
    let properties: Map<String, Value> = names
        .iter()
        .map(|name| (name.clone(), json!({"type": "string"})))
        .collect();
    let schema = json!({"properties": properties, "required": names});
    let half: Map<String, Value> = names[..2_450]
        .iter()
        .map(|name| (name.clone(), "a long text".repeat(20).into()))
        .collect();
    let reading = read(&schema, &Value::Object(half).to_string());
    let why = reading.validation_error.expect("a reason");
    assert!(why.contains("\"p2450\" is a required property"), "{why}");
    assert!(why.ends_with("; and 2400 more"), "{why}");
}

#[test]
fn unevaluated_properties_at_every_level_are_bounded() {
    let schema = json!({
        "properties": {"a": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {
            "anyOf": [
                {"properties": {"a": {"$ref": "#/$defs/a"}}, "unevaluatedProperties": false},
                {"properties": {"a": {"$ref": "#/$defs/a"}, "b": true}, "unevaluatedProperties": false},
                {"properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["c"]},
            ],
            "unevaluatedProperties": false,
            "type": "object",
        }},
    });
    for depth in [5, 20, 100] {
        let answer = format!(
            "{}{{\"z\":1}}{}",
            "{\"a\":".repeat(depth),
            "}".repeat(depth)
        );
        assert_eq!(
            read(&schema, &answer).parse_status,
            ParseStatus::ValidationFailed
        );
    }
}

#[test]
fn many_laborious_objects_in_one_answer_share_one_effort() {
    let answer = format!("{}\n", chain(40, "z")).repeat(200);
    assert_eq!(
        read(&choices(), &answer).parse_status,
        ParseStatus::ValidationFailed
    );
}

/// A schema of the keywords that hold schemas, with references to itself.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string"})),
        Just(json!({"type": ["object", "null"]})),
        Just(json!({"enum": ["x", 1, null]})),
        Just(json!({"required": ["a"]})),
        Just(json!({"maxProperties": 1})),
        Just(json!({"uniqueItems": true, "minItems": 1})),
        Just(json!({"minimum": 3, "pattern": "^x", "maxLength": 3})),
        Just(json!({"$ref": "#/$defs/r"})),
        Just(json!({"$ref": "#/$defs/s"})),
        any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let some = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (
                prop::sample::select(vec!["anyOf", "oneOf", "allOf", "prefixItems"]),
                some
            )
                .prop_map(|(name, some)| json!({name: some})),
            (
                prop::sample::select(vec![
                    "not",
                    "items",
                    "contains",
                    "additionalProperties",
                    "unevaluatedProperties",
                    "unevaluatedItems",
                    "propertyNames",
                    "if",
                ]),
                inner.clone()
            )
                .prop_map(|(name, one)| json!({name: one, "then": {"required": ["b"]}})),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, x)| json!({
                "properties": {"a": a, "b": b},
                "patternProperties": {"^[cx]": x},
                "dependentSchemas": {"a": {"required": ["b"]}},
            })),
        ]
    })
}

fn answer() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!("x")),
        Just(json!("yy")),
        Just(json!(1)),
        Just(json!(4.5)),
        Just(Value::Null),
    ];
    leaf.prop_recursive(12, 60, 3, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::vec((prop::sample::select(vec!["a", "b", "c", "x"]), inner), 0..4)
                .prop_map(|members| Value::Object(
                    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
                )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any schema that can be used judges any answer.
    #[test]
    fn any_schema_judges_any_answer(
        one in schema(), r in schema(), s in schema(), answer in prop::collection::vec(answer(), 1..3),
    ) {
        let document = json!({
            "properties": {"a": one, "b": {"$ref": "#/$defs/r"}},
            "$defs": {"r": r, "s": s},
        });
        let Ok(schema) = Schema::compile(&document) else {
            return Ok(());
        };
        let mut members = Map::new();
        for (name, value) in ["a", "b"].into_iter().zip(answer) {
            members.insert(name.to_owned(), value);
        }
        let text = Value::Object(members).to_string();
        let reading = Reader::new(Some(Arc::new(schema)), false).read_text(&text);
        prop_assert_eq!(
            reading.validation_passed,
            reading.validation_error.is_none(),
            "{} {}", document, text
        );
    }
}
