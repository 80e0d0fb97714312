//! The subset of JSON Schema that structured output accepts: closed objects, no limits of numbers,
//! lengths and items, no recursion, a bounded size (Claude documentation, "Structured outputs",
//! JSON Schema limitations).
//!
//! Texts that users of Bedrock quote are used as they are quoted, e.g. `For 'number' type,
//! properties maximum, minimum are not supported`. The texts for recursion and look-around are not
//! public.

use serde_json::Value;

/// Keywords that structured output refuses.
const UNSUPPORTED: [&str; 12] = [
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
/// The most properties of a schema (langchain-aws and litellm, November 2026).
const MAX_PROPERTIES: usize = 64;
/// The most optional properties; more make the grammar too large (claude-code#55539).
const MAX_OPTIONAL: usize = 24;
/// The deepest nesting through references; a deeper schema refers to itself.
const MAX_DEPTH: u32 = 64;
/// The most parts of a schema after its references are expanded.
const MAX_PARTS: usize = 10_000;

const TOO_COMPLEX: &str = "Schema is too complex for compilation";
const TOO_LARGE: &str = "The compiled grammar is too large, which would cause performance issues. \
     Simplify your tool schemas or reduce the number of strict tools.";

/// Returns the reason for which structured output refuses the schema at `at`, if it does.
pub(super) fn check(schema: &Value, at: &str) -> Result<(), String> {
    let refused = |problem: String| format!("{at}: {problem}");
    keywords(schema).map_err(refused)?;
    let mut size = SchemaSize {
        root: schema,
        properties: 0,
        optional: 0,
        parts: 0,
    };
    size.add(schema, 0)
        .map_err(|problem| format!("{at}: Invalid schema: {problem}"))?;
    if size.properties > MAX_PROPERTIES {
        return Err(format!("{at}: Invalid schema: {TOO_COMPLEX}"));
    }
    if size.optional > MAX_OPTIONAL {
        return Err(format!("{at}: Invalid schema: {TOO_LARGE}"));
    }
    Ok(())
}

fn keywords(schema: &Value) -> Result<(), String> {
    let Value::Object(members) = schema else {
        return Ok(());
    };
    let kind = members.get("type").and_then(Value::as_str);
    if kind == Some("object") {
        closed(members.get("additionalProperties"))?;
    }
    let of_type = kind.map_or_else(String::new, |kind| format!("For '{kind}' type, "));
    let unsupported: Vec<&str> = UNSUPPORTED
        .into_iter()
        .filter(|keyword| members.contains_key(*keyword))
        .collect();
    match unsupported.as_slice() {
        [] => {}
        [one] => return Err(format!("{of_type}property '{one}' is not supported")),
        more => {
            let names = more.join(", ");
            return Err(format!("{of_type}properties {names} are not supported"));
        }
    }
    if members
        .get("minItems")
        .is_some_and(|least| !matches!(least.as_u64(), Some(0 | 1)))
    {
        return Err(format!(
            "{of_type}'minItems' values other than 0 or 1 are not supported"
        ));
    }
    if let Some(pattern) = members.get("pattern").and_then(Value::as_str)
        && looks_around_or_back(pattern)
    {
        return Err(format!(
            "Invalid regex in 'pattern': lookaround and backreferences are not supported: {pattern}"
        ));
    }
    for keyword in ["properties", "$defs", "definitions"] {
        if let Some(Value::Object(parts)) = members.get(keyword) {
            parts.values().try_for_each(keywords)?;
        }
    }
    for keyword in ["items", "prefixItems", "anyOf", "allOf", "oneOf"] {
        match members.get(keyword) {
            Some(Value::Array(parts)) => parts.iter().try_for_each(keywords)?,
            Some(part) => keywords(part)?,
            None => {}
        }
    }
    Ok(())
}

fn closed(additional: Option<&Value>) -> Result<(), String> {
    match additional {
        Some(Value::Bool(false)) => Ok(()),
        Some(Value::Object(_)) => Err(
            "For 'object' type, 'additionalProperties: object' is not supported. Please set \
             'additionalProperties' to false"
                .to_owned(),
        ),
        _ => Err(
            "For 'object' type, 'additionalProperties' must be explicitly set to false".to_owned(),
        ),
    }
}

/// `regex-syntax` can read every regular expression without these.
fn looks_around_or_back(pattern: &str) -> bool {
    regex_syntax::parse(pattern).is_err() && fancy_regex::Regex::new(pattern).is_ok()
}

/// The size of a schema after its references are expanded.
struct SchemaSize<'a> {
    root: &'a Value,
    properties: usize,
    optional: usize,
    parts: usize,
}

