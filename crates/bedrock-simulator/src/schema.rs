//! A value that a JSON Schema accepts, made from a seed.
//!
//! The generator reads `const`, `enum`, `type` (one or several), `$ref` inside the document,
//! `allOf`, `anyOf`, `oneOf`, and the keywords of each type. The validator takes care of keywords
//! that the generator does not read (`not`, `if`, …) or reads only separately (parts of an `allOf`
//! that restrict the same thing): the generator makes several values and takes the first valid one.
//! If no value fits a schema, it returns one that does not.

mod numbers;
mod texts;

use crate::hash::Random;
use crate::pattern::Patterns;
use jsonschema::Validator;
use numbers::{integer, number};
use serde_json::{Map, Value};

/// Below this depth, only required values are made, so that recursive schemas end.
const FULL_DEPTH: u32 = 6;
/// Below this depth, nothing is made.
const MAX_DEPTH: u32 = 24;
/// The most values in one answer; a schema that needs more needs infinitely many.
const MAX_VALUES: u32 = 20_000;
/// How often another item is tried when a list has it already and wants each once.
const TRIES: u32 = 40;
/// How many whole values are made to find a valid one.
const WHOLE_TRIES: u64 = 100;

/// Makes values, and keeps the patterns that it has read.
#[derive(Debug, Default)]
pub(crate) struct Maker {
    patterns: Patterns,
}

impl Maker {
    /// Returns a value for `schema`, which `check` accepts if that is possible; equal seeds give equal values.
    pub(crate) fn value(&self, schema: &Value, check: Option<&Validator>, seed: u64) -> Value {
        let first = self.generate(schema, seed);
        let Some(validator) = check else {
            return first;
        };
        if validator.is_valid(&first) {
            return first;
        }
        let mut random = Random::new(seed);
        (0..WHOLE_TRIES)
            .map(|_| self.generate(schema, random.next()))
            .find(|value| validator.is_valid(value))
            .unwrap_or(first)
    }

    /// Returns a value for a schema that needs no validator.
    pub(crate) fn generate(&self, schema: &Value, seed: u64) -> Value {
        Generator {
            root: schema,
            patterns: &self.patterns,
            random: Random::new(seed),
            values: 0,
        }
        .value(schema, 0)
    }
}

/// Returns the validator of a schema, which also checks formats, or nothing if the schema cannot be read.
pub(crate) fn validator(schema: &Value) -> Option<Validator> {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(schema).ok()
}

/// Whether the generator alone cannot guarantee a valid value.
pub(crate) fn needs_check(schema: &Value) -> bool {
    const KEYWORDS: [&str; 14] = [
        "allOf",
        "anyOf",
        "contains",
        "dependencies",
        "dependentRequired",
        "dependentSchemas",
        "if",
        "not",
        "oneOf",
        "pattern",
        "patternProperties",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    ];
    match schema {
        Value::Object(members) => members
            .iter()
            .any(|(name, part)| KEYWORDS.contains(&name.as_str()) || needs_check(part)),
        Value::Array(parts) => parts.iter().any(needs_check),
        _ => false,
    }
}

struct Generator<'a> {
    root: &'a Value,
    patterns: &'a Patterns,
    random: Random,
    values: u32,
}

