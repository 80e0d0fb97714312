//! Coerces an answer's values to the types of the schema, before validation.
//!
//! Models write `"0.9"` where they mean 0.9. The coercions are those of pydantic's lax JSON mode,
//! for which the prompts in use were written:
//!
//! - number: from an integer, a boolean, or text with a number (surrounding blanks and single
//!   underscores between digits are accepted; `50%`, `0,5` and empty text are not);
//! - integer: from a number without fraction, a boolean, or text with an integer (also `"1.0"` and
//!   `"007"`, but not `"1e3"`);
//! - boolean: from 0, 1, and true/false, t/f, yes/no, y/n, on/off, 1/0 in upper or lower case;
//! - text: from nothing else; arrays only from arrays, element by element; objects only from
//!   objects, member by member.
//!
//! The leniencies are also those of pydantic. An optional property may be null, which has the same
//! meaning as leaving it out. Members that the schema does not name are dropped, even if it has
//! `additionalProperties: false`. They are kept if the schema says more about them than
//! `properties` does (`patternProperties`, an `additionalProperties` schema, combinators), and in
//! objects for which it names no properties at all.
//!
//! A member may be repeated with the same value. With different values it becomes
//! [`Datum::Contradicted`], which is never valid: pydantic takes the last one, but nothing says
//! which is meant.
//!
//! Numbers that JSON cannot express (NaN, infinities, `1e400`, the text `"inf"`) become
//! [`Datum::NonFinite`], which is never valid.
//!
//! A value that cannot be coerced stays as it is, and the validator reports it.
//!
//! Limits: `$ref` is followed within the document, at most five deep and not into itself (the
//! inside of a recursive schema is not coerced). A choice (`anyOf`, `oneOf`, a list of types) is
//! coerced only if it is "one thing or null".

use crate::determined::{only_choice, only_type};
use crate::field::FieldKind;
use indexmap::IndexMap;
use jiter::{JsonArray, JsonObject, JsonValue};
use quarry_validation::Datum;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// The longest chain of references that is followed. Without a limit, definitions that refer to
/// each other would make the rules grow without end.
const DEEPEST_REFERENCE: usize = 5;

/// Up to this number of names, searching a list is faster than a map.
const FEW: usize = 16;

/// How to coerce one value; derived once from its schema.
#[derive(Debug)]
pub(crate) enum CoercionRule {
    /// Keep the value as it is.
    Keep(FieldKind),
    Number,
    Integer,
    Boolean,
    Array(Box<CoercionRule>),
    Object(ObjectRule),
}

/// How to coerce the members of an object.
#[derive(Debug)]
pub(crate) struct ObjectRule {
    properties: IndexMap<String, PropertyRule>,
    /// The other names of properties in answers.
    renamed: HashMap<String, String>,
    /// Whether members that are not properties are kept.
    keeps_others: bool,
}

#[derive(Debug)]
struct PropertyRule {
    rule: CoercionRule,
    required: bool,
}

impl CoercionRule {
    /// The kind of values that this rule leaves unchanged.
    pub(crate) fn kind(&self) -> FieldKind {
        match self {
            Self::Keep(kind) => *kind,
            Self::Number => FieldKind::Number,
            Self::Integer => FieldKind::Integer,
            Self::Boolean => FieldKind::Boolean,
            Self::Array(_) => FieldKind::Array,
            Self::Object(_) => FieldKind::Object,
        }
    }

    /// Coerces a value as far as possible. Never fails.
    pub(crate) fn apply<'a>(&'a self, value: JsonValue<'a>) -> Datum<'a> {
        match (self, value) {
            (Self::Object(rule), JsonValue::Object(members)) => rule.apply(members),
            (Self::Array(item), JsonValue::Array(items)) => Datum::Array(
                take_items(items)
                    .into_iter()
                    .map(|value| item.apply(value))
                    .collect(),
            ),
            (Self::Number, value) => number(value),
            (Self::Integer, value) => integer(value),
            (Self::Boolean, value) => boolean(value),
            (_, value) => keep(value),
        }
    }
}

impl ObjectRule {
    /// The kinds of the properties, in schema order.
    pub(crate) fn properties(&self) -> impl Iterator<Item = (&str, FieldKind)> {
        self.properties
            .iter()
            .map(|(name, property)| (name.as_str(), property.rule.kind()))
    }

