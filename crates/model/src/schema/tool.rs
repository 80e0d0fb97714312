//! Fits a schema to the input of a tool.

use super::draft::modern;
use super::names::{RenamedProperty, with_accepted_names};
use super::parts::{referenced, with_parts};
use serde_json::{Map, Value, json};

/// The most schemas of a document after every reference is replaced by its definition. Each level
/// of definitions that are used twice doubles the number.
const MOST_IN_PLACE: usize = 20_000;

/// A tool's input schema, and the properties that are renamed in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolInput {
    pub(crate) schema: Value,
    pub(crate) renamed: Vec<RenamedProperty>,
}

/// Returns the input schema of a Claude tool: in draft 2020-12 (`JSON schema is invalid. It must
/// match JSON Schema draft 2020-12`), an object, without a choice at its top (`input_schema does
/// not support oneOf, allOf, or anyOf at the top level`), with accepted names. `None` if the schema
/// cannot have this form.
pub(crate) fn claude_tool(schema: &Value) -> Option<ToolInput> {
    let mut schema = rooted(&modern(schema));
    if let Value::Object(members) = &mut schema {
        for choice in ["anyOf", "oneOf", "allOf"] {
            members.shift_remove(choice);
        }
    }
    let (schema, renamed) = with_accepted_names(schema)?;
    Some(ToolInput {
        schema: object_schema(schema),
        renamed,
    })
}

/// Returns the input schema of a tool with only `type`, `properties` and `required` at its top, and
/// every reference replaced by its definition: Amazon Nova's tools accept no other members there
/// (Nova user guide, "Troubleshooting tool calls"). A definition that contains itself becomes any
/// value. `None` if the schema would become too large.
pub(crate) fn three_members(schema: &Value) -> Option<Value> {
    let schema = modern(schema);
    let mut inlining = Inlining {
        document: &schema,
        within: Vec::new(),
        left: MOST_IN_PLACE,
    };
    let mut inlined = inlining.schema(&schema)?;
    if let Value::Object(members) = &mut inlined {
        members.retain(|name, _| matches!(name.as_str(), "type" | "properties" | "required"));
    }
    Some(object_schema(inlined))
}

/// Like [`three_members`], with names that any model's tool accepts.
pub(crate) fn careful_tool(schema: &Value) -> Option<ToolInput> {
    let (schema, renamed) = with_accepted_names(three_members(schema)?)?;
    Some(ToolInput { schema, renamed })
}

/// Adds `object` as the schema's `type`. Tool inputs are always objects, but Bedrock refuses a
/// schema that does not say so.
fn object_schema(schema: Value) -> Value {
    match schema {
        Value::Object(mut members) => {
            if members.contains_key("type") {
                members.insert("type".into(), "object".into());
                return Value::Object(members);
            }
            let mut typed = Map::with_capacity(members.len() + 1);
            typed.insert("type".into(), "object".into());
            typed.extend(members);
            Value::Object(typed)
        }
        other => other,
    }
}

/// Returns the schema with the reference at its top replaced by its target.
pub(super) fn rooted(schema: &Value) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    let target = members
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| referenced(schema, reference))
        .and_then(Value::as_object);
    match target {
        // If it leads to another reference, the service follows that.
        Some(target) if !target.contains_key("$ref") => {
            let mut whole = target.clone();
            whole.extend(
                members
                    .iter()
                    .filter(|(name, _)| *name != "$ref")
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
            Value::Object(whole)
        }
        _ => schema.clone(),
    }
}

struct Inlining<'a> {
    document: &'a Value,
    /// The references that are being replaced.
    within: Vec<&'a str>,
    /// The number of schemas that may still be written.
    left: usize,
}

impl<'a> Inlining<'a> {
    fn schema(&mut self, schema: &'a Value) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        let Value::Object(members) = schema else {
            return Some(schema.clone());
        };
        let reference = members.get("$ref").and_then(Value::as_str);
        let target = reference.and_then(|reference| referenced(self.document, reference));
        let (Some(reference), Some(target)) = (reference, target) else {
            return Some(Value::Object(self.parts(members)?));
        };
        if self.within.contains(&reference) {
            return Some(json!({}));
        }
        self.within.push(reference);
        let whole = self.schema(target);
        self.within.pop();
        let mut whole = whole?;
        if let Value::Object(whole) = &mut whole {
            let beside = self.parts(members)?;
            whole.extend(beside.into_iter().filter(|(name, _)| name != "$ref"));
        }
        Some(whole)
    }

    /// Returns the members without the definitions, to which nothing refers any more.
    fn parts(&mut self, members: &'a Map<String, Value>) -> Option<Map<String, Value>> {
        let mut complete = true;
        let kept = members
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "$defs" | "definitions"));
        let parts = with_parts(kept, |part| {
            let part = if complete { self.schema(part) } else { None };
            complete &= part.is_some();
            part.unwrap_or_default()
        });
        complete.then_some(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_of_three_members_has_its_definitions_inlined() {
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
            Some(json!({
                "type": "object",
                "properties": {
                    "title": {"type": "string", "description": "kept"},
                    "tree": {"type": "object", "properties": {"below": {"items": {}}}},
                },
                "required": ["title"],
            }))
        );
    }

    #[test]
    fn definitions_that_double_at_each_level_are_not_inlined_without_limit() {
        let mut definitions = Map::new();
        for level in 0..60 {
            let below = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            definitions.insert(
                format!("d{level}"),
                json!({"properties": {"a": below, "b": below}}),
            );
        }
        definitions.insert("d60".into(), json!({"type": "string"}));
        let schema = json!({"properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": definitions});
        assert_eq!(three_members(&schema), None);
        assert!(claude_tool(&schema).is_some(), "it keeps its references");
    }

    #[test]
    fn a_claude_tool_has_no_choice_at_its_top() {
        let choice = json!([{"required": ["a"]}, {"required": ["b"]}]);
        let schema = json!({
            "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "b": {}},
            "anyOf": choice, "oneOf": choice, "allOf": choice,
        });
        assert_eq!(
            claude_tool(&schema),
            Some(ToolInput {
                schema: json!({
                    "type": "object",
                    "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "b": {}},
                }),
                renamed: Vec::new(),
            })
        );
    }

    #[test]
    fn a_claude_tool_is_an_object_whatever_the_type_of_its_schema() {
        let schema = json!({
            "$ref": "#/$defs/node",
            "$defs": {"node": {
                "type": ["object", "null"],
                "properties": {"next": {"$ref": "#/$defs/node"}},
            }},
        });
        let input = claude_tool(&schema).expect("a tool").schema;
        assert_eq!(input["type"], "object");
        assert_eq!(input["properties"]["next"], json!({"$ref": "#/$defs/node"}));
        assert_eq!(input.get("$ref"), None);
    }

    #[test]
    fn a_claude_tool_is_of_the_newest_draft() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {"pair": {"items": [{"type": "string"}], "additionalItems": false}},
        });
        let input = claude_tool(&schema).expect("a tool").schema;
        assert_eq!(
            input["properties"]["pair"],
            json!({"prefixItems": [{"type": "string"}], "items": false})
        );
        assert_eq!(
            input["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
    }
}
