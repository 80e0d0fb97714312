//! Fits a schema to structured output, for which the service binds the answer to it.
//!
//! The service compiles the schema into a grammar and accepts a part of draft 2020-12: closed
//! objects, no recursion, no limits on numbers, lengths and items, no lookaround or back references
//! in patterns. Sources: Claude documentation, "Structured outputs", JSON Schema limitations;
//! Bedrock's user guide, "Get validated JSON results from models"; the service's refusals as users
//! report them. Read in November 2026.
//!
//! Keywords that only restrict an answer and are not accepted are left out. If that would lose
//! values (an object with any members, a value of any type: a closed grammar has no room for them),
//! the schema is unfit, and other means are used.

use super::draft::modern;
use super::parts::{parts, referenced};
use super::tool::rooted;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// The most properties of all objects together.
const MOST_PROPERTIES: usize = 64;
/// The most properties that are not required (`Schemas contains too many optional parameters`);
/// Claude.
const MOST_OPTIONAL: usize = 24;
/// The most values with several types (`Schemas contains too many parameters with union types (…
/// limit: 16 …)`); Claude.
const MOST_UNIONS: usize = 16;

/// The formats that the service compiles.
const FORMATS: [&str; 10] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uri",
    "uuid",
];

/// The service that implements structured output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StructuredService {
    /// Claude's, which has limits of its own.
    Claude,
    /// Converse's, for open-weight models.
    Converse,
}

/// Returns the schema in the form that structured output accepts. `None` if that form cannot
/// express it.
pub(crate) fn structured_output(schema: &Value, service: StructuredService) -> Option<Value> {
    let schema = rooted(&modern(schema));
    let fitted = Fitting { document: &schema }.root(&schema)?;
    if is_recursive(&fitted) {
        return None;
    }
    let mut size = Size::default();
    size.add(&fitted);
    let fits = size.properties <= MOST_PROPERTIES
        && (service != StructuredService::Claude
            || size.optional <= MOST_OPTIONAL && size.unions <= MOST_UNIONS);
    fits.then_some(fitted)
}

struct Fitting<'a> {
    document: &'a Value,
}

