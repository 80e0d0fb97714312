//! Chooses the schema among the files of a folder.

use serde_json::Value;

/// The names of schema files, as messages show them.
pub const SCHEMA_FILES: &str = "validation_schema_*.json";

/// Whether a name or a key ends like that of a JSON file. Case does not matter.
pub fn is_json(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".json")
}

/// Returns the schema among files: the last one by name. `name` returns a file's name without its
/// folders. The start of the name must be in lower case.
pub fn last_schema<F>(files: impl IntoIterator<Item = F>, name: impl Fn(&F) -> &str) -> Option<F> {
    files
        .into_iter()
        .filter(|file| name(file).starts_with("validation_schema_") && is_json(name(file)))
        .max_by(|a, b| name(a).cmp(name(b)))
}

/// Keywords that may be beside a reference without changing what the schema means.
const BESIDE_A_REFERENCE: [&str; 6] = [
    "$schema",
    "$id",
    "$defs",
    "definitions",
    "title",
    "description",
];

/// Returns a schema that is only a reference to one of its own definitions, as Pydantic writes that of
/// a recursive model, with the members of that definition in place of the reference. They mean the
/// same. Any other schema is returned as it is.
pub fn without_top_reference(schema: Value) -> Value {
    let definition = || {
        let members = schema.as_object()?;
        let pointer = members.get("$ref")?.as_str()?.strip_prefix('#')?;
        let is_alone = members
            .keys()
            .all(|key| key == "$ref" || BESIDE_A_REFERENCE.contains(&key.as_str()));
        let definition = schema.pointer(pointer)?.as_object()?;
        let is_final = !definition.contains_key("$ref") && !definition.contains_key("$defs");
        let mut whole = definition.clone();
        for (key, value) in members.iter().filter(|(key, _)| *key != "$ref") {
            whole.entry(key).or_insert_with(|| value.clone());
        }
        (is_alone && is_final).then_some(Value::Object(whole))
    };
    definition().unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_reference_at_the_top_is_replaced_by_its_definition() {
        let node = json!({
            "type": "object", "title": "Node",
            "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}},
        });
        let mut whole = node.clone();
        whole["$defs"] = json!({"Node": node});
        let reference = json!({"$defs": {"Node": node}, "$ref": "#/$defs/Node", "title": "Tree"});
        assert_eq!(without_top_reference(reference), whole);
        assert_eq!(without_top_reference(whole.clone()), whole);
        for other in [
            json!({"$ref": "#/$defs/Gone"}),
            json!({"$ref": "https://example.com/x"}),
            json!({"$ref": "#"}),
            json!({"$defs": {"Node": node}, "$ref": "#/$defs/Node", "required": ["name"]}),
            json!(true),
        ] {
            assert_eq!(without_top_reference(other.clone()), other);
        }
    }

    #[test]
    fn the_last_schema_by_name_counts() {
        let files = [
            "validation_schema_10.json",
            "validation_schema_9.JSON",
            "validation_schema_9.json.bak",
            "validation_schema.json",
            "Validation_schema_z.json",
            "prompts.json",
        ];
        let last = last_schema(files, |name| *name);
        assert_eq!(last, Some("validation_schema_9.JSON"));
        assert_eq!(last_schema(&files[2..], |name| **name), None);
    }
}