impl Generator<'_> {
    fn value(&mut self, schema: &Value, depth: u32) -> Value {
        let Value::Object(schema) = schema else {
            return Value::String(self.words(0, None));
        };
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return Value::Null;
        }
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return self.random.pick(values).cloned().unwrap_or(Value::Null);
        }
        if let Some(whole) = self.combined(schema, depth) {
            return self.value(&Value::Object(whole), depth + 1);
        }
        match self.type_of(schema, depth) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "integer" => integer(schema, &mut self.random),
            "number" => number(schema, &mut self.random),
            "boolean" => Value::Bool(self.random.below(2) == 1),
            "null" => Value::Null,
            _ => Value::String(self.string(schema, depth)),
        }
    }

    /// Returns the schema with one `$ref`, `allOf`, `anyOf` or `oneOf` expanded, if it has one.
    fn combined(&mut self, schema: &Map<String, Value>, depth: u32) -> Option<Map<String, Value>> {
        // Most parts have none of these, and a copy of each part has all the parts below it.
        if !["$ref", "allOf", "anyOf", "oneOf"]
            .iter()
            .any(|keyword| schema.contains_key(*keyword))
        {
            return None;
        }
        let mut whole = schema.clone();
        if let Some(Value::String(reference)) = whole.shift_remove("$ref") {
            let target = reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            if let Some(Value::Object(target)) = target {
                merge(&mut whole, target);
            }
            return Some(whole);
        }
        if let Some(Value::Array(parts)) = whole.shift_remove("allOf") {
            for part in parts.iter().filter_map(Value::as_object) {
                merge(&mut whole, part);
            }
            return Some(whole);
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(Value::Array(choices)) = whole.shift_remove(keyword) {
                let shallow: Vec<&Value> = choices
                    .iter()
                    .filter(|choice| depth < FULL_DEPTH || choice.get("$ref").is_none())
                    .collect();
                let choice = match self.random.pick(&shallow) {
                    Some(choice) => Some(*choice),
                    None => choices.first(),
                };
                if let Some(Value::Object(choice)) = choice {
                    merge(&mut whole, choice);
                }
                return Some(whole);
            }
        }
        None
    }

    fn type_of<'s>(&mut self, schema: &'s Map<String, Value>, depth: u32) -> &'s str {
        match schema.get("type") {
            Some(Value::String(name)) => name,
            Some(Value::Array(names)) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                if depth >= FULL_DEPTH && names.contains(&"null") {
                    return "null";
                }
                self.random.pick(&names).copied().unwrap_or("null")
            }
            _ => inferred_type(schema),
        }
    }

    fn object(&mut self, schema: &Map<String, Value>, depth: u32) -> Value {
        let required: Vec<&str> = strings(schema.get("required"));
        let mut object = Map::new();
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (name, property) in properties {
                let possible = *property != Value::Bool(false);
                let wanted = required.contains(&name.as_str())
                    || possible && depth < FULL_DEPTH && self.random.below(8) != 0;
                if wanted {
                    let value = self.value(property, depth + 1);
                    object.insert(name.clone(), value);
                }
            }
        }
        let additional = schema.get("additionalProperties").cloned();
        let additional = additional.filter(Value::is_object).unwrap_or_default();
        for name in required {
            if !object.contains_key(name) {
                let value = self.value(&additional, depth + 1);
                object.insert(name.to_owned(), value);
            }
        }
        self.more_properties(schema, &additional, &mut object, depth);
        self.depending(schema, &additional, &mut object, depth);
        Value::Object(object)
    }

    /// Adds members that no property describes: as many as are required, and some for a map.
    fn more_properties(
        &mut self,
        schema: &Map<String, Value>,
        additional: &Value,
        object: &mut Map<String, Value>,
        depth: u32,
    ) {
        let by_pattern = schema.get("patternProperties").and_then(Value::as_object);
        let by_pattern = by_pattern.and_then(|patterns| patterns.iter().next());
        let is_map = object.is_empty()
            && depth < FULL_DEPTH
            && !schema.contains_key("properties")
            && (by_pattern.is_some() || additional.is_object());
        let least = count(schema.get("minProperties")).unwrap_or(0).min(1_000);
        let most = count(schema.get("maxProperties")).unwrap_or(usize::MAX);
        let wanted = if is_map {
            least.max(self.random.index(3))
        } else {
            least
        };
        let wanted = wanted.min(most);
        for number in 0..wanted.saturating_mul(2) {
            if object.len() >= wanted {
                break;
            }
            let (name, value) = match (by_pattern, schema.get("propertyNames")) {
                (Some((pattern, value)), _) => {
                    let any = 0..=usize::MAX;
                    (self.patterns.text(pattern, &any, &mut self.random), value)
                }
                (None, Some(names)) => {
                    let names = typed(names, "string");
                    let name = self.value(&names, depth + 1);
                    (name.as_str().map(str::to_owned), additional)
                }
                (None, None) => (None, additional),
            };
            let value = self.value(value, depth + 1);
            object.insert(name.unwrap_or_else(|| format!("property_{number}")), value);
        }
    }

    /// Adds the members that `dependentRequired` demands for the present ones.
    fn depending(
        &mut self,
        schema: &Map<String, Value>,
        additional: &Value,
        object: &mut Map<String, Value>,
        depth: u32,
    ) {
        let Some(Value::Object(dependent)) = schema.get("dependentRequired") else {
            return;
        };
        let properties = schema.get("properties");
        for (name, demanded) in dependent {
            for demanded in strings(Some(demanded)) {
                if object.contains_key(name) && !object.contains_key(demanded) {
                    let property = properties.and_then(|properties| properties.get(demanded));
                    let value = self.value(property.unwrap_or(additional), depth + 1);
                    object.insert(demanded.to_owned(), value);
                }
            }
        }
    }

    fn array(&mut self, schema: &Map<String, Value>, depth: u32) -> Value {
        let least = count(schema.get("minItems")).unwrap_or(0);
        let most = count(schema.get("maxItems")).unwrap_or(usize::MAX);
        let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
        let extra = if depth < FULL_DEPTH {
            self.random.index(3) + usize::from(least == 0)
        } else {
            0
        };
        let contained = schema.get("contains");
        let least_contained =
            contained.map_or(0, |_| count(schema.get("minContains")).unwrap_or(1));
        let length = (least.saturating_add(extra)).max(least_contained);
        let length = length.min(most).min(10_000);
        let (tuple, rest) = match (schema.get("prefixItems"), schema.get("items")) {
            (Some(Value::Array(tuple)), rest) => (tuple.as_slice(), rest),
            (_, Some(Value::Array(tuple))) => (tuple.as_slice(), schema.get("additionalItems")),
            (_, rest) => ([].as_slice(), rest),
        };
        let mut items: Vec<Value> = Vec::new();
        for index in 0..length {
            let item_schema = match (tuple.get(index), rest, contained) {
                (None, _, Some(contained)) if index < tuple.len() + least_contained => contained,
                // `false` means that nothing may follow the tuple.
                (None, Some(Value::Bool(false)), _) => break,
                (Some(item), _, _) | (None, Some(item), _) => item,
                (None, None, _) => &Value::Bool(true),
            };
            let mut item = self.value(item_schema, depth + 1);
            let mut tries = 0;
            while unique && items.contains(&item) && tries < TRIES {
                item = self.value(item_schema, depth + 1);
                tries += 1;
            }
            if unique && items.contains(&item) && items.len() >= least {
                break;
            }
            items.push(item);
        }
        Value::Array(items)
    }
}

