//! Rewrites schemas of older drafts in draft 2020-12, which is the only draft that Claude's tools
//! and structured output accept. Answers are validated by the draft that the schema names.

use super::parts::with_parts;
use serde_json::{Map, Value};
use std::borrow::Cow;

const NEWEST: &str = "https://json-schema.org/draft/2020-12/schema";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum SchemaDraft {
    Four,
    Six,
    Seven,
    Of2019,
}

/// Returns the schema in draft 2020-12. A schema that names no draft is assumed to be in that
/// draft.
pub(super) fn modern(schema: &Value) -> Cow<'_, Value> {
    let named = schema.get("$schema").and_then(Value::as_str);
    let draft = match named {
        Some(name) if name.contains("draft-04") => SchemaDraft::Four,
        Some(name) if name.contains("draft-06") => SchemaDraft::Six,
        Some(name) if name.contains("draft-07") => SchemaDraft::Seven,
        Some(name) if name.contains("2019-09") => SchemaDraft::Of2019,
        _ => return Cow::Borrowed(schema),
    };
    let renames_definitions = draft < SchemaDraft::Of2019 && schema.get("$defs").is_none();
    let rewriting = Rewriting {
        draft,
        renames_definitions,
    };
    let mut modern = rewriting.schema(schema);
    if let Value::Object(members) = &mut modern {
        if renames_definitions {
            rename(members, "definitions", "$defs");
        }
        members.insert("$schema".into(), NEWEST.into());
    }
    Cow::Owned(modern)
}

struct Rewriting {
    draft: SchemaDraft,
    /// Whether the document's `definitions` become `$defs`.
    renames_definitions: bool,
}

impl Rewriting {
    fn schema(&self, schema: &Value) -> Value {
        let Value::Object(members) = schema else {
            return schema.clone();
        };
        let mut members = with_parts(members, |part| self.schema(part));
        if self.draft < SchemaDraft::Of2019 && members.get("$ref").is_some_and(Value::is_string) {
            // These drafts ignore everything beside a reference, but 2020-12 would not.
            members.retain(|name, _| {
                matches!(
                    name.as_str(),
                    "$ref" | "title" | "description" | "default" | "examples" | "definitions"
                )
            });
        }
        self.reference(&mut members);
        tuple(&mut members);
        if self.draft == SchemaDraft::Four {
            rename(&mut members, "id", "$id");
            exclusive(&mut members, "exclusiveMinimum", "minimum");
            exclusive(&mut members, "exclusiveMaximum", "maximum");
        }
        if self.draft < SchemaDraft::Of2019 {
            anchor(&mut members);
            dependencies(&mut members);
        } else {
            members.shift_remove("$recursiveAnchor");
            rename(&mut members, "$recursiveRef", "$ref");
        }
        Value::Object(members)
    }

    fn reference(&self, members: &mut Map<String, Value>) {
        if self.renames_definitions
            && let Some(Value::String(reference)) = members.get_mut("$ref")
            && let Some(name) = reference.strip_prefix("#/definitions/")
        {
            *reference = format!("#/$defs/{name}");
        }
    }
}

/// Renames a member without moving it.
fn rename(members: &mut Map<String, Value>, from: &str, to: &str) {
    if members.contains_key(from) && !members.contains_key(to) {
        *members = std::mem::take(members)
            .into_iter()
            .map(|(name, value)| {
                if name == from {
                    (to.to_owned(), value)
                } else {
                    (name, value)
                }
            })
            .collect();
    }
}

/// `items` with a schema for each position becomes `prefixItems`, and `additionalItems` becomes
/// `items`.
fn tuple(members: &mut Map<String, Value>) {
    if members.get("items").is_some_and(Value::is_array) {
        rename(members, "items", "prefixItems");
        rename(members, "additionalItems", "items");
    } else {
        members.shift_remove("additionalItems");
    }
}

/// In draft 4, another member has the limit, and this one says whether the limit itself is allowed.
fn exclusive(members: &mut Map<String, Value>, keyword: &str, limit: &str) {
    let Some(&Value::Bool(exclusive)) = members.get(keyword) else {
        return;
    };
    members.shift_remove(keyword);
    if exclusive {
        rename(members, limit, keyword);
    }
}

/// An id that is only a fragment becomes an anchor.
fn anchor(members: &mut Map<String, Value>) {
    let fragment = members
        .get("$id")
        .and_then(Value::as_str)
        .and_then(|id| id.strip_prefix('#'))
        .map(str::to_owned);
    if let Some(fragment) = fragment {
        members.shift_remove("$id");
        if !fragment.is_empty() {
            members.insert("$anchor".into(), fragment.into());
        }
    }
}

/// `dependencies` becomes two keywords: one for lists of names and one for schemas.
fn dependencies(members: &mut Map<String, Value>) {
    if !members.get("dependencies").is_some_and(Value::is_object) {
        return;
    }
    let Some(Value::Object(all)) = members.shift_remove("dependencies") else {
        return;
    };
    let (names, schemas): (Map<String, Value>, Map<String, Value>) =
        all.into_iter().partition(|(_, value)| value.is_array());
    for (keyword, found) in [("dependentRequired", names), ("dependentSchemas", schemas)] {
        if !found.is_empty() {
            members.insert(keyword.into(), Value::Object(found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_of_today_or_without_a_draft_stays_as_it_is() {
        for schema in [
            json!({"definitions": {"a": {}}, "properties": {"a": {"$ref": "#/definitions/a", "type": "string"}}}),
            json!({"$schema": NEWEST, "dependencies": {}}),
        ] {
            assert!(matches!(modern(&schema), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn draft_seven_is_written_as_2020_12() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "properties": {
                "pair": {"type": "array", "items": [{"type": "string"}, {"$ref": "#/definitions/n"}], "additionalItems": false},
                "list": {"type": "array", "items": {"type": "string"}, "additionalItems": false},
                "definitions": {"$ref": "#/definitions/n", "description": "d", "minimum": 7},
                "local": {"$id": "#here", "type": "string"},
            },
            "dependencies": {"pair": ["list"], "list": {"required": ["pair"]}},
            "definitions": {"n": {"type": "number", "exclusiveMinimum": 3}},
        });
        assert_eq!(
            *modern(&schema),
            json!({
                "$schema": NEWEST,
                "properties": {
                    "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"$ref": "#/$defs/n"}], "items": false},
                    "list": {"type": "array", "items": {"type": "string"}},
                    "definitions": {"$ref": "#/$defs/n", "description": "d"},
                    "local": {"type": "string", "$anchor": "here"},
                },
                "$defs": {"n": {"type": "number", "exclusiveMinimum": 3}},
                "dependentRequired": {"pair": ["list"]},
                "dependentSchemas": {"list": {"required": ["pair"]}},
            })
        );
    }

    #[test]
    fn draft_four_limits_are_written_as_2020_12() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-04/schema#",
            "id": "https://example.com/a",
            "properties": {
                "above": {"type": "number", "minimum": 0, "exclusiveMinimum": true},
                "from": {"type": "number", "minimum": 0, "exclusiveMinimum": false},
                "below": {"type": "number", "maximum": 1, "exclusiveMaximum": true},
            },
        });
        assert_eq!(
            *modern(&schema),
            json!({
                "$schema": NEWEST,
                "$id": "https://example.com/a",
                "properties": {
                    "above": {"type": "number", "exclusiveMinimum": 0},
                    "from": {"type": "number", "minimum": 0},
                    "below": {"type": "number", "exclusiveMaximum": 1},
                },
            })
        );
    }
}