    /// Accepts members under other names as properties: pairs of the other name and the property's
    /// own.
    pub(crate) fn rename(&mut self, renamed: impl IntoIterator<Item = (String, String)>) {
        self.renamed = renamed.into_iter().collect();
    }

    pub(crate) fn is_renamed(&self) -> bool {
        !self.renamed.is_empty()
    }

    /// Returns the rule of a property, by any of its names in answers.
    pub(crate) fn rule_of(&self, name: &str) -> Option<&CoercionRule> {
        self.property(name).map(|(_, property)| &property.rule)
    }

    /// Returns the position of a property in schema order, by any of its names in answers.
    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.property(name).map(|(index, _)| index)
    }

    /// Whether members that are not properties are kept.
    pub(crate) fn keeps_others(&self) -> bool {
        self.keeps_others
    }

    fn property(&self, name: &str) -> Option<(usize, &PropertyRule)> {
        self.own_property(name)
            .or_else(|| self.own_property(self.renamed.get(name)?))
    }

    fn own_property(&self, name: &str) -> Option<(usize, &PropertyRule)> {
        if self.properties.len() <= FEW {
            let mut properties = self.properties.iter().enumerate();
            let (index, (_, rule)) = properties.find(|(_, (own, _))| *own == name)?;
            return Some((index, rule));
        }
        let (index, _, rule) = self.properties.get_full(name)?;
        Some((index, rule))
    }

    /// Returns the properties in schema order, followed by the other members that are kept.
    pub(crate) fn apply<'a>(&'a self, members: JsonObject<'a>) -> Datum<'a> {
        let mut coerced: Vec<(Cow<'a, str>, Datum<'a>)> = self
            .properties
            .keys()
            .map(|name| (Cow::Borrowed(name.as_str()), Datum::Absent))
            .collect();
        let mut is_given = vec![false; coerced.len()];
        let mut others = Vec::new();
        for (name, value) in take_members(members) {
            match self.property(&name) {
                Some((index, property)) => {
                    let value = if !property.required && value == JsonValue::Null {
                        Datum::Absent
                    } else {
                        property.rule.apply(value)
                    };
                    let slot = &mut coerced[index].1;
                    if std::mem::replace(&mut is_given[index], true) {
                        repeat(slot, &value);
                    } else {
                        *slot = value;
                    }
                }
                None if self.keeps_others => others.push((name, value)),
                None => {}
            }
        }
        coerced.extend(distinct(others));
        Datum::Object(coerced)
    }
}

/// Returns a value without any coercion.
pub(crate) fn keep(value: JsonValue<'_>) -> Datum<'_> {
    match value {
        JsonValue::Null => Datum::Null,
        JsonValue::Bool(flag) => Datum::Bool(flag),
        JsonValue::Int(number) => Datum::Int(number),
        JsonValue::BigInt(number) => Datum::BigInt(number.to_string()),
        JsonValue::Float(number) => float(number),
        JsonValue::Str(text) => Datum::Text(text),
        JsonValue::Array(items) => Datum::Array(take_items(items).into_iter().map(keep).collect()),
        JsonValue::Object(members) => Datum::Object(distinct(take_members(members))),
    }
}

fn float(number: f64) -> Datum<'static> {
    if number.is_finite() {
        Datum::Float(number)
    } else {
        Datum::NonFinite
    }
}

fn number(value: JsonValue<'_>) -> Datum<'_> {
    match value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number property is a float, as in the original"
        )]
        JsonValue::Int(number) => Datum::Float(number as f64),
        JsonValue::BigInt(number) => match number.to_string().parse() {
            Ok(number) => float(number),
            Err(_) => Datum::NonFinite,
        },
        JsonValue::Bool(flag) => Datum::Float(f64::from(u8::from(flag))),
        JsonValue::Str(text) => match number_in(&text) {
            Some(number) => float(number),
            None => Datum::Text(text),
        },
        other => keep(other),
    }
}