/// Returns the schema with a type, which is added if it has none.
fn typed(schema: &Value, name: &str) -> Value {
    let mut typed = schema.as_object().cloned().unwrap_or_default();
    let bound = ["type", "$ref", "enum", "const", "anyOf", "oneOf", "allOf"];
    if !bound.iter().any(|keyword| typed.contains_key(*keyword)) {
        typed.insert("type".to_owned(), Value::from(name));
    }
    Value::Object(typed)
}

/// Merges `part` into `whole`: properties and required names are united, other keywords replaced.
fn merge(whole: &mut Map<String, Value>, part: &Map<String, Value>) {
    for (keyword, value) in part {
        match (whole.get_mut(keyword), value) {
            (Some(Value::Object(mine)), Value::Object(theirs)) if keyword == "properties" => {
                for (name, property) in theirs {
                    mine.insert(name.clone(), property.clone());
                }
            }
            (Some(Value::Array(mine)), Value::Array(theirs)) if keyword == "required" => {
                mine.extend(theirs.iter().cloned());
            }
            _ => {
                whole.insert(keyword.clone(), value.clone());
            }
        }
    }
}

fn inferred_type(schema: &Map<String, Value>) -> &'static str {
    let has = |keywords: &[&str]| keywords.iter().any(|k| schema.contains_key(*k));
    if has(&[
        "properties",
        "required",
        "minProperties",
        "patternProperties",
        "propertyNames",
    ]) {
        "object"
    } else if has(&[
        "items",
        "prefixItems",
        "minItems",
        "uniqueItems",
        "contains",
    ]) {
        "array"
    } else if has(&[
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    ]) {
        "number"
    } else {
        "string"
    }
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    let items = value.and_then(Value::as_array);
    items.map_or_else(Vec::new, |items| {
        items.iter().filter_map(Value::as_str).collect()
    })
}

