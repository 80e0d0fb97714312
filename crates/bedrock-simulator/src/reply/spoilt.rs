//! Answers with a fault in them.

use serde_json::{Map, Value, json};

/// Returns the name of the first text that the schema does not restrict, with room for `spare` more
/// characters.
fn free_text(members: &Map<String, Value>, schema: Option<&Value>, spare: u64) -> Option<String> {
    let properties = schema.and_then(|schema| schema.get("properties"));
    let is_free = |name: &str, text: &str| {
        let property = properties.and_then(|properties| properties.get(name));
        let bound = ["enum", "const", "pattern", "format", "$ref"];
        property.is_none_or(|property| {
            let most = property.get("maxLength").and_then(Value::as_u64);
            let fits = most.is_none_or(|most| text.chars().count() as u64 + spare <= most);
            fits && bound.iter().all(|keyword| property.get(keyword).is_none())
        })
    };
    members
        .iter()
        .find(|(name, member)| member.as_str().is_some_and(|text| is_free(name, text)))
        .map(|(name, _)| name.clone())
}

/// Represents a bare ASCII quotation mark until the value is text; no schema produces it.
const BARE_QUOTE: char = '\u{E000}';

/// Returns the value as text, with a word of a free text quoted as `„word"`, whose closing mark is
/// a bare ASCII one, so that it is no longer JSON. A value without a free text is written
/// unchanged.
pub(super) fn with_german_quotes(mut value: Value, schema: Option<&Value>) -> String {
    // There must be room for the two marks.
    let free = value
        .as_object()
        .and_then(|members| free_text(members, schema, 2));
    let target = match (free, &mut value) {
        (Some(name), Value::Object(members)) => members.get_mut(&name),
        (_, value) => first_text(value),
    };
    if let Some(Value::String(text)) = target {
        let (head, word) = text.rsplit_once(' ').unwrap_or(("", text));
        let gap = if head.is_empty() { "" } else { " " };
        *text = format!("{head}{gap}„{word}{BARE_QUOTE}");
    }
    value.to_string().replace(BARE_QUOTE, "\"")
}

fn first_text(value: &mut Value) -> Option<&mut Value> {
    match value {
        Value::String(_) => Some(value),
        Value::Array(items) => items.iter_mut().find_map(first_text),
        Value::Object(members) => members.values_mut().find_map(first_text),
        _ => None,
    }
}

/// Makes the value break its schema: gives a declared property a wrong value, or removes a required
/// one, or takes a value of no declared type.
pub(super) fn violate(value: &mut Value, schema: Option<&Value>) {
    let empty = Map::new();
    let properties = schema
        .and_then(|schema| schema.get("properties"))
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let Value::Object(members) = value else {
        *value = json!({"unexpected": true});
        return;
    };
    let listed = properties
        .iter()
        .find(|(name, property)| property.get("enum").is_some() && members.contains_key(*name));
    if let Some((name, _)) = listed {
        members.insert(name.clone(), json!("none of the listed"));
        return;
    }
    let typed = properties.iter().find(|(name, property)| {
        property.get("type").is_some_and(Value::is_string) && members.contains_key(*name)
    });
    if let Some((name, property)) = typed {
        // A lenient reader cannot accept either of these for the other.
        let wrong = if property.get("type") == Some(&json!("array")) {
            json!({"unexpected": true})
        } else {
            json!([["unexpected"]])
        };
        members.insert(name.clone(), wrong);
        return;
    }
    let required = schema
        .and_then(|schema| schema.pointer("/required/0"))
        .and_then(Value::as_str);
    if let Some(name) = required {
        members.shift_remove(name);
    }
}

/// Lets one property run into the next: the text of the first holds the end of its own tag and the
/// beginning of another one's, as in Claude's calls when their XML is read wrongly. An answer
/// without a text, or with only one property, is not changed.
pub(super) fn leak(value: &mut Value, schema: Option<&Value>) {
    let Value::Object(members) = value else {
        return;
    };
    let is_nested = |member: &Value| member.is_array() || member.is_object();
    let text = free_text(members, schema, 0).or_else(|| {
        let first = members.iter().find(|(_, member)| member.is_string());
        first.map(|(name, _)| name.clone())
    });
    let Some(text) = text else { return };
    let others = || members.iter().filter(|(name, _)| **name != text);
    let leaked = others()
        .find(|(_, member)| is_nested(member))
        .or_else(|| others().next())
        .map(|(name, _)| name.clone());
    let Some(leaked) = leaked else { return };
    let inner = members.shift_remove(&leaked).unwrap_or_default();
    let inner = match inner {
        Value::String(text) => text,
        other => serde_json::to_string_pretty(&other).unwrap_or_default(),
    };
    if let Some(Value::String(carrier)) = members.get_mut(&text) {
        *carrier = format!("{carrier}</{text}>\n<parameter name=\"{leaked}\">{inner}");
    }
}

/// Gives lists and objects as JSON text; an answer without any is wrapped in a parameter as a
/// whole.
pub(super) fn nest_as_text(value: &mut Value) {
    let Value::Object(members) = value else {
        return;
    };
    let mut found = false;
    for member in members.values_mut() {
        if member.is_array() || member.is_object() {
            *member = Value::String(member.to_string());
            found = true;
        }
    }
    if !found {
        let whole = std::mem::take(members);
        members.insert("parameters".to_owned(), Value::Object(whole));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_moves_one_property_into_the_text_of_another() {
        let schema = json!({"properties": {
            "kind": {"enum": ["a"]}, "note": {"type": "string"}, "list": {"type": "array"}
        }});
        let mut value = json!({"kind": "a", "note": "so", "list": [{"n": 1}], "rest": 2});
        leak(&mut value, Some(&schema));
        assert_eq!(
            value,
            json!({
                "kind": "a", "rest": 2,
                "note": "so</note>\n<parameter name=\"list\">[\n  {\n    \"n\": 1\n  }\n]"
            })
        );
        let mut alone = json!({"note": "so"});
        leak(&mut alone, None);
        assert_eq!(alone, json!({"note": "so"}));
    }

    #[test]
    fn what_is_nested_becomes_text() {
        let mut value = json!({"a": [1], "b": {"c": 2}, "d": 3});
        nest_as_text(&mut value);
        assert_eq!(value, json!({"a": "[1]", "b": "{\"c\":2}", "d": 3}));
        let mut flat = json!({"d": 3});
        nest_as_text(&mut flat);
        assert_eq!(flat, json!({"parameters": {"d": 3}}));
    }
}
