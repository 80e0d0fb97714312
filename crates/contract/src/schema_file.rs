//! Chooses the schema among the files of a folder.

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

#[cfg(test)]
mod tests {
    use super::*;

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