impl Fitting<'_> {
    /// Fits the answer itself: an object with named properties, whatever else the schema allows.
    fn root(&self, schema: &Value) -> Option<Value> {
        let members = schema.as_object()?;
        let mut object = self.object(members)?;
        for keyword in ["$defs", "definitions"] {
            let Some(Value::Object(definitions)) = members.get(keyword) else {
                continue;
            };
            let used = references(&Value::Object(object.clone()), self.document);
            let mut fitted = Map::new();
            for (name, part) in definitions {
                if used.contains(&format!("#/{keyword}/{name}")) {
                    fitted.insert(name.clone(), self.part(part)?);
                }
            }
            if !fitted.is_empty() {
                object.insert(keyword.into(), Value::Object(fitted));
            }
        }
        Some(Value::Object(object))
    }

    fn part(&self, schema: &Value) -> Option<Value> {
        let members = schema.as_object()?;
        if let Some(reference) = members.get("$ref") {
            return self.reference(reference, members);
        }
        if let Some(types) = members.get("type").and_then(Value::as_array)
            && (types.len() == 1 || types.iter().any(is_compound) || members.contains_key("enum"))
        {
            return self.choice_of_types(types, members);
        }
        if !members.contains_key("type") {
            return self.without_type(members);
        }
        let kind = members.get("type").and_then(Value::as_str);
        let mut fitted = match kind {
            Some("object") => self.nested_object(members)?,
            Some("array") => self.array(members)?,
            _ => scalar(members),
        };
        annotate(&mut fitted, members);
        Some(Value::Object(fitted))
    }

    fn reference(&self, reference: &Value, members: &Map<String, Value>) -> Option<Value> {
        let text = reference.as_str()?;
        let defined = text.starts_with("#/$defs/") || text.starts_with("#/definitions/");
        let is_plain = text.matches('/').count() == 2 && !text.contains(['%', '~']);
        if !defined || !is_plain || referenced(self.document, text).is_none() {
            return None;
        }
        let mut fitted = Map::new();
        fitted.insert("$ref".into(), reference.clone());
        annotate(&mut fitted, members);
        Some(Value::Object(fitted))
    }

    /// Fits a schema without a type, whose other keywords determine it.
    fn without_type(&self, members: &Map<String, Value>) -> Option<Value> {
        for keyword in ["anyOf", "oneOf"] {
            if let Some(Value::Array(choices)) = members.get(keyword) {
                return self.choice(choices, members);
            }
        }
        if let Some(Value::Array(all)) = members.get("allOf") {
            // No object would match several closed objects at once.
            return match all.as_slice() {
                [only] => self.part(only).map(|fitted| annotated(fitted, members)),
                _ => None,
            };
        }
        if let Some(Value::Array(values)) = members.get("enum") {
            return self.choice_of_types(&types_of(values)?, members);
        }
        if let Some(value) = members.get("const") {
            let fitted = json!({ "type": type_of(value)?, "const": value });
            return Some(annotated(fitted, members));
        }
        let kind = if members.contains_key("properties") {
            "object"
        } else if members.contains_key("items") || members.contains_key("prefixItems") {
            "array"
        } else {
            return None;
        };
        let mut typed = members.clone();
        typed.insert("type".into(), kind.into());
        self.part(&Value::Object(typed))
    }

    fn choice(&self, choices: &[Value], members: &Map<String, Value>) -> Option<Value> {
        let fitted: Option<Vec<Value>> = choices.iter().map(|part| self.part(part)).collect();
        Some(annotated(json!({ "anyOf": fitted? }), members))
    }

    /// Returns one schema for each of several types, with the keywords that concern it.
    fn choice_of_types(&self, types: &[Value], members: &Map<String, Value>) -> Option<Value> {
        let mut choices = Vec::new();
        for kind in types {
            let mut of_kind = members.clone();
            of_kind.insert("type".into(), kind.clone());
            for name in ["title", "description", "default"] {
                of_kind.shift_remove(name);
            }
            if let Some(Value::Array(values)) = of_kind.get_mut("enum") {
                values.retain(|value| is_of_type(value, kind));
                if values.is_empty() {
                    continue;
                }
            }
            choices.push(self.part(&Value::Object(of_kind))?);
        }
        match choices.len() {
            0 => None,
            1 => Some(annotated(choices.remove(0), members)),
            _ => Some(annotated(json!({ "anyOf": choices }), members)),
        }
    }

    /// Fits an object within an answer. A grammar cannot express an object with members of any
    /// name.
    fn nested_object(&self, members: &Map<String, Value>) -> Option<Map<String, Value>> {
        let others = members.get("additionalProperties");
        let is_closed = others == Some(&Value::Bool(false));
        let named = members
            .get("properties")
            .and_then(Value::as_object)
            .is_some_and(|properties| !properties.is_empty());
        let maps = others.is_some_and(|part| part.as_object().is_some_and(|part| !part.is_empty()))
            || members.contains_key("patternProperties");
        if maps || !named && !is_closed {
            return None;
        }
        self.object(members)
    }

    fn object(&self, members: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut fitted = Map::new();
        fitted.insert("type".into(), "object".into());
        let mut properties = Map::new();
        for (name, part) in members
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            properties.insert(name.clone(), self.part(part)?);
        }
        if let Some(Value::Array(required)) = members.get("required") {
            let known: Vec<Value> = required
                .iter()
                .filter(|name| {
                    name.as_str()
                        .is_some_and(|name| properties.contains_key(name))
                })
                .cloned()
                .collect();
            // A name without a property would allow a value of any type.
            if known.len() < required.len() {
                return None;
            }
            fitted.insert("properties".into(), Value::Object(properties));
            fitted.insert("required".into(), Value::Array(known));
        } else {
            fitted.insert("properties".into(), Value::Object(properties));
        }
        fitted.insert("additionalProperties".into(), false.into());
        Some(fitted)
    }

    fn array(&self, members: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut fitted = Map::new();
        fitted.insert("type".into(), "array".into());
        let items = match members.get("prefixItems") {
            Some(Value::Array(places)) => {
                // A grammar has one schema for all items, so it must allow those of every position.
                let mut choices: Vec<Value> = Vec::new();
                for part in places
                    .iter()
                    .chain(members.get("items").filter(|part| part.is_object()))
                {
                    let part = self.part(part)?;
                    if !choices.contains(&part) {
                        choices.push(part);
                    }
                }
                match choices.len() {
                    1 => choices.remove(0),
                    _ => json!({ "anyOf": choices }),
                }
            }
            _ => self.part(members.get("items")?)?,
        };
        fitted.insert("items".into(), items);
        if let Some(least @ 0..=1) = members.get("minItems").and_then(Value::as_u64) {
            fitted.insert("minItems".into(), least.into());
        }
        Some(fitted)
    }
}

