//! Says why a schema cannot be used: the place, and what has to be there, without the validator's
//! words.

use crate::bounds;
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use quarry_model::schema_parts::{placed_parts, referenced};
use quarry_validation::cut;
use serde_json::Value;

/// The longest value in a message, in bytes.
const LONGEST_SHOWN: usize = 100;

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The schema is not a JSON object.
    #[error("output schema must be a JSON object")]
    NotAnObject,
    /// The schema does not describe objects.
    #[error("output schema must have \"type\": \"object\", not {found}")]
    NotOfObjects {
        /// The schema's `type`, as JSON.
        found: String,
    },
    /// There are no named properties, so there would be no result columns.
    #[error("output schema must have \"properties\": an object with at least one property")]
    NoProperties,
    /// A property is not described by a schema.
    #[error("property {name:?} of the output schema must be an object or a boolean")]
    PropertyNotASchema {
        /// The name of the property.
        name: String,
    },
    /// The schema is larger than any answer could use.
    #[error(transparent)]
    TooLarge(#[from] bounds::TooLarge),
    /// The schema breaks the rules of JSON Schema.
    #[error("output schema is not a valid JSON Schema at #{place}: {why}")]
    Invalid {
        /// JSON Pointer of the fault.
        place: String,
        /// What is there, and what has to be there.
        why: String,
    },
    /// A reference leads to another document.
    #[error(
        "output schema refers to another document, {reference}, at #{place}, and nothing is fetched; put the definition \
         into `$defs` and refer to it as \"#/$defs/<name>\""
    )]
    OtherDocument {
        /// JSON Pointer of the reference.
        place: String,
        /// The reference, as JSON.
        reference: String,
    },
    /// A reference leads to nothing.
    #[error(
        "output schema has no definition {reference}, to which #{place} refers; add it or correct the reference"
    )]
    NoDefinition {
        /// JSON Pointer of the reference.
        place: String,
        /// The reference, as JSON.
        reference: String,
    },
}

/// Returns what the validator's error about a schema means.
pub(crate) fn fault(schema: &Value, error: &ValidationError<'_>) -> SchemaError {
    if matches!(error.kind(), ValidationErrorKind::Referencing(_))
        && let Some(reference) = unfollowed(schema, schema, "")
    {
        return reference;
    }
    let place = error.instance_path().as_str().to_owned();
    let found = schema.pointer(&place).map(shown);
    let expected = place.rsplit('/').find_map(expected);
    let why = match (expected, found) {
        (Some(expected), Some(found)) => format!("it has {found}, but must be {expected}"),
        (None, Some(found)) => format!("JSON Schema does not allow {found} there"),
        (_, None) => "JSON Schema does not allow this".to_owned(),
    };
    SchemaError::Invalid { place, why }
}

/// Finds a reference that leads out of the document, or to nothing in it.
fn unfollowed(document: &Value, schema: &Value, place: &str) -> Option<SchemaError> {
    let members = schema.as_object()?;
    if let Some(Value::String(reference)) = members.get("$ref") {
        let place = format!("{place}/$ref");
        let reference_shown = shown(&Value::String(reference.clone()));
        if !reference.starts_with('#') {
            return Some(SchemaError::OtherDocument {
                place,
                reference: reference_shown,
            });
        }
        let is_pointer = reference.len() == 1 || reference.starts_with("#/");
        if is_pointer && referenced(document, reference).is_none() {
            return Some(SchemaError::NoDefinition {
                place,
                reference: reference_shown,
            });
        }
    }
    placed_parts(members)
        .find_map(|(pointer, part)| unfollowed(document, part, &format!("{place}{pointer}")))
}

