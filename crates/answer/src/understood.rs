//! Reads a schema as its author means it: keywords of other dialects are replaced by their
//! equivalents in JSON Schema, and keywords without a meaning are noted.

use quarry_model::schema_parts::{placed_parts, with_parts};
use serde_json::{Map, Value, json};

/// The most places or names in one note.
const MOST_LISTED: usize = 5;

/// A schema and the notes on it.
#[derive(Debug)]
pub(crate) struct Understood {
    pub(crate) schema: Value,
    pub(crate) notes: Vec<String>,
}

impl Understood {
    pub(crate) fn of(given: &Value) -> Self {
        let mut found = Found {
            draft: Draft::of(given),
            ..Found::default()
        };
        found.visit(given, "#");
        let schema = match given {
            // For the whole answer, `nullable` would mean that none is needed.
            Value::Object(members) => {
                let mut members = with_parts(members, understood);
                members.shift_remove(NULLABLE);
                Value::Object(members)
            }
            other => other.clone(),
        };
        Self {
            schema,
            notes: found.notes(),
        }
    }
}

/// `OpenAPI` 3.0: the value may be null.
const NULLABLE: &str = "nullable";

fn understood(schema: &Value) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    let mut members = with_parts(members, understood);
    match members.get(NULLABLE) {
        Some(Value::Bool(nullable)) => {
            let nullable = *nullable;
            members.shift_remove(NULLABLE);
            if nullable {
                return or_null(members);
            }
        }
        _ => return Value::Object(members),
    }
    Value::Object(members)
}

/// Keywords that can refuse null, whatever the type is.
const DECIDING: [&str; 9] = [
    "$dynamicRef",
    "$ref",
    "allOf",
    "anyOf",
    "const",
    "if",
    "not",
    "oneOf",
    "then",
];