fn count(value: Option<&Value>) -> Option<usize> {
    value
        .and_then(Value::as_u64)
        .and_then(|count| usize::try_from(count).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    pub(super) fn generate(schema: &Value, seed: u64) -> Value {
        let check = needs_check(schema).then(|| validator(schema)).flatten();
        Maker::default().value(schema, check.as_ref(), seed)
    }

    /// Asserts that 300 values are valid, including their formats.
    fn always_valid(name: &str, schema: &Value) {
        let maker = Maker::default();
        let validator = validator(schema).unwrap();
        let check = needs_check(schema).then_some(&validator);
        for seed in 0..300 {
            let value = maker.value(schema, check, seed);
            let errors: Vec<String> = validator
                .iter_errors(&value)
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert!(
                errors.is_empty(),
                "{name}, seed {seed}: {value}: {errors:?}"
            );
        }
    }

    /// `tests/pydantic` holds schemas as Pydantic 2.14 and 2.12 write them.
    #[test]
    fn answers_to_the_schemas_that_pydantic_writes_are_valid() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pydantic");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            let schema = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            always_valid(&file.display().to_string(), &schema);
            count += 1;
        }
        assert!(count >= 13, "{count} schemas");
    }

    #[test]
    fn keywords_that_the_generator_does_not_read_are_kept_too() {
        for schema in [
            json!({"type": "integer", "minimum": 0, "maximum": 9, "not": {"enum": [0, 1, 2, 3]}}),
            json!({"type": "object", "required": ["kind"], "properties": {
                "kind": {"enum": ["a", "b"]}, "more": {"type": "integer"}
            }, "if": {"properties": {"kind": {"const": "a"}}}, "then": {"required": ["more"]},
            "else": {"not": {"required": ["more"]}}}),
            json!({"type": "array", "items": {"type": "integer"}, "contains": {"const": 7}}),
            json!({"properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
                "dependentRequired": {"a": ["b"]}}),
            json!({"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}]}),
            json!({"allOf": [{"type": "integer", "minimum": 3}, {"minimum": 1, "maximum": 9}]}),
        ] {
            always_valid(&schema.to_string(), &schema);
        }
    }

    #[test]
    fn every_type_and_its_limits_validate() {
        always_valid(
            "types",
            &json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["category", "confidence", "nested", "codes"],
                "properties": {
                    "category": {"type": "string", "enum": ["a b", "c", "d"]},
                    "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                    "score": {"type": "integer", "minimum": 1, "maximum": 5},
                    "strict": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.002},
                    "strict_integer": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
                    "even": {"type": "integer", "minimum": -7, "maximum": 7, "multipleOf": 2},
                    "tenths": {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.1},
                    "text": {"type": "string", "minLength": 60, "maxLength": 61},
                    "short": {"type": "string", "maxLength": 3},
                    "nothing": {"type": "string", "maxLength": 0},
                    "code": {"type": "string", "pattern": "^[A-Z]{2}\\d{3}$", "minLength": 5},
                    "flag": {"type": "boolean"},
                    "maybe": {"type": ["string", "null"]},
                    "constant": {"const": {"a": [1, null]}},
                    "codes": {
                        "type": "array", "minItems": 2, "maxItems": 4, "uniqueItems": true,
                        "items": {"type": "integer", "minimum": 1, "maximum": 4}
                    },
                    "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}],
                        "items": false, "minItems": 2},
                    "nested": {
                        "type": "object",
                        "required": ["inner", "undeclared"],
                        "properties": {"inner": {"type": "object", "minProperties": 2}}
                    }
                }
            }),
        );
    }

    #[test]
    fn references_and_combinations_validate() {
        always_valid(
            "references",
            &json!({
                "$defs": {
                    "tree": {
                        "type": "object",
                        "required": ["name", "children"],
                        "properties": {
                            "name": {"$ref": "#/$defs/name"},
                            "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}
                        }
                    },
                    "name": {"type": "string", "minLength": 1}
                },
                "type": "object",
                "required": ["tree", "either", "both"],
                "properties": {
                    "tree": {"$ref": "#/$defs/tree"},
                    "either": {"anyOf": [{"type": "integer"}, {"type": "object", "required": ["x"]}]},
                    "one": {"oneOf": [{"type": "null"}, {"type": "string", "maxLength": 4}]},
                    "both": {"allOf": [
                        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                        {"properties": {"b": {"type": "boolean"}}, "required": ["b"]}
                    ]}
                }
            }),
        );
    }

    #[test]
    fn formats_have_their_form() {
        for (format, pattern) in [
            ("date", r"^\d{4}-\d\d-\d\d$"),
            ("date-time", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"),
            ("email", r"^[a-z0-9]+@example\.com$"),
            ("ipv4", r"^\d+\.\d+\.\d+\.\d+$"),
            (
                "uuid",
                r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$",
            ),
        ] {
            let made = generate(&json!({"type": "string", "format": format}), 5);
            let validator = jsonschema::validator_for(&json!({"pattern": pattern})).unwrap();
            assert!(validator.is_valid(&made), "{format}: {made}");
        }
    }

    #[test]
    fn equal_seeds_give_equal_values() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {}}});
        assert_eq!(generate(&schema, 9), generate(&schema, 9));
        assert_ne!(generate(&schema, 9), generate(&schema, 10));
    }

    /// No schema, however odd, causes a panic or an endless loop.
    #[test]
    fn odd_schemas_end() {
        for schema in [
            json!(true),
            json!(false),
            json!([]),
            json!({"$ref": "#"}),
            json!({"$ref": "#/nowhere"}),
            json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}),
            json!({"type": "integer", "minimum": 5, "maximum": 1}),
            json!({"type": "integer", "minimum": -1e300, "maximum": 1e300}),
            json!({"type": "number", "multipleOf": 0}),
            json!({"type": "integer", "multipleOf": 9e15, "minimum": 9e18}),
            json!({"type": "array", "minItems": 18_446_744_073_709_551_615_u64}),
            json!({"type": "string", "minLength": 10, "maxLength": 2}),
            json!({"enum": []}),
            json!({"type": []}),
            json!({"required": ["a"], "additionalProperties": {"$ref": "#"}}),
        ] {
            let _ = generate(&schema, 3);
        }
    }
}
