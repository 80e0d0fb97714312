//! Gives properties names that a tool accepts.
//!
//! Claude refuses a tool whose input has property names with other characters than letters, digits,
//! `_`, `.` and `-`, or with more than 64 characters (`tools.0.custom.input_schema.properties:
//! Property keys should match pattern`). This concerns only the names at the top: the names in a
//! nested object may be any.

use super::parts::{parts, plain_reference, pointer_escaped};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// The longest name, in characters, each of which is one byte.
const LONGEST: usize = 64;

/// Keywords at the top that refer to properties by name. They are checked when the answer is read;
/// beside other names in the request they would mean something else.
const BY_NAME: [&str; 12] = [
    "allOf",
    "anyOf",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "oneOf",
    "patternProperties",
    "propertyNames",
    "then",
];

/// A property that has another name in the request than in the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenamedProperty {
    /// The name in the request, and therefore in the answer.
    pub asked: String,
    /// The name in the schema.
    pub name: String,
}

/// Returns the schema with accepted names, and the renamed properties. `None` if the schema refers
/// to itself as a whole, so that its names also occur inside answers, or to another document.
pub(super) fn with_accepted_names(schema: Value) -> Option<(Value, Vec<RenamedProperty>)> {
    let renamed = renamed(&schema);
    if renamed.is_empty() {
        return Some((schema, renamed));
    }
    if !refers_only_below(&schema) {
        return None;
    }
    let Value::Object(mut members) = schema else {
        return None;
    };
    members.retain(|keyword, _| !BY_NAME.contains(&keyword.as_str()));
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        *properties = std::mem::take(properties)
            .into_iter()
            .map(|(name, part)| match asked_name(&renamed, &name) {
                Some(asked) => (asked.to_owned(), titled(part, &name)),
                None => (name, part),
            })
            .collect();
    }
    if let Some(Value::Array(required)) = members.get_mut("required") {
        for name in required {
            if let Some(asked) = name.as_str().and_then(|name| asked_name(&renamed, name)) {
                *name = asked.into();
            }
        }
    }
    let mut schema = Value::Object(members);
    for property in &renamed {
        let from = format!("#/properties/{}", pointer_escaped(&property.name));
        let to = format!("#/properties/{}", property.asked);
        redirect(&mut schema, &from, &to);
    }
    Some((schema, renamed))
}

fn asked_name<'a>(renamed: &'a [RenamedProperty], name: &str) -> Option<&'a str> {
    renamed
        .iter()
        .find(|property| property.name == name)
        .map(|property| property.asked.as_str())
}

fn renamed(schema: &Value) -> Vec<RenamedProperty> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut taken: HashSet<String> = properties
        .keys()
        .filter(|name| is_accepted(name))
        .cloned()
        .collect();
    properties
        .keys()
        .filter(|name| !is_accepted(name))
        .map(|name| {
            let asked = free_name(name, &taken);
            taken.insert(asked.clone());
            RenamedProperty {
                asked,
                name: name.clone(),
            }
        })
        .collect()
}

fn is_accepted(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len()) && name.chars().all(is_accepted_character)
}

fn is_accepted_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-')
}

/// Returns a name similar to `name` that is accepted and not yet in use.
fn free_name(name: &str, taken: &HashSet<String>) -> String {
    let mut like: String = name
        .chars()
        .take(LONGEST)
        .map(|character| {
            if is_accepted_character(character) {
                character
            } else {
                '_'
            }
        })
        .collect();
    if !like.contains(|character: char| character.is_ascii_alphanumeric()) {
        "property".clone_into(&mut like);
    }
    if !taken.contains(&like) {
        return like;
    }
    let mut number = 2_usize;
    loop {
        let end = format!("_{number}");
        let start = &like[..like.len().min(LONGEST - end.len())];
        let numbered = format!("{start}{end}");
        if !taken.contains(&numbered) {
            return numbered;
        }
        number += 1;
    }
}