fn or_null(mut members: Map<String, Value>) -> Value {
    if DECIDING
        .iter()
        .any(|keyword| members.contains_key(*keyword))
    {
        let mut whole = Map::new();
        for name in ["title", "description", "default"] {
            if let Some(value) = members.shift_remove(name) {
                whole.insert(name.into(), value);
            }
        }
        let choice = json!([members, { "type": "null" }]);
        whole.insert("anyOf".into(), choice);
        return Value::Object(whole);
    }
    if let Some(kind) = members.get_mut("type") {
        match kind {
            Value::Array(kinds) if !kinds.iter().any(|kind| kind == "null") => {
                kinds.push("null".into());
            }
            Value::String(one) if one != "null" => *kind = json!([one, "null"]),
            _ => {}
        }
    }
    if let Some(Value::Array(values)) = members.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    Value::Object(members)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Draft {
    Four,
    Six,
    Seven,
    Of2019,
    #[default]
    Of2020,
}

impl Draft {
    fn of(schema: &Value) -> Self {
        let name = schema.get("$schema").and_then(Value::as_str);
        match name.unwrap_or_default() {
            name if name.contains("draft-04") => Self::Four,
            name if name.contains("draft-06") => Self::Six,
            name if name.contains("draft-07") => Self::Seven,
            name if name.contains("2019-09") => Self::Of2019,
            _ => Self::Of2020,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Four => "draft 4",
            Self::Six => "draft 6",
            Self::Seven => "draft 7",
            Self::Of2019 => "draft 2019-09",
            Self::Of2020 => "draft 2020-12",
        }
    }

    /// Whether a keyword constrains answers, or is an annotation for people.
    fn knows(self, keyword: &str) -> bool {
        match keyword {
            "id" => self == Self::Four,
            "const" | "contains" | "propertyNames" => self >= Self::Six,
            "if" | "then" | "else" => self >= Self::Seven,
            "dependencies" => self <= Self::Seven,
            "additionalItems" => self <= Self::Of2019,
            "dependentRequired"
            | "dependentSchemas"
            | "maxContains"
            | "minContains"
            | "unevaluatedItems"
            | "unevaluatedProperties" => self >= Self::Of2019,
            "$recursiveAnchor" | "$recursiveRef" => self == Self::Of2019,
            "$dynamicAnchor" | "$dynamicRef" | "prefixItems" => self == Self::Of2020,
            _ => ALWAYS.contains(&keyword) || keyword.starts_with("x-"),
        }
    }
}

/// Keywords of all drafts, annotations, and keywords for definitions.
const ALWAYS: [&str; 43] = [
    "$anchor",
    "$comment",
    "$defs",
    "$id",
    "$ref",
    "$schema",
    "$vocabulary",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "definitions",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "properties",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
];

/// The parts of a schema that need a note.
#[derive(Default)]
struct Found {
    draft: Draft,
    nullable: Vec<String>,
    /// Each keyword and its first place.
    unknown: Vec<(String, String)>,
}

impl Found {
    fn visit(&mut self, schema: &Value, place: &str) {
        let Value::Object(members) = schema else {
            return;
        };
        for (keyword, value) in members {
            if keyword == NULLABLE && value.is_boolean() {
                if *value == true && place != "#" {
                    self.nullable.push(place.to_owned());
                }
            } else if !self.draft.knows(keyword)
                && !self.unknown.iter().any(|(known, _)| known == keyword)
            {
                self.unknown.push((keyword.clone(), place.to_owned()));
            }
        }
        for (pointer, part) in placed_parts(members) {
            self.visit(part, &format!("{place}{pointer}"));
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.nullable.is_empty() {
            notes.push(format!(
                "`nullable` is not a keyword of JSON Schema; it is taken to mean that null is allowed ({})",
                listed(&self.nullable)
            ));
        }
        if let [(_, first), ..] = self.unknown.as_slice() {
            let keywords: Vec<String> = self
                .unknown
                .iter()
                .map(|(keyword, _)| format!("`{}`", shortened(keyword)))
                .collect();
            let has = if keywords.len() == 1 { "has" } else { "have" };
            notes.push(format!(
                "{} {has} no meaning in JSON Schema, {}: nothing is checked by that (first at {first})",
                listed(&keywords),
                self.draft.name()
            ));
        }
        notes
    }
}

fn listed(all: &[String]) -> String {
    let mut text = all
        .iter()
        .take(MOST_LISTED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if all.len() > MOST_LISTED {
        text.push_str(" and ");
        text.push_str(&(all.len() - MOST_LISTED).to_string());
        text.push_str(" more");
    }
    text
}

fn shortened(keyword: &str) -> String {
    const LONGEST: usize = 60;

    if keyword.chars().count() <= LONGEST {
        return keyword.to_owned();
    }
    let start: String = keyword.chars().take(LONGEST).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(schema: &Value) -> Value {
        let whole = json!({"properties": {"a": schema}});
        Understood::of(&whole).schema["properties"]["a"].clone()
    }

    #[test]
    fn nullable_is_written_as_null_allowed() {
        for (given, expected) in [
            (
                json!({"type": "string", "nullable": true}),
                json!({"type": ["string", "null"]}),
            ),
            (
                json!({"type": "string", "nullable": false}),
                json!({"type": "string"}),
            ),
            (
                json!({"type": ["string"], "nullable": true}),
                json!({"type": ["string", "null"]}),
            ),
            (
                json!({"type": "string", "enum": ["x"], "nullable": true}),
                json!({"type": ["string", "null"], "enum": ["x", null]}),
            ),
            (
                json!({"$ref": "#/$defs/a", "description": "d", "nullable": true}),
                json!({"description": "d", "anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}),
            ),
            (
                json!({"type": "array", "items": {"type": "integer", "nullable": true}}),
                json!({"type": "array", "items": {"type": ["integer", "null"]}}),
            ),
            (
                json!({"properties": {"nullable": {"type": "boolean"}}}),
                json!({"properties": {"nullable": {"type": "boolean"}}}),
            ),
            (json!({"nullable": true}), json!({})),
        ] {
            assert_eq!(property(&given), expected, "{given}");
        }
    }

    #[test]
    fn keywords_without_a_meaning_are_noted_with_their_place() {
        let schema = json!({
            "type": "object",
            "x-order": 1,
            "properties": {
                "a": {"type": "string", "nullable": true, "example": "b"},
                "b": {"type": "array", "additionalItems": false, "items": {}, "maxLenght": 3},
            },
        });
        assert_eq!(
            Understood::of(&schema).notes,
            [
                "`nullable` is not a keyword of JSON Schema; it is taken to mean that null is allowed (#/properties/a)",
                "`example`, `additionalItems`, `maxLenght` have no meaning in JSON Schema, draft 2020-12: nothing is checked by that (first at #/properties/a)",
            ]
        );
    }

    #[test]
    fn a_keyword_has_its_meaning_in_the_drafts_that_know_it() {
        let of = |draft: &str, keyword: &str| {
            let schema = json!({"$schema": draft, "properties": {"a": {keyword: {}}}});
            Understood::of(&schema).notes.is_empty()
        };
        let (four, seven) = (
            "http://json-schema.org/draft-04/schema#",
            "http://json-schema.org/draft-07/schema#",
        );
        let newest = "https://json-schema.org/draft/2020-12/schema";
        for (draft, keyword, has_meaning) in [
            (four, "if", false),
            (seven, "if", true),
            (seven, "dependencies", true),
            (newest, "dependencies", false),
            (seven, "prefixItems", false),
            (newest, "prefixItems", true),
            (four, "id", true),
            (newest, "uniqueItems", true),
        ] {
            assert_eq!(of(draft, keyword), has_meaning, "{draft} {keyword}");
        }
    }
}