fn scalar(members: &Map<String, Value>) -> Map<String, Value> {
    let mut fitted = Map::new();
    for (keyword, value) in members {
        let kept = match keyword.as_str() {
            "type" => true,
            "const" => !is_compound_value(value),
            "enum" => {
                members.get("type").is_none_or(|kind| kind != "null")
                    && value
                        .as_array()
                        .is_some_and(|values| !values.iter().any(is_compound_value))
            }
            "format" => value
                .as_str()
                .is_some_and(|format| FORMATS.contains(&format)),
            "pattern" => value.as_str().is_some_and(is_regular),
            _ => false,
        };
        if kept {
            fitted.insert(keyword.clone(), value.clone());
        }
    }
    fitted
}

/// Whether a pattern is a regular expression in the strict sense, which a grammar can express: no
/// lookaround, back references or boundaries.
fn is_regular(pattern: &str) -> bool {
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('1'..='9' | 'k' | 'b' | 'B') | None => return false,
                Some(_) => {}
            },
            '(' if characters.peek() == Some(&'?') => {
                characters.next();
                if characters.next() != Some(':') {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
}

/// Copies the annotations of a schema.
fn annotate(fitted: &mut Map<String, Value>, members: &Map<String, Value>) {
    for name in ["title", "description", "default"] {
        if let Some(value) = members.get(name) {
            fitted.insert(name.into(), value.clone());
        }
    }
}

fn annotated(fitted: Value, members: &Map<String, Value>) -> Value {
    match fitted {
        Value::Object(mut fitted) => {
            annotate(&mut fitted, members);
            Value::Object(fitted)
        }
        other => other,
    }
}

fn is_compound(kind: &Value) -> bool {
    kind == "object" || kind == "array"
}

fn is_compound_value(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn type_of(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null => Some("null"),
        Value::Bool(_) => Some("boolean"),
        Value::Number(number) if number.is_f64() => Some("number"),
        Value::Number(_) => Some("integer"),
        Value::String(_) => Some("string"),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_of_type(value: &Value, kind: &Value) -> bool {
    type_of(value).is_some_and(|found| kind == found || found == "integer" && kind == "number")
}

/// Returns the types of an enumeration's values, each once. `None` if it has lists or objects.
fn types_of(values: &[Value]) -> Option<Vec<Value>> {
    let mut types: Vec<Value> = Vec::new();
    for value in values {
        let kind = Value::from(type_of(value)?);
        if !types.contains(&kind) {
            types.push(kind);
        }
    }
    let has_number = types.iter().any(|kind| kind == "number");
    types.retain(|kind| !has_number || kind != "integer");
    Some(types)
}

/// Returns the references of a fitted schema, and of the definitions to which they lead.
fn references(fitted: &Value, document: &Value) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut open = vec![fitted];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str)
                    && found.insert(reference.to_owned())
                    && let Some(target) = referenced(document, reference)
                {
                    open.push(target);
                }
                open.extend(parts(members));
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found
}

/// Whether a definition contains itself.
fn is_recursive(schema: &Value) -> bool {
    fn visit<'a>(
        part: &'a Value,
        document: &'a Value,
        within: &mut Vec<&'a str>,
        known: &mut HashSet<&'a str>,
    ) -> bool {
        let Value::Object(members) = part else {
            return false;
        };
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            if within.contains(&reference) {
                return true;
            }
            if known.contains(reference) {
                return false;
            }
            within.push(reference);
            let found = referenced(document, reference)
                .is_some_and(|target| visit(target, document, within, known));
            within.pop();
            known.insert(reference);
            return found;
        }
        parts(members).any(|part| visit(part, document, within, known))
    }
    visit(schema, schema, &mut Vec::new(), &mut HashSet::new())
}

