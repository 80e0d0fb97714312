//! The only type or choice that a JSON Schema allows. Coercion and the types of Parquet columns
//! both follow it.

use serde_json::{Map, Value};

/// Returns the only type that a schema allows beside null.
pub fn only_type(members: &Map<String, Value>) -> Option<&str> {
    match members.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => {
            let mut others = names
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| *name != "null");
            let only = others.next()?;
            others.next().is_none().then_some(only)
        }
        _ => None,
    }
}

/// Returns the only schema that a choice offers beside null.
pub fn only_choice(members: &Map<String, Value>) -> Option<&Value> {
    if members.contains_key("type") || members.contains_key("properties") {
        return None;
    }
    ["anyOf", "oneOf", "allOf"].iter().find_map(|keyword| {
        let mut others = members
            .get(*keyword)?
            .as_array()?
            .iter()
            .filter(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
        let only = others.next()?;
        others.next().is_none().then_some(only)
    })
}