/// Returns what the value of a keyword must be.
fn expected(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "type" => {
            "\"string\", \"number\", \"integer\", \"boolean\", \"object\", \"array\" or \"null\", or a list of them"
        }
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            "an object with a schema under each name"
        }
        "anyOf" | "allOf" | "oneOf" | "prefixItems" => "a list of at least one schema",
        "items"
        | "additionalProperties"
        | "additionalItems"
        | "not"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "propertyNames"
        | "unevaluatedItems"
        | "unevaluatedProperties" => "a schema: an object, true or false",
        "required" => "a list of different property names",
        "enum" => "a list of values",
        "pattern" => "a regular expression",
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => "a whole number that is not negative",
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
            "a number (in draft 4, true or false for the exclusive ones)"
        }
        "multipleOf" => "a number above 0",
        "uniqueItems" | "deprecated" | "readOnly" | "writeOnly" => "true or false",
        "title" | "description" | "format" | "$comment" | "$ref" | "$id" | "$schema"
        | "$anchor" => "text",
        _ => return None,
    })
}

/// Returns the beginning of a value's JSON.
fn shown(value: &Value) -> String {
    cut(value.to_string(), LONGEST_SHOWN)
}

#[cfg(test)]
mod tests {
    use crate::schema::Schema;
    use serde_json::{Value, json};

    fn refusal(of_a: &Value) -> String {
        Schema::compile(&json!({"properties": {"a": of_a}, "$defs": {"b": {}}}))
            .expect_err("unusable")
            .to_string()
    }

    #[test]
    fn a_fault_of_a_schema_is_named_with_its_place_in_plain_words() {
        for (of_a, message) in [
            (
                json!({"type": "strin"}),
                "at #/properties/a/type: it has \"strin\", but must be \"string\", \"number\"",
            ),
            (
                json!({"type": ["string", "nul"]}),
                "at #/properties/a/type: it has [\"string\",\"nul\"], but must be",
            ),
            (
                json!({"anyOf": {"type": "string"}}),
                "at #/properties/a/anyOf: it has {\"type\":\"string\"}, but must be a list of at least one schema",
            ),
            (
                json!({"anyOf": [{"type": "string"}, {"maxLength": -1}]}),
                "at #/properties/a/anyOf/1/maxLength: it has -1, but must be a whole number",
            ),
            (
                json!({"pattern": "(["}),
                "at #/properties/a/pattern: it has \"([\", but must be a regular expression",
            ),
            (
                json!({"required": "a"}),
                "at #/properties/a/required: it has \"a\", but must be a list of different property names",
            ),
            (
                json!({"properties": {"b": 7}}),
                "at #/properties/a/properties/b: it has 7, but must be",
            ),
            (
                json!({"enum": "x".repeat(10_000)}),
                "at #/properties/a/enum: it has \"xxx",
            ),
        ] {
            let refusal = refusal(&of_a);
            assert!(refusal.contains(message), "{refusal}");
            assert!(refusal.len() < 400, "{refusal}");
            for library in ["keyword", "valid under", "feature", "esolver"] {
                assert!(!refusal.contains(library), "{refusal}");
            }
        }
    }

    #[test]
    fn a_reference_that_cannot_be_followed_is_refused_with_the_remedy() {
        for reference in [
            "https://example.com/x.json",
            "other.json#/a",
            "file:///etc/passwd",
        ] {
            let refusal = refusal(&json!({"items": {"$ref": reference}}));
            let start = format!(
                "output schema refers to another document, \"{reference}\", at #/properties/a/items/$ref"
            );
            assert!(refusal.starts_with(&start), "{refusal}");
            assert!(
                refusal.contains("put the definition into `$defs`"),
                "{refusal}"
            );
        }
        let refusal = refusal(&json!({"$ref": "#/$defs/c"}));
        assert!(
            refusal.starts_with(
                "output schema has no definition \"#/$defs/c\", to which #/properties/a/$ref refers"
            ),
            "{refusal}"
        );
    }

    #[test]
    fn a_reference_that_can_be_followed_is_not_refused() {
        for schema in [
            json!({"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {}}}),
            json!({"properties": {"a": {"$ref": "b.json"}}, "$defs": {"b": {"$id": "b.json"}}}),
            json!({"properties": {"a": {"$ref": "#b"}}, "$defs": {"b": {"$anchor": "b"}}}),
            json!({
                "$id": "https://example.com/x.json",
                "properties": {"a": {"$ref": "https://example.com/x.json#/$defs/b"}},
                "$defs": {"b": {}},
            }),
        ] {
            assert!(Schema::compile(&schema).is_ok(), "{schema}");
        }
    }
}