fn integer(value: JsonValue<'_>) -> Datum<'_> {
    match value {
        JsonValue::Bool(flag) => Datum::Int(i64::from(flag)),
        JsonValue::Float(number) => whole(number).map_or_else(|| float(number), Datum::Int),
        JsonValue::Str(text) => integer_in(&text).unwrap_or(Datum::Text(text)),
        other => keep(other),
    }
}

fn boolean(value: JsonValue<'_>) -> Datum<'_> {
    let flag = match &value {
        JsonValue::Int(0) => Some(false),
        JsonValue::Int(1) => Some(true),
        JsonValue::Float(number) => match whole(*number) {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        JsonValue::Str(text) => boolean_in(text),
        _ => None,
    };
    flag.map_or_else(|| keep(value), Datum::Bool)
}

/// Returns the integer that equals a float, if the float has no fraction and fits.
fn whole(number: f64) -> Option<i64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "both bounds are exclusive, as the upper one rounds up to 2^63"
    )]
    let fits = number > i64::MIN as f64 && number < i64::MAX as f64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "without a fraction and within the range"
    )]
    (fits && number.fract() == 0.0).then_some(number as i64)
}

pub(crate) fn number_in(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => without_underscores(text)?.parse().ok(),
    }
}

fn integer_in(text: &str) -> Option<Datum<'static>> {
    const MOST_DIGITS: usize = 4_300;

    let mut text = text.trim();
    if text.len() > MOST_DIGITS {
        return None;
    }
    if let Some(unsigned) = text.strip_prefix('+') {
        if unsigned.starts_with('-') {
            return None;
        }
        text = unsigned;
    }
    if let Some((whole, fraction)) = text.split_once('.')
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte == b'0')
    {
        text = whole;
    }
    let digits = without_underscores(text).map_or(Cow::Borrowed(text), Cow::Owned);
    if let Ok(number) = digits.parse::<i64>() {
        return Some(Datum::Int(number));
    }
    let (sign, magnitude) = match digits.strip_prefix('-') {
        Some(magnitude) => ("-", magnitude),
        None => ("", &*digits),
    };
    let is_number = !magnitude.is_empty() && magnitude.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Datum::BigInt(format!("{sign}{}", magnitude.trim_start_matches('0'))))
}

/// Removes underscores by Python's rule: only between digits, never two in a row.
fn without_underscores(text: &str) -> Option<String> {
    let grouped = text.contains('_')
        && !text.contains("__")
        && !text.starts_with('_')
        && !text.ends_with('_');
    grouped.then(|| text.replace('_', ""))
}

fn boolean_in(text: &str) -> Option<bool> {
    const TRUE: [&str; 6] = ["true", "t", "yes", "y", "on", "1"];
    const FALSE: [&str; 6] = ["false", "f", "no", "n", "off", "0"];
    let is = |words: [&str; 6]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(TRUE) {
        Some(true)
    } else if is(FALSE) {
        Some(false)
    } else {
        None
    }
}

/// Returns members with distinct names, each at the position of the first of its name.
fn distinct<'a>(members: Vec<(Cow<'a, str>, JsonValue<'a>)>) -> Vec<(Cow<'a, str>, Datum<'a>)> {
    let mut kept: Vec<(Cow<'a, str>, Datum<'a>)> = Vec::with_capacity(members.len());
    if members.len() <= FEW {
        for (name, value) in members {
            let value = keep(value);
            match kept.iter_mut().find(|(kept, _)| *kept == name) {
                Some((_, first)) => repeat(first, &value),
                None => kept.push((name, value)),
            }
        }
        return kept;
    }
    let mut places: HashMap<Cow<'a, str>, usize> = HashMap::with_capacity(members.len());
    for (name, value) in members {
        let value = keep(value);
        if let Some(&place) = places.get(&name) {
            repeat(&mut kept[place].1, &value);
        } else {
            places.insert(name.clone(), kept.len());
            kept.push((name, value));
        }
    }
    kept
}

/// Adds the value of a member whose name came before.
fn repeat(first: &mut Datum<'_>, value: &Datum<'_>) {
    if !first.is_same(value) {
        *first = Datum::Contradicted;
    }
}