/// Tells the model the original name of a property.
fn titled(part: Value, name: &str) -> Value {
    match part {
        Value::Object(mut members) => {
            if !members.contains_key("title") {
                members.insert("title".into(), name.into());
            }
            Value::Object(members)
        }
        Value::Bool(true) => {
            let mut members = Map::new();
            members.insert("title".into(), name.into());
            Value::Object(members)
        }
        other => other,
    }
}

fn refers_only_below(schema: &Value) -> bool {
    let Value::Object(members) = schema else {
        return true;
    };
    let below = |keyword: &str| {
        members.get(keyword).is_none_or(|reference| {
            reference
                .as_str()
                .is_some_and(|text| text.starts_with("#/"))
        })
    };
    below("$ref") && below("$dynamicRef") && parts(members).all(refers_only_below)
}

/// Redirects references to a property to its other name.
fn redirect(schema: &mut Value, from: &str, to: &str) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref") {
                let plain = plain_reference(reference);
                if let Some(rest) = plain.strip_prefix(from)
                    && (rest.is_empty() || rest.starts_with('/'))
                {
                    *reference = format!("{to}{rest}");
                }
            }
            for value in members.values_mut() {
                redirect(value, from, to);
            }
        }
        Value::Array(items) => {
            for item in items {
                redirect(item, from, to);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(schema: &Value) -> (Value, Vec<(String, String)>) {
        let (schema, renamed) = with_accepted_names(schema.clone()).expect("can be renamed");
        let pairs = renamed
            .into_iter()
            .map(|property| (property.asked, property.name))
            .collect();
        (schema, pairs)
    }

    #[test]
    fn accepted_names_stay_and_nested_ones_may_be_any() {
        let schema =
            json!({"properties": {"a.b-c_D9": {"properties": {"x y": {}}}}, "anyOf": [{}]});
        assert_eq!(asked(&schema), (schema.clone(), Vec::new()));
    }

    #[test]
    fn a_property_gets_a_name_that_the_model_accepts() {
        let schema = json!({
            "properties": {
                "Account Number": {"type": "string"},
                "again": {"$ref": "#/properties/Account%20Number"},
                "größe": true,
            },
            "required": ["again", "Account Number"],
            "anyOf": [{"required": ["Account Number"]}],
        });
        assert_eq!(
            asked(&schema),
            (
                json!({
                    "properties": {
                        "Account_Number": {"type": "string", "title": "Account Number"},
                        "again": {"$ref": "#/properties/Account_Number"},
                        "gr__e": {"title": "größe"},
                    },
                    "required": ["again", "Account_Number"],
                }),
                vec![
                    ("Account_Number".to_owned(), "Account Number".to_owned()),
                    ("gr__e".to_owned(), "größe".to_owned()),
                ]
            )
        );
    }

    #[test]
    fn no_two_properties_get_one_name() {
        let long = "a".repeat(70);
        let longer = "a".repeat(71);
        let schema = json!({"properties": {
            "a_b": {}, "a b": {}, "a/b": {}, "a_b_2": {}, long.as_str(): {}, longer.as_str(): {}, "": {}, "日本": {},
        }});
        let (schema, renamed) = asked(&schema);
        let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        let distinct: HashSet<&&String> = names.iter().collect();
        assert_eq!(distinct.len(), 8);
        assert!(names.iter().all(|name| is_accepted(name)), "{names:?}");
        assert_eq!(renamed.len(), 6);
        assert_eq!(renamed[0].0, "a_b_3");
    }

    #[test]
    fn a_schema_that_refers_to_itself_as_a_whole_is_not_renamed() {
        let schema = json!({"properties": {"a b": {"$ref": "#"}}});
        assert_eq!(with_accepted_names(schema), None);
        let schema = json!({"properties": {"a": {"$ref": "#"}}});
        assert!(with_accepted_names(schema).is_some());
    }
}
