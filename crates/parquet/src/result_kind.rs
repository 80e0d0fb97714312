//! Result columns and their types.

use arrow_schema::{DataType, Field, FieldRef, Fields};
use quarry_answer::determined::{only_choice, only_type};
use quarry_result::columns::{ResultColumns, STATUS_COLUMNS};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The deepest nesting of lists and structs in a column type. Deeper values are JSON text.
const DEEPEST: usize = 16;

/// The longest chain of `$ref` that is followed.
const DEEPEST_REFERENCE: usize = 32;

/// A column of the result that holds answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// The name, with prefix.
    pub name: String,
    /// The type of its values.
    pub kind: ResultKind,
}

impl ResultColumn {
    /// Returns the result columns of a run, typed by its schema. Without a schema the answer is
    /// text. The status columns are text, except the one that says whether the answer matches the
    /// schema.
    pub fn of_run(columns: &ResultColumns, schema: Option<&Value>) -> Vec<Self> {
        let properties = columns.properties();
        let typed = |place: usize| match (properties.get(place), schema) {
            (Some(property), Some(schema)) => schema
                .get("properties")
                .and_then(|all| all.get(property))
                .map_or(ResultKind::Text, |property| {
                    ResultKind::of_schema(property, schema)
                }),
            (None, _)
                if STATUS_COLUMNS.get(place - properties.len()) == Some(&VALIDATION_PASSED) =>
            {
                ResultKind::Boolean
            }
            _ => ResultKind::Text,
        };
        columns
            .names()
            .iter()
            .enumerate()
            .map(|(place, name)| Self {
                name: name.clone(),
                kind: typed(place),
            })
            .collect()
    }
}

/// The status column that is not text.
const VALIDATION_PASSED: &str = "validation_passed";

/// The type of a result column's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultKind {
    /// Text as it is; every other value as its JSON text.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A 64-bit float.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of values of one type.
    List(Box<ResultKind>),
    /// Named members, each with a type.
    Struct(Vec<(String, ResultKind)>),
}

impl ResultKind {
    /// Returns the type of a property of an answer, from its JSON Schema. `document` is the whole
    /// schema, for references.
    ///
    /// The type is [`Text`](Self::Text) if the schema does not determine a single type: it has
    /// several types or none, objects without named properties or with room for others, or a schema
    /// that contains itself.
    pub fn of_schema(property: &Value, document: &Value) -> Self {
        Derivation {
            document,
            references: Vec::new(),
        }
        .kind(property, 0)
    }

    pub(crate) fn data_type(&self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::List(item) => DataType::List(item_field(item)),
            Self::Struct(members) => DataType::Struct(member_fields(members)),
        }
    }
}

/// Returns the field of a list's items, under the name of the format.
pub(crate) fn item_field(item: &ResultKind) -> FieldRef {
    Arc::new(Field::new("element", item.data_type(), true))
}

pub(crate) fn member_fields(members: &[(String, ResultKind)]) -> Fields {
    members
        .iter()
        .map(|(name, kind)| Field::new(name, kind.data_type(), true))
        .collect()
}

struct Derivation<'a> {
    document: &'a Value,
    references: Vec<&'a str>,
}

