//! The output schema of a run, compiled once.
//!
//! Validation ([`SchemaValidator`]) follows the coercions of [`crate::coerce`].
//!
//! Limits: the schema must be one document. Compiling refuses references to other documents;
//! nothing is ever fetched.

use crate::bounds;
use crate::coerce::{ObjectRule, object_rule};
use crate::field::FieldKind;
use crate::schema_fault::{SchemaError, fault};
use crate::understood::Understood;
use quarry_validation::{CheckEffort, Datum, SchemaValidator};
use serde_json::Value;

/// A compiled output schema: an object with named properties.
#[derive(Debug)]
pub struct Schema {
    properties: Vec<Property>,
    rule: ObjectRule,
    validator: SchemaValidator,
    document: Value,
    understood: Understood,
}

/// A property of the answer, and therefore a result column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// The name; any characters are allowed.
    pub name: String,
    /// The kind of its values.
    pub kind: FieldKind,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if it is not an object schema with properties, or is not a valid JSON
    /// Schema.
    pub fn compile(document: &Value) -> Result<Self, SchemaError> {
        let given = document;
        bounds::check(given)?;
        let understood = Understood::of(given);
        let document = &understood.schema;
        let members = document.as_object().ok_or(SchemaError::NotAnObject)?;
        if let Some(kind) = members.get("type")
            && kind != "object"
            && !kind
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
        {
            return Err(SchemaError::NotOfObjects {
                found: kind.to_string(),
            });
        }
        let properties = members
            .get("properties")
            .and_then(Value::as_object)
            .ok_or(SchemaError::NoProperties)?;
        if let Some((name, _)) = properties
            .iter()
            .find(|(_, schema)| !schema.is_object() && !schema.is_boolean())
        {
            return Err(SchemaError::PropertyNotASchema { name: name.clone() });
        }
        let validator = SchemaValidator::compile(document).map_err(|error| {
            // The schema as it was written has the places that its author knows.
            match SchemaValidator::compile(given) {
                Err(error) => fault(given, &error),
                Ok(_) => fault(document, &error),
            }
        })?;
        let rule =
            object_rule(members, document, &mut Vec::new()).ok_or(SchemaError::NoProperties)?;
        let properties = rule
            .properties()
            .map(|(name, kind)| Property {
                name: name.to_owned(),
                kind,
            })
            .collect();
        Ok(Self {
            properties,
            rule,
            validator,
            document: given.clone(),
            understood,
        })
    }

    /// Returns the same schema for answers in which some properties have other names: pairs of the
    /// name in answers and the property's own.
    #[must_use]
    pub fn with_renamed(mut self, renamed: impl IntoIterator<Item = (String, String)>) -> Self {
        self.rule.rename(renamed);
        self
    }

    /// Whether some properties have other names in answers.
    pub fn is_renamed(&self) -> bool {
        self.rule.is_renamed()
    }

    /// The properties in schema order: the result columns.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// The schema as the request has it.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The schema that answers are checked against. Keywords of other dialects are replaced by
    /// their equivalents in JSON Schema.
    pub fn understood(&self) -> &Value {
        &self.understood.schema
    }

    /// Notes for people on the parts of the schema that have no effect, or not the effect that they
    /// seem to have.
    pub fn notes(&self) -> &[String] {
        &self.understood.notes
    }

    pub(crate) fn title(&self) -> Option<&str> {
        self.document.get("title").and_then(Value::as_str)
    }

    pub(crate) fn rule(&self) -> &ObjectRule {
        &self.rule
    }

    /// Whether a coerced answer matches the schema. An answer that takes too much effort does not.
    pub(crate) fn holds(&self, answer: &Datum<'_>, effort: &CheckEffort) -> bool {
        self.validator.holds(answer, effort)
    }

    /// Returns all violations of a coerced answer, each with the JSON Pointer of its place; `None`
    /// if there are none.
    pub(crate) fn violations(&self, answer: &Datum<'_>, effort: &CheckEffort) -> Option<String> {
        self.validator.violations(answer, effort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_prefix;
    use serde_json::json;

    fn violations(schema: &Value, answer: &str) -> Option<String> {
        let schema = Schema::compile(schema).expect("valid schema");
        let parsed = parse_prefix(answer).expect("JSON");
        let jiter::JsonValue::Object(members) = parsed.value else {
            panic!("an object");
        };
        let answer = schema.rule().apply(members);
        schema.violations(&answer, &CheckEffort::of_an_answer())
    }

    #[test]
    fn the_whole_of_json_schema_is_checked() {
        let schema = json!({
            "type": "object",
            "properties": {
                "kind": {"enum": ["a", "b"]},
                "score": {"type": "number", "maximum": 1},
                "code": {"type": "string", "pattern": "^[A-Z]{2}$", "maxLength": 2},
                "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
                "inner": {"$ref": "#/$defs/inner"},
                "fixed": {"const": 5},
            },
            "required": ["kind"],
            "if": {"required": ["code"]},
            "then": {"required": ["score"]},
            "$defs": {"inner": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}}},
        });
        let good = r#"{"kind":"a","score":"0.5","code":"ÄÖ","tags":["x","y"],"inner":{"n":"3"},"fixed":5.0}"#;
        assert_eq!(violations(&schema, &good.replace("ÄÖ", "DE")), None);

        for (answer, names) in [
            (r#"{"kind":"c"}"#, "/kind"),
            (r#"{"kind":"a","score":2}"#, "/score"),
            (r#"{"kind":"a","score":1,"code":"de"}"#, "/code"),
            (r#"{"kind":"a","tags":["x","x"]}"#, "/tags"),
            (r#"{"kind":"a","tags":["x",1]}"#, "/tags/1"),
            (r#"{"kind":"a","inner":{"n":-1}}"#, "/inner/n"),
            (r#"{"kind":"a","fixed":6}"#, "/fixed"),
            (r#"{"kind":"a","code":"DE"}"#, "score"),
            (r#"{"score":1}"#, "kind"),
            (
                r#"{"kind":"a","score":NaN}"#,
                "/score: number is not finite",
            ),
        ] {
            let found = violations(&schema, answer).expect(answer);
            assert!(found.contains(names), "{answer}: {found}");
        }
    }

    #[test]
    fn every_violation_is_named_with_its_place() {
        let schema = json!({
            "type": "object",
            "properties": {
                "a": {"type": "string"},
                "b/c": {"type": "object", "properties": {"d": {"type": "number"}}},
            },
            "required": ["a", "e"],
        });
        let found = violations(&schema, r#"{"a":1,"b/c":{"d":"x"}}"#).expect("violations");
        for part in [
            "/a: 1 is not",
            "/b~1c/d: \"x\" is not",
            "\"e\" is a required",
        ] {
            assert!(found.contains(part), "{part}: {found}");
        }
    }

    #[test]
    fn endless_violations_are_counted_and_long_values_left_out() {
        let schema = json!({"properties": {"a": {"type": "array", "items": {"type": "string"}}}});
        let answer = format!("{{\"a\":[{}1]}}", "1,".repeat(99));
        let found = violations(&schema, &answer).expect("violations");
        assert!(found.ends_with("; and 50 more"), "{found}");

        let schema = json!({"properties": {"a": {"enum": ["x"]}}});
        let answer = format!("{{\"a\":\"{}\"}}", "y".repeat(5_000));
        let found = violations(&schema, &answer).expect("violations");
        assert!(found.len() < 300, "{found}");
    }

    #[test]
    fn optional_null_is_as_good_as_absent_and_required_null_is_not() {
        let schema = json!({
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": ["string", "null"]}},
            "required": ["a", "c"],
        });
        assert_eq!(violations(&schema, r#"{"a":"x","b":null,"c":null}"#), None);
        assert!(violations(&schema, r#"{"a":null,"c":null}"#).is_some());
    }

    #[test]
    fn an_unusable_schema_is_refused_by_name() {
        for (schema, part) in [
            (json!([]), "JSON object"),
            (json!({"type": "array"}), "\"array\""),
            (json!({"type": "object"}), "properties"),
            (json!({"properties": {}}), "properties"),
            (json!({"properties": {"a b": 1}}), "\"a b\""),
            (json!({"properties": {"a": {"type": "text"}}}), "text"),
            (
                json!({"properties": {"a": {"$ref": "https://example.com/x"}}}),
                "example.com",
            ),
        ] {
            let error = Schema::compile(&schema).expect_err("unusable").to_string();
            assert!(error.contains(part), "{schema}: {error}");
        }
    }

    #[test]
    fn property_names_of_any_kind_keep_their_order() {
        let schema = Schema::compile(&json!({"properties": {
            "_z": {"type": "string"},
            "model_dump": {"type": ["integer", "null"]},
            "a-b c": {"type": "object"},
            "é": true,
        }}))
        .expect("valid");
        let found: Vec<_> = schema
            .properties()
            .iter()
            .map(|property| (property.name.as_str(), property.kind))
            .collect();
        assert_eq!(
            found,
            [
                ("_z", FieldKind::Text),
                ("model_dump", FieldKind::Integer),
                ("a-b c", FieldKind::Object),
                ("é", FieldKind::Any),
            ]
        );
    }
}