impl<'a> SchemaSize<'a> {
    fn add(&mut self, schema: &'a Value, depth: u32) -> Result<(), &'static str> {
        let Value::Object(members) = schema else {
            return Ok(());
        };
        if depth > MAX_DEPTH {
            return Err("Recursive schemas are not supported");
        }
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(TOO_COMPLEX);
        }
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            let target = reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            let target = target.ok_or("a $ref names nothing in the schema")?;
            self.add(target, depth + 1)?;
        }
        if let Some(Value::Object(properties)) = members.get("properties") {
            let required = members.get("required").and_then(Value::as_array);
            let is_required = |name: &String| {
                required.is_some_and(|required| required.iter().any(|one| one == name.as_str()))
            };
            for (name, property) in properties {
                self.properties += 1;
                self.optional += usize::from(!is_required(name));
                self.add(property, depth + 1)?;
            }
        }
        for keyword in ["items", "prefixItems", "anyOf", "allOf", "oneOf"] {
            match members.get(keyword) {
                Some(Value::Array(parts)) => {
                    for part in parts {
                        self.add(part, depth + 1)?;
                    }
                }
                Some(part) => self.add(part, depth + 1)?,
                None => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn closed_object(properties: &Value, required: &[String]) -> Value {
        json!({
            "type": "object", "additionalProperties": false,
            "properties": properties, "required": required
        })
    }

    fn refused(property: &Value) -> String {
        let schema = closed_object(&json!({"n": property}), &["n".into()]);
        check(&schema, "here").unwrap_err()
    }

    #[test]
    fn the_subset_is_held_in_every_corner() {
        check(&closed_object(&json!({"a": {"enum": ["x"]}}), &[]), "here").unwrap();
        for (property, words) in [
            (
                json!({"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}}),
                "here: For 'number' type, properties maximum, minimum are not supported",
            ),
            (
                json!({"type": "array", "maxItems": 3}),
                "For 'array' type, property 'maxItems' is not supported",
            ),
            (
                json!({"anyOf": [{"type": "array", "minItems": 2}]}),
                "'minItems' values other than 0 or 1 are not supported",
            ),
            (
                json!({"type": "object", "additionalProperties": {"type": "string"}}),
                "Please set 'additionalProperties' to false",
            ),
            (
                json!({"type": "object", "properties": {}}),
                "must be explicitly set to false",
            ),
            (
                json!({"type": "string", "pattern": "^(?!a)b"}),
                "lookaround",
            ),
            (
                json!({"type": "string", "pattern": "^(a|b)\\1$"}),
                "backreferences",
            ),
            (json!({"$ref": "#"}), "Recursive schemas are not supported"),
            (json!({"$ref": "#/$defs/none"}), "names nothing"),
        ] {
            let message = refused(&property);
            assert!(message.contains(words), "{property}: {message}");
        }
        check(
            &closed_object(&json!({"n": {"type": "string", "pattern": "^\\d+$"}}), &[]),
            "here",
        )
        .unwrap();
    }

    #[test]
    fn many_properties_are_too_complex_and_many_optional_ones_too_large() {
        let properties = |count: usize| -> Value {
            let pairs = (0..count).map(|i| (format!("p{i}"), json!({"type": "string"})));
            Value::Object(pairs.collect())
        };
        let names = |count: usize| (0..count).map(|i| format!("p{i}")).collect::<Vec<_>>();
        check(&closed_object(&properties(64), &names(64)), "at").unwrap();
        let message = check(&closed_object(&properties(65), &names(65)), "at").unwrap_err();
        assert!(message.contains("Schema is too complex"), "{message}");
        check(&closed_object(&properties(24), &[]), "at").unwrap();
        let message = check(&closed_object(&properties(25), &[]), "at").unwrap_err();
        assert!(
            message.contains("The compiled grammar is too large"),
            "{message}"
        );
    }

    /// `$defs` that double at each level have many parts.
    #[test]
    fn references_count_as_what_they_name() {
        let mut defs = serde_json::Map::new();
        for level in 0..20 {
            let next = format!("#/$defs/l{}", level + 1);
            let part = closed_object(&json!({"a": {"$ref": next}, "b": {"$ref": next}}), &[]);
            defs.insert(format!("l{level}"), part);
        }
        defs.insert("l20".into(), json!({"type": "string"}));
        let message = check(&json!({"$ref": "#/$defs/l0", "$defs": defs}), "at").unwrap_err();
        assert!(message.contains("too complex"), "{message}");
    }
}