fn take_items(items: JsonArray<'_>) -> Vec<JsonValue<'_>> {
    Arc::unwrap_or_clone(items)
}

fn take_members(members: JsonObject<'_>) -> Vec<(Cow<'_, str>, JsonValue<'_>)> {
    Arc::unwrap_or_clone(members)
}

fn rule_of(schema: &Value, document: &Value, references: &mut Vec<String>) -> CoercionRule {
    let Value::Object(members) = schema else {
        return CoercionRule::Keep(FieldKind::Any);
    };
    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
        return referenced_rule(reference, document, references);
    }
    if let Some(only) = only_choice(members) {
        return rule_of(only, document, references);
    }
    match only_type(members) {
        Some("string") => CoercionRule::Keep(FieldKind::Text),
        Some("number") => CoercionRule::Number,
        Some("integer") => CoercionRule::Integer,
        Some("boolean") => CoercionRule::Boolean,
        Some("array") => CoercionRule::Array(Box::new(
            members
                .get("items")
                .map_or(CoercionRule::Keep(FieldKind::Any), |items| {
                    rule_of(items, document, references)
                }),
        )),
        Some("object") => object_rule(members, document, references)
            .map_or(CoercionRule::Keep(FieldKind::Object), CoercionRule::Object),
        None if members.contains_key("type") => CoercionRule::Keep(FieldKind::Any),
        None if members.contains_key("properties") => object_rule(members, document, references)
            .map_or(CoercionRule::Keep(FieldKind::Any), CoercionRule::Object),
        None if is_text_enum(members) => CoercionRule::Keep(FieldKind::Text),
        Some(_) | None => CoercionRule::Keep(FieldKind::Any),
    }
}

/// Returns the rule for an object with named properties; `None` if the schema names none.
pub(crate) fn object_rule(
    members: &Map<String, Value>,
    document: &Value,
    references: &mut Vec<String>,
) -> Option<ObjectRule> {
    const SAY_MORE: [&str; 13] = [
        "$ref",
        "$dynamicRef",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "dependencies",
        "dependentSchemas",
        "patternProperties",
        "propertyNames",
    ];

    let properties = members.get("properties")?.as_object()?;
    if properties.is_empty() {
        return None;
    }
    let required: Vec<&str> = members
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let has_schema_for_others = ["additionalProperties", "unevaluatedProperties"]
        .iter()
        .any(|keyword| members.get(*keyword).is_some_and(Value::is_object));
    let keeps_others = has_schema_for_others
        || SAY_MORE
            .iter()
            .any(|keyword| members.contains_key(*keyword))
        || required.iter().any(|name| !properties.contains_key(*name));
    let properties = properties
        .iter()
        .map(|(name, schema)| {
            let rule = rule_of(schema, document, references);
            let required = required.contains(&name.as_str());
            (name.clone(), PropertyRule { rule, required })
        })
        .collect();
    Some(ObjectRule {
        properties,
        renamed: HashMap::new(),
        keeps_others,
    })
}

fn referenced_rule(
    reference: &str,
    document: &Value,
    references: &mut Vec<String>,
) -> CoercionRule {
    let target = reference
        .strip_prefix('#')
        .and_then(|pointer| document.pointer(pointer));
    match target {
        Some(target)
            if references.len() < DEEPEST_REFERENCE
                && !references.iter().any(|seen| seen == reference) =>
        {
            references.push(reference.to_owned());
            let rule = rule_of(target, document, references);
            references.pop();
            rule
        }
        _ => CoercionRule::Keep(FieldKind::Any),
    }
}

