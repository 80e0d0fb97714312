//! What of a JSON Schema a model takes with a request. Answers are validated against the whole
//! schema afterwards, so what is left out here loosens nothing but the request.

use serde_json::{Map, Value, json};

/// Keywords whose value is a schema.
const ONE: [&str; 10] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedProperties",
];
/// Keywords whose value is a list of schemas.
const LISTS: [&str; 5] = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
/// Keywords whose value has a schema under each name.
const MAPS: [&str; 5] = [
    "$defs",
    "definitions",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

/// Keywords that structured output refuses. Source: Claude documentation, "Structured outputs",
/// JSON Schema limitations; Bedrock's user guide, "Get validated JSON results from models".
const REFUSED_BY_STRUCTURED_OUTPUT: [&str; 12] = [
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "patternProperties",
    "uniqueItems",
];

/// The schema with a `type`: tool inputs are objects by definition, and Bedrock refuses a schema
/// that does not say so.
pub(crate) fn object_schema(schema: &Value) -> Value {
    match schema {
        Value::Object(members) if !members.contains_key("type") => {
            let mut typed = Map::with_capacity(members.len() + 1);
            typed.insert("type".into(), "object".into());
            typed.extend(members.clone());
            Value::Object(typed)
        }
        other => other.clone(),
    }
}

/// The schema with only `type`, `properties` and `required` at its top, and definitions put in
/// place of their references: Amazon Nova's tools take no more there (Nova user guide,
/// "Troubleshooting tool calls"). A definition that contains itself becomes any value.
pub(crate) fn three_members(schema: &Value) -> Value {
    let mut inlined = inlined(schema, schema, &mut Vec::new());
    if let Value::Object(members) = &mut inlined {
        members.retain(|name, _| matches!(name.as_str(), "type" | "properties" | "required"));
    }
    object_schema(&inlined)
}

fn inlined<'a>(schema: &'a Value, root: &'a Value, within: &mut Vec<&'a str>) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    let reference = members.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|reference| root.pointer(reference.strip_prefix('#')?));
    let (Some(reference), Some(target)) = (reference, target) else {
        return with_parts(members, |part| inlined(part, root, within));
    };
    if within.contains(&reference) {
        return json!({});
    }
    within.push(reference);
    let mut whole = inlined(target, root, within);
    within.pop();
    if let Value::Object(whole) = &mut whole {
        let Value::Object(beside) = with_parts(members, |part| inlined(part, root, within)) else {
            return schema.clone();
        };
        whole.extend(beside.into_iter().filter(|(name, _)| name != "$ref"));
    }
    whole
}

/// The schema as structured output takes it: closed objects, and none of the keywords that it
/// refuses.
pub(crate) fn closed_without_limits(schema: &Value) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    let mut closed = with_parts(members, closed_without_limits);
    if let Value::Object(closed) = &mut closed {
        closed.retain(|name, value| {
            let is_refused = REFUSED_BY_STRUCTURED_OUTPUT.contains(&name.as_str())
                || name == "minItems" && value.as_u64().is_none_or(|least| least > 1);
            !is_refused
        });
        if closed.get("type").is_some_and(|kind| kind == "object") {
            closed.insert("additionalProperties".into(), false.into());
        }
    }
    closed
}

/// The members of a schema, its parts changed. Names of properties are no keywords.
fn with_parts<'a>(
    members: &'a Map<String, Value>,
    mut change: impl FnMut(&'a Value) -> Value,
) -> Value {
    let changed = members.iter().map(|(name, value)| {
        let keyword = name.as_str();
        let value = match value {
            Value::Object(parts) if MAPS.contains(&keyword) => parts
                .iter()
                .map(|(name, part)| (name.clone(), change(part)))
                .collect(),
            Value::Array(parts) if LISTS.contains(&keyword) => {
                parts.iter().map(&mut change).collect()
            }
            Value::Object(_) if ONE.contains(&keyword) => change(value),
            other => other.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(changed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_of_three_members_has_its_definitions_in_place() {
        let schema = json!({
            "$schema": "x", "title": "T", "description": "d", "additionalProperties": false,
            "properties": {
                "title": {"$ref": "#/$defs/text", "description": "kept"},
                "tree": {"$ref": "#/$defs/tree"},
            },
            "required": ["title"],
            "$defs": {
                "text": {"type": "string"},
                "tree": {"type": "object", "properties": {"below": {"items": {"$ref": "#/$defs/tree"}}}},
            },
        });
        assert_eq!(
            three_members(&schema),
            json!({
                "type": "object",
                "properties": {
                    "title": {"type": "string", "description": "kept"},
                    "tree": {"type": "object", "properties": {"below": {"items": {}}}},
                },
                "required": ["title"],
            })
        );
    }

    #[test]
    fn structured_output_gets_closed_objects_without_limits() {
        let schema = json!({
            "type": "object",
            "properties": {
                "minimum": {"type": "number", "minimum": 0, "maximum": 1},
                "list": {"type": "array", "minItems": 2, "maxItems": 3,
                    "items": {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}},
                "one": {"type": "array", "minItems": 1},
                "text": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
            },
        });
        assert_eq!(
            closed_without_limits(&schema),
            json!({
                "type": "object",
                "properties": {
                    "minimum": {"type": "number"},
                    "list": {"type": "array",
                        "items": {"type": "object", "properties": {}, "additionalProperties": false}},
                    "one": {"type": "array", "minItems": 1},
                    "text": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                },
                "additionalProperties": false,
            })
        );
    }
}