impl<'a> Derivation<'a> {
    fn kind(&mut self, schema: &'a Value, depth: usize) -> ResultKind {
        let Value::Object(members) = schema else {
            return ResultKind::Text;
        };
        if depth > DEEPEST {
            return ResultKind::Text;
        }
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            return self.referenced(reference, depth);
        }
        if let Some(only) = only_choice(members) {
            return self.kind(only, depth);
        }
        match only_type(members) {
            Some("integer") => ResultKind::Integer,
            Some("number") => ResultKind::Number,
            Some("boolean") => ResultKind::Boolean,
            Some("array") => self.list(members, depth),
            Some("object") => self.members(members, depth),
            None if !members.contains_key("type") && members.contains_key("properties") => {
                self.members(members, depth)
            }
            _ => ResultKind::Text,
        }
    }

    fn list(&mut self, members: &'a Map<String, Value>, depth: usize) -> ResultKind {
        match members.get("items") {
            Some(items @ Value::Object(_)) if !members.contains_key("prefixItems") => {
                ResultKind::List(Box::new(self.kind(items, depth + 1)))
            }
            _ => ResultKind::Text,
        }
    }

    /// Returns an object's type, unless its values may have members beyond the named ones, which a
    /// struct would lose.
    fn members(&mut self, members: &'a Map<String, Value>, depth: usize) -> ResultKind {
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
        let Some(properties) = members
            .get("properties")
            .and_then(Value::as_object)
            .filter(|properties| !properties.is_empty())
        else {
            return ResultKind::Text;
        };
        let has_schema_for_others = ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|keyword| members.get(*keyword).is_some_and(Value::is_object));
        let requires_others = members
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|names| {
                names
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|name| !properties.contains_key(name))
            });
        let says_more = SAY_MORE
            .iter()
            .any(|keyword| members.contains_key(*keyword));
        if has_schema_for_others || requires_others || says_more {
            return ResultKind::Text;
        }
        ResultKind::Struct(
            properties
                .iter()
                .map(|(name, schema)| (name.clone(), self.kind(schema, depth + 1)))
                .collect(),
        )
    }

    fn referenced(&mut self, reference: &'a str, depth: usize) -> ResultKind {
        let target = reference
            .strip_prefix('#')
            .and_then(|pointer| self.document.pointer(pointer));
        match target {
            Some(target)
                if self.references.len() < DEEPEST_REFERENCE
                    && !self.references.contains(&reference) =>
            {
                self.references.push(reference);
                let kind = self.kind(target, depth);
                self.references.pop();
                kind
            }
            _ => ResultKind::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kind(schema: &Value) -> ResultKind {
        ResultKind::of_schema(schema, schema)
    }

    fn list(item: ResultKind) -> ResultKind {
        ResultKind::List(Box::new(item))
    }

    #[test]
    fn one_type_beside_null_is_that_type() {
        for (schema, expected) in [
            (json!({"type": "string"}), ResultKind::Text),
            (json!({"type": ["null", "integer"]}), ResultKind::Integer),
            (
                json!({"anyOf": [{"type": "number"}, {"type": "null"}]}),
                ResultKind::Number,
            ),
            (json!({"type": "boolean"}), ResultKind::Boolean),
            (
                json!({"type": "array", "items": {"type": "number"}}),
                list(ResultKind::Number),
            ),
            (
                json!({"type": "object", "properties": {"b": {"type": "integer"}, "a": {"enum": ["x"]}}}),
                ResultKind::Struct(vec![
                    ("b".into(), ResultKind::Integer),
                    ("a".into(), ResultKind::Text),
                ]),
            ),
        ] {
            assert_eq!(kind(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn properties_without_a_single_type_are_text() {
        for schema in [
            json!(true),
            json!({}),
            json!({"type": ["string", "integer"]}),
            json!({"type": "array"}),
            json!({"type": "array", "prefixItems": [{}], "items": {"type": "string"}}),
            json!({"type": "object"}),
            json!({"type": "object", "properties": {}}),
            json!({"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}}),
            json!({"type": "object", "properties": {"a": {}}, "required": ["b"]}),
            json!({"$ref": "https://example.com/schema"}),
        ] {
            assert_eq!(kind(&schema), ResultKind::Text, "{schema}");
        }
    }

    #[test]
    fn references_are_followed_but_not_into_themselves() {
        let document = json!({
            "$defs": {
                "leaf": {"type": "integer"},
                "tree": {"type": "object", "properties": {
                    "value": {"$ref": "#/$defs/leaf"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}
                }}
            }
        });
        let property = json!({"$ref": "#/$defs/tree"});
        assert_eq!(
            ResultKind::of_schema(&property, &document),
            ResultKind::Struct(vec![
                ("value".into(), ResultKind::Integer),
                ("children".into(), list(ResultKind::Text)),
            ])
        );
    }
}