fn is_text_enum(members: &Map<String, Value>) -> bool {
    members
        .get("enum")
        .and_then(Value::as_array)
        .is_some_and(|values| {
            !values.is_empty()
                && values
                    .iter()
                    .all(|value| value.is_string() || value.is_null())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_prefix;
    use serde_json::json;

    /// Returns the JSON of `value` after coercion to `schema`.
    fn coerced(schema: &Value, value: &str) -> String {
        let rule = rule_of(schema, schema, &mut Vec::new());
        let parsed = parse_prefix(value).expect("JSON");
        let mut out = String::new();
        rule.apply(parsed.value).write_json(&mut out);
        out
    }

    #[test]
    fn numbers_come_from_integers_booleans_and_numeric_text() {
        let schema = json!({"type": "number"});
        for (value, expected) in [
            ("1", "1.0"),
            ("true", "1.0"),
            ("\" 0.5 \"", "0.5"),
            ("\"1_000\"", "1000.0"),
            ("\"-1e3\"", "-1000.0"),
            ("\"50%\"", "\"50%\""),
            ("\"0,5\"", "\"0,5\""),
            ("\"\"", "\"\""),
            ("\"_1\"", "\"_1\""),
            ("null", "null"),
            ("[1]", "[1]"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
        ] {
            assert_eq!(coerced(&schema, value), expected, "{value}");
        }
    }

    #[test]
    fn integers_come_from_whole_numbers_booleans_and_integer_text() {
        let schema = json!({"type": "integer"});
        for (value, expected) in [
            ("1.0", "1"),
            ("1.5", "1.5"),
            ("1e20", "1e+20"),
            ("false", "0"),
            ("\" 7 \"", "7"),
            ("\"1.0\"", "1"),
            ("\"+007\"", "7"),
            ("\"-5\"", "-5"),
            ("\"1_000\"", "1000"),
            ("\"1e3\"", "\"1e3\""),
            ("\"1.\"", "\"1.\""),
            ("\"+-1\"", "\"+-1\""),
            ("\"x\"", "\"x\""),
            ("\"\"", "\"\""),
            ("\"-\"", "\"-\""),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            (
                "\"-123456789012345678901234567890\"",
                "-123456789012345678901234567890",
            ),
        ] {
            assert_eq!(coerced(&schema, value), expected, "{value}");
        }
    }

    #[test]
    fn booleans_come_from_zero_one_and_words() {
        let schema = json!({"type": "boolean"});
        for (value, expected) in [
            ("0", "false"),
            ("1.0", "true"),
            ("2", "2"),
            ("0.5", "0.5"),
            ("\"YES\"", "true"),
            ("\"off\"", "false"),
            ("\"maybe\"", "\"maybe\""),
            ("\" true\"", "\" true\""),
        ] {
            assert_eq!(coerced(&schema, value), expected, "{value}");
        }
    }

    #[test]
    fn text_comes_from_nothing_else() {
        for value in ["1", "true", "[\"a\"]", "{\"a\":1}", "null"] {
            assert_eq!(coerced(&json!({"type": "string"}), value), value);
        }
    }

    #[test]
    fn coercion_reaches_into_lists_objects_references_and_nullable_types() {
        let schema = json!({
            "type": "object",
            "properties": {
                "list": {"type": "array", "items": {"type": ["integer", "null"]}},
                "inner": {"$ref": "#/$defs/inner"},
                "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                "either": {"type": ["integer", "boolean"]},
            },
            "$defs": {"inner": {"type": "object", "properties": {
                "flag": {"type": "boolean"},
                "again": {"$ref": "#/$defs/inner"},
            }}},
        });
        assert_eq!(
            coerced(
                &schema,
                r#"{"either":"1","maybe":"2","inner":{"again":{"flag":"no"},"flag":"no"},"list":["1",null]}"#
            ),
            r#"{"list":[1,null],"inner":{"flag":false,"again":{"flag":"no"}},"maybe":2.0,"either":"1"}"#
        );
    }

    #[test]
    fn other_members_are_dropped_unless_the_schema_says_more_about_them() {
        let named =
            json!({"type": "object", "properties": {"a": {}}, "additionalProperties": false});
        assert_eq!(coerced(&named, r#"{"b":1,"a":2}"#), r#"{"a":2}"#);

        let described = json!({
            "type": "object",
            "properties": {"a": {}},
            "additionalProperties": {"type": "integer"},
        });
        assert_eq!(
            coerced(&described, r#"{"b":3,"a":2,"b":3}"#),
            r#"{"a":2,"b":3}"#
        );
        let free = json!({"type": "object"});
        assert_eq!(
            coerced(&free, r#"{"b":3,"a":[2],"b":3}"#),
            r#"{"b":3,"a":[2]}"#
        );
    }

    /// Few members are searched in a list, and many in a map.
    #[test]
    fn a_member_may_be_repeated_with_the_same_value_only() {
        for names in [3, 40] {
            let mut members: Vec<String> = (0..names)
                .map(|name| format!("\"{name}\":{name}"))
                .collect();
            members.push("\"0\":0".to_owned());
            members.push("\"1\":7".to_owned());
            let text = format!("{{{}}}", members.join(","));
            let Datum::Object(kept) = keep(parse_prefix(&text).expect("JSON").value) else {
                panic!("an object");
            };
            assert_eq!(kept.len(), names);
            let first = [
                ("0".into(), Datum::Int(0)),
                ("1".into(), Datum::Contradicted),
            ];
            assert_eq!(kept[..2], first);
        }
    }

    #[test]
    fn numbers_json_cannot_write_are_marked() {
        let rule = CoercionRule::Number;
        for value in ["NaN", "-Infinity", "1e400", "\"inf\"", "\"nan\""] {
            let parsed = parse_prefix(value).expect("JSON");
            assert_eq!(rule.apply(parsed.value), Datum::NonFinite, "{value}");
        }
    }
}
