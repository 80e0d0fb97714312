//! Finds the parts of a JSON Schema, by the keywords of any draft that hold schemas.

use serde_json::{Map, Value};
use std::borrow::Cow;

/// Keywords whose value is a schema.
const ONE: [&str; 14] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "extends",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "disallow",
];
/// Keywords whose value is a list of schemas.
const LISTS: [&str; 5] = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
/// Keywords whose value has a schema under each name. A member of `dependencies` is a schema or a
/// list of names.
const MAPS: [&str; 6] = [
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

/// Returns the members of a schema with its parts changed. Property names are not keywords.
pub fn with_parts<'a>(
    members: impl IntoIterator<Item = (&'a String, &'a Value)>,
    mut change: impl FnMut(&'a Value) -> Value,
) -> Map<String, Value> {
    let changed = members.into_iter().map(|(name, value)| {
        let keyword = name.as_str();
        let value = match value {
            Value::Object(parts) if MAPS.contains(&keyword) => parts
                .iter()
                .map(|(name, part)| match part {
                    Value::Array(_) => (name.clone(), part.clone()),
                    _ => (name.clone(), change(part)),
                })
                .collect(),
            Value::Array(parts) if LISTS.contains(&keyword) => {
                parts.iter().map(&mut change).collect()
            }
            Value::Object(_) if ONE.contains(&keyword) => change(value),
            other => other.clone(),
        };
        (name.clone(), value)
    });
    changed.collect()
}

/// Returns the schemas directly below a schema, in its order. Booleans are schemas too.
pub fn parts(members: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    placed_parts(members).map(|(_, part)| part)
}

/// Returns the schemas directly below a schema, each with its JSON Pointer from there.
pub fn placed_parts(members: &Map<String, Value>) -> impl Iterator<Item = (String, &Value)> {
    members.iter().flat_map(|(name, value)| {
        let keyword = name.as_str();
        let found: Vec<(String, &Value)> = match value {
            Value::Object(parts) if MAPS.contains(&keyword) => parts
                .iter()
                .filter(|(_, part)| !part.is_array())
                .map(|(name, part)| (format!("/{keyword}/{}", pointer_escaped(name)), part))
                .collect(),
            Value::Array(parts) if LISTS.contains(&keyword) => parts
                .iter()
                .enumerate()
                .map(|(place, part)| (format!("/{keyword}/{place}"), part))
                .collect(),
            Value::Object(_) if ONE.contains(&keyword) => vec![(format!("/{keyword}"), value)],
            _ => Vec::new(),
        };
        found
    })
}

pub(super) fn pointer_escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Returns the part of a document to which a reference within it (`#`, `#/…`) points.
pub fn referenced<'a>(document: &'a Value, reference: &str) -> Option<&'a Value> {
    document.pointer(plain_reference(reference).strip_prefix('#')?)
}

/// Returns a reference without URL escapes; if they are invalid, the reference as it is.
pub(super) fn plain_reference(reference: &str) -> Cow<'_, str> {
    if !reference.contains('%') {
        return Cow::Borrowed(reference);
    }
    percent_decoded(reference).map_or(Cow::Borrowed(reference), Cow::Owned)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let code = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
        bytes.push(u8::try_from(code).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_of_properties_are_not_keywords() {
        let schema = json!({
            "properties": {"items": {"type": "string"}, "not": true},
            "items": [{"type": "number"}],
            "dependencies": {"a": ["b"], "c": {"type": "object"}},
            "enum": [{"items": {}}],
        });
        let found: Vec<&Value> = parts(schema.as_object().unwrap()).collect();
        assert_eq!(
            found,
            [
                &json!({"type": "string"}),
                &json!(true),
                &json!({"type": "number"}),
                &json!({"type": "object"}),
            ]
        );
    }

    #[test]
    fn a_reference_may_be_written_as_part_of_a_url() {
        let document = json!({"properties": {"a b": 1, "c/d": 2, "é": 3}});
        for (reference, value) in [
            ("#/properties/a%20b", 1),
            ("#/properties/c~1d", 2),
            ("#/properties/%C3%A9", 3),
        ] {
            assert_eq!(referenced(&document, reference), Some(&json!(value)));
        }
        assert_eq!(referenced(&document, "#"), Some(&document));
        assert_eq!(referenced(&document, "other.json#/a"), None);
        assert_eq!(referenced(&document, "#/%2"), None);
    }
}