/// The numbers that the service checks before it compiles a schema.
#[derive(Default)]
struct Size {
    properties: usize,
    optional: usize,
    unions: usize,
}

impl Size {
    fn add(&mut self, schema: &Value) {
        let Value::Object(members) = schema else {
            return;
        };
        if let Some(Value::Object(properties)) = members.get("properties") {
            let required = members
                .get("required")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            self.properties += properties.len();
            self.optional += properties.len().saturating_sub(required);
        }
        if members.contains_key("anyOf") || members.get("type").is_some_and(Value::is_array) {
            self.unions += 1;
        }
        for part in parts(members) {
            self.add(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(property: &Value) -> Option<Value> {
        let schema = json!({"properties": {"a": property}, "$defs": {"text": {"type": "string"}}});
        structured_output(&schema, StructuredService::Claude)
            .map(|fitted| fitted["properties"]["a"].clone())
    }

    #[test]
    fn structured_output_gets_closed_objects_without_limits() {
        let schema = json!({
            "type": "object",
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "T",
            "properties": {
                "minimum": {"type": "number", "minimum": 0, "maximum": 1, "description": "d"},
                "list": {"type": "array", "minItems": 2, "maxItems": 3,
                    "items": {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": true}},
                "one": {"type": "array", "minItems": 1, "items": {"type": "integer"}},
                "text": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
            },
            "required": ["minimum"],
            "additionalProperties": {"type": "string"},
            "anyOf": [{"required": ["one"]}],
        });
        assert_eq!(
            structured_output(&schema, StructuredService::Claude),
            Some(json!({
                "type": "object",
                "properties": {
                    "minimum": {"type": "number", "description": "d"},
                    "list": {"type": "array",
                        "items": {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": false}},
                    "one": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
                    "text": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                },
                "required": ["minimum"],
                "additionalProperties": false,
            }))
        );
    }

    #[test]
    fn each_part_is_written_in_the_form_that_is_accepted() {
        for (property, expected) in [
            (
                json!({"type": ["string", "null"]}),
                json!({"type": ["string", "null"]}),
            ),
            (json!({"type": ["string"]}), json!({"type": "string"})),
            (
                json!({"type": ["string", "null"], "enum": ["x", null], "title": "t"}),
                json!({"anyOf": [{"type": "string", "enum": ["x"]}, {"type": "null"}], "title": "t"}),
            ),
            (
                json!({"type": ["object", "null"], "properties": {"b": {"type": "string"}}}),
                json!({"anyOf": [
                    {"type": "object", "properties": {"b": {"type": "string"}}, "additionalProperties": false},
                    {"type": "null"},
                ]}),
            ),
            (
                json!({"enum": ["x", "y"]}),
                json!({"type": "string", "enum": ["x", "y"]}),
            ),
            (
                json!({"enum": [1, 2.5]}),
                json!({"type": "number", "enum": [1, 2.5]}),
            ),
            (json!({"const": 5}), json!({"type": "integer", "const": 5})),
            (
                json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
                json!({"anyOf": [{"type": "string"}, {"type": "number"}]}),
            ),
            (
                json!({"allOf": [{"$ref": "#/$defs/text"}], "description": "d"}),
                json!({"$ref": "#/$defs/text", "description": "d"}),
            ),
            (
                json!({"prefixItems": [{"type": "string"}, {"type": "number"}, {"type": "string"}], "items": false}),
                json!({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "number"}]}}),
            ),
            (
                json!({"type": "string", "format": "regex", "pattern": "^(?!x)a"}),
                json!({"type": "string"}),
            ),
            (
                json!({"type": "string", "format": "date", "pattern": "^(?:[A-Z]{2}|\\d+)$"}),
                json!({"type": "string", "format": "date", "pattern": "^(?:[A-Z]{2}|\\d+)$"}),
            ),
            (
                json!({"type": "string", "pattern": "(a)\\1"}),
                json!({"type": "string"}),
            ),
            (
                json!({"type": "string", "pattern": "\\bword"}),
                json!({"type": "string"}),
            ),
            (
                json!({"type": "object", "properties": {}, "additionalProperties": false}),
                json!({"type": "object", "properties": {}, "additionalProperties": false}),
            ),
        ] {
            assert_eq!(fitted(&property), Some(expected), "{property}");
        }
    }

    #[test]
    fn what_a_grammar_would_lose_is_enforced_by_another_means() {
        for property in [
            json!({}),
            json!(true),
            json!({"type": "object"}),
            json!({"type": "object", "additionalProperties": {"type": "number"}}),
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "patternProperties": {"^x": {}}}),
            json!({"type": "array"}),
            json!({"type": "array", "items": {}}),
            json!({"enum": [[1], [2]]}),
            json!({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"required": ["a"]}]}),
            json!({"$ref": "#/properties/a"}),
            json!({"$ref": "#/$defs/missing"}),
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "b"]}),
        ] {
            assert_eq!(fitted(&property), None, "{property}");
        }
    }

    #[test]
    fn a_schema_that_contains_itself_is_enforced_by_another_means() {
        let schema = json!({
            "properties": {"a": {"$ref": "#/$defs/a"}},
            "$defs": {
                "a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/b"}}},
                "b": {"type": "array", "items": {"$ref": "#/$defs/a"}},
            },
        });
        assert_eq!(structured_output(&schema, StructuredService::Claude), None);
    }

    #[test]
    fn definitions_that_nothing_uses_are_left_out() {
        let schema = json!({
            "properties": {"a": {"$ref": "#/$defs/list"}},
            "$defs": {
                "list": {"type": "array", "items": {"$ref": "#/$defs/text"}},
                "text": {"type": "string", "minLength": 1},
                "any": {},
            },
        });
        let fitted = structured_output(&schema, StructuredService::Converse).expect("fits");
        assert_eq!(
            fitted["$defs"],
            json!({
                "list": {"type": "array", "items": {"$ref": "#/$defs/text"}},
                "text": {"type": "string"},
            })
        );
    }

    #[test]
    fn what_the_service_counts_is_counted_before() {
        let of = |count: usize, property: &Value, required: bool| {
            let names: Vec<String> = (0..count).map(|number| format!("p{number}")).collect();
            let properties: Map<String, Value> = names
                .iter()
                .map(|name| (name.clone(), property.clone()))
                .collect();
            let mut schema = json!({ "properties": properties });
            if required {
                schema["required"] = json!(names);
            }
            schema
        };
        let text = json!({"type": "string"});
        let nullable = json!({"type": ["string", "null"]});
        for (schema, service, fits) in [
            (of(64, &text, true), StructuredService::Claude, true),
            (of(65, &text, true), StructuredService::Claude, false),
            (of(65, &text, true), StructuredService::Converse, false),
            (of(24, &text, false), StructuredService::Claude, true),
            (of(25, &text, false), StructuredService::Claude, false),
            (of(25, &text, false), StructuredService::Converse, true),
            (of(16, &nullable, true), StructuredService::Claude, true),
            (of(17, &nullable, true), StructuredService::Claude, false),
        ] {
            assert_eq!(
                structured_output(&schema, service).is_some(),
                fits,
                "{service:?}"
            );
        }
    }
}
