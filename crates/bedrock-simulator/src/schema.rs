//! A value that a JSON Schema accepts, made from a seed.
//!
//! Read are: `const`, `enum`, `type` (one or several), `$ref` inside the document, `allOf`,
//! `anyOf`, `oneOf`, and the keywords of each type. Not read: `not`, `if`/`then`/`else`,
//! `dependent…`, `patternProperties`, `contains`; a schema that needs them may refuse the value.

use crate::hash::Random;
use crate::pattern;
use serde_json::{Map, Number, Value};

/// Below this depth only what is required is made, so that recursive schemas end.
const FULL_DEPTH: u32 = 6;
/// Below this depth nothing is made any more.
const MAX_DEPTH: u32 = 24;
/// Most values in one answer; a schema that asks for more asks for an endless one.
const MAX_VALUES: u32 = 20_000;
/// Longest text, whatever `minLength` says.
const MAX_LENGTH: usize = 1 << 20;
/// How often another value is tried when one does not fit (unique items, length of a pattern).
const TRIES: u32 = 40;

const WORDS: [&str; 16] = [
    "steady", "north", "river", "signal", "amber", "quiet", "façade", "harbor", "copper", "naïve",
    "meadow", "lantern", "Größe", "cedar", "orbit", "velvet",
];

/// A value for `schema`; equal seeds give equal values.
pub(crate) fn generate(schema: &Value, seed: u64) -> Value {
    Generator {
        root: schema,
        random: Random::new(seed),
        values: 0,
    }
    .value(schema, 0)
}

struct Generator<'a> {
    root: &'a Value,
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
            _ => Value::String(self.string(schema)),
        }
    }

    /// The schema with one `$ref`, `allOf`, `anyOf` or `oneOf` put in, when it has one.
    fn combined(&mut self, schema: &Map<String, Value>, depth: u32) -> Option<Map<String, Value>> {
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
                let wanted = required.contains(&name.as_str())
                    || depth < FULL_DEPTH && self.random.below(8) != 0;
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
        let least = count(schema.get("minProperties")).unwrap_or(0);
        for number in 0..least.min(1_000) {
            if object.len() >= least {
                break;
            }
            let value = self.value(&additional, depth + 1);
            object.insert(format!("property_{number}"), value);
        }
        Value::Object(object)
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
        let length = (least.saturating_add(extra)).min(most).min(10_000);
        let (tuple, rest) = match (schema.get("prefixItems"), schema.get("items")) {
            (Some(Value::Array(tuple)), rest) => (tuple.as_slice(), rest),
            (_, Some(Value::Array(tuple))) => (tuple.as_slice(), schema.get("additionalItems")),
            (_, rest) => ([].as_slice(), rest),
        };
        let mut items: Vec<Value> = Vec::new();
        for index in 0..length {
            let item_schema = match (tuple.get(index), rest) {
                // `false`: nothing may follow the tuple.
                (None, Some(Value::Bool(false))) => break,
                (Some(item), _) | (None, Some(item)) => item,
                (None, None) => &Value::Bool(true),
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

    fn string(&mut self, schema: &Map<String, Value>) -> String {
        let least = count(schema.get("minLength")).unwrap_or(0).min(MAX_LENGTH);
        let most = count(schema.get("maxLength"));
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            let mut made = None;
            for _ in 0..TRIES {
                made = pattern::generate(pattern, &mut self.random);
                let fits = made.as_ref().is_some_and(|text| {
                    let length = text.chars().count();
                    length >= least && most.is_none_or(|most| length <= most)
                });
                if fits {
                    break;
                }
            }
            if let Some(text) = made {
                return text;
            }
        }
        match schema.get("format").and_then(Value::as_str) {
            Some(format) => self
                .formatted(format)
                .unwrap_or_else(|| self.words(least, most)),
            None => self.words(least, most),
        }
    }

    fn formatted(&mut self, format: &str) -> Option<String> {
        let mut two = |from: u64, bound: u64| format!("{:02}", from + self.random.below(bound));
        let date = format!("20{}-{}-{}", two(10, 20), two(1, 12), two(1, 28));
        let time = format!("{}:{}:{}Z", two(0, 24), two(0, 60), two(0, 60));
        let octets = [two(10, 90), two(10, 90), two(10, 90), two(10, 90)];
        let hex = format!("{:016x}{:016x}", self.random.next(), self.random.next());
        Some(match format {
            "date" => date,
            "time" => time,
            "date-time" => format!("{date}T{time}"),
            "email" | "idn-email" => format!("{}@example.com", self.random.id(8)),
            "uri" | "iri" | "uri-reference" => {
                format!("https://example.com/{}", self.random.id(8))
            }
            "hostname" => format!("{}.example.com", self.random.id(8)),
            "ipv4" => octets.join("."),
            "uuid" => format!(
                "{}-{}-4{}-8{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[13..16],
                &hex[17..20],
                &hex[20..]
            ),
            _ => return None,
        })
    }

    /// Some words, from `least` to `most` characters.
    fn words(&mut self, least: usize, most: Option<usize>) -> String {
        let wanted = 3 + self.random.index(6);
        let mut text = String::new();
        let mut characters = 0;
        let mut words = 0;
        let most = most.unwrap_or(usize::MAX);
        while (words < wanted || characters < least) && characters < most.max(1) {
            if words > 0 {
                text.push(' ');
                characters += 1;
            }
            let word = WORDS[self.random.index(WORDS.len())];
            text.push_str(word);
            characters += word.chars().count();
            words += 1;
        }
        if characters > most {
            text = text.chars().take(most).collect();
        }
        text
    }
}

/// Adds `part` to `whole`: properties and required names are united, other keywords replaced.
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
    if has(&["properties", "required", "minProperties"]) {
        "object"
    } else if has(&["items", "prefixItems", "minItems", "uniqueItems"]) {
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

/// The bounds of a number and whether each is excluded, in both spellings of the exclusive ones
/// (a number since draft 6, a flag beside `minimum` before).
struct Bounds {
    low: Option<f64>,
    high: Option<f64>,
    low_excluded: bool,
    high_excluded: bool,
}

impl Bounds {
    fn of(schema: &Map<String, Value>) -> Self {
        let side = |plain: &str, exclusive: &str, is_looser: fn(f64, f64) -> bool| {
            let plain = schema.get(plain).and_then(Value::as_f64);
            match schema.get(exclusive) {
                Some(Value::Bool(true)) => (plain, true),
                Some(other) => match (other.as_f64(), plain) {
                    (Some(strict), Some(lax)) if is_looser(strict, lax) => (Some(lax), false),
                    (Some(strict), _) => (Some(strict), true),
                    (None, lax) => (lax, false),
                },
                None => (plain, false),
            }
        };
        let (low, low_excluded) = side("minimum", "exclusiveMinimum", |a, b| a < b);
        let (high, high_excluded) = side("maximum", "exclusiveMaximum", |a, b| a > b);
        Self {
            low,
            high,
            low_excluded,
            high_excluded,
        }
    }

    /// Both ends, the open ones put some way off the others.
    fn ends(&self, width: f64) -> (f64, f64) {
        match (self.low, self.high) {
            (Some(low), Some(high)) => (low, high),
            (Some(low), None) => (low, low + width),
            (None, Some(high)) => (if high > 0.0 { 0.0 } else { high - width }, high),
            (None, None) => (0.0, width),
        }
    }

    fn holds(&self, value: f64) -> bool {
        let above = self
            .low
            .is_none_or(|low| value > low || !self.low_excluded && value >= low);
        let below = self
            .high
            .is_none_or(|high| value < high || !self.high_excluded && value <= high);
        above && below
    }
}

/// Largest magnitude at which every integer has its own `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// `value` as an integer; bounds beyond 2^53 are cut to it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "cut to the range in which every integer is exact"
)]
fn exact(value: f64) -> i64 {
    value.clamp(-EXACT, EXACT) as i64
}

#[expect(clippy::cast_precision_loss, reason = "integers here are within 2^53")]
fn float(value: i64) -> f64 {
    value as f64
}

fn integer(schema: &Map<String, Value>, random: &mut Random) -> Value {
    let bounds = Bounds::of(schema);
    let step = schema
        .get("multipleOf")
        .and_then(Value::as_f64)
        .filter(|step| *step >= 1.0)
        .unwrap_or(1.0);
    let (low, high) = bounds.ends(100.0 * step);
    let mut first = exact((low / step).ceil());
    let mut last = exact((high / step).floor());
    let step = exact(step);
    if bounds.low_excluded && !bounds.holds(float(first.saturating_mul(step))) {
        first += 1;
    }
    if bounds.high_excluded && !bounds.holds(float(last.saturating_mul(step))) {
        last -= 1;
    }
    let span = u64::try_from(last - first).unwrap_or(0);
    let chosen = first + i64::try_from(random.below(span + 1)).unwrap_or(0);
    Value::from(chosen.saturating_mul(step))
}

fn number(schema: &Map<String, Value>, random: &mut Random) -> Value {
    if schema.get("multipleOf").and_then(Value::as_f64).is_some() {
        return multiple(schema, random);
    }
    let bounds = Bounds::of(schema);
    let (low, high) = bounds.ends(100.0);
    let share = float(i64::try_from(1 + random.below(999)).unwrap_or(1)) / 1_000.0;
    let exact = low + (high - low) * share;
    let rounded = (exact * 1_000.0).round() / 1_000.0;
    let chosen = if bounds.holds(rounded) {
        rounded
    } else {
        exact
    };
    Number::from_f64(chosen).map_or(Value::Null, Value::Number)
}

/// A multiple of a step that need not be an integer.
fn multiple(schema: &Map<String, Value>, random: &mut Random) -> Value {
    let step = schema
        .get("multipleOf")
        .and_then(Value::as_f64)
        .filter(|step| *step > 0.0)
        .unwrap_or(1.0);
    let bounds = Bounds::of(schema);
    let (low, high) = bounds.ends(100.0 * step);
    let (first, last) = (exact((low / step).ceil()), exact((high / step).floor()));
    let span = u64::try_from(last - first).unwrap_or(0);
    let mut chosen = 0.0;
    for _ in 0..TRIES {
        let factor = first + i64::try_from(random.below(span + 1)).unwrap_or(0);
        // Through the decimal text, so that 3 × 0.1 is 0.3.
        let text = format!("{:.9}", float(factor) * step);
        chosen = text.parse().unwrap_or(0.0);
        if bounds.holds(chosen) {
            break;
        }
    }
    Number::from_f64(chosen).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        /// Wherever the bounds leave an integer, one is found.
        #[test]
        fn integers_keep_any_bounds(
            low in -1_000_000_i64..1_000_000,
            width in 0_i64..1_000,
            step in 1_i64..50,
            exclusive: bool,
            seed: u64,
        ) {
            let high = low + width.max(2 * step);
            let mut schema = json!({"type": "integer", "multipleOf": step});
            let names = if exclusive {
                ["exclusiveMinimum", "exclusiveMaximum"]
            } else {
                ["minimum", "maximum"]
            };
            schema[names[0]] = json!(low);
            schema[names[1]] = json!(high);
            let value = generate(&schema, seed);
            prop_assert!(jsonschema::is_valid(&schema, &value), "{} for {}", value, schema);
        }

        #[test]
        fn numbers_keep_any_bounds(
            low in -1e6_f64..1e6,
            width in 1e-6_f64..1e3,
            exclusive: bool,
            seed: u64,
        ) {
            let mut schema = json!({"type": "number"});
            let names = if exclusive {
                ["exclusiveMinimum", "exclusiveMaximum"]
            } else {
                ["minimum", "maximum"]
            };
            schema[names[0]] = json!(low);
            schema[names[1]] = json!(low + width);
            let value = generate(&schema, seed);
            prop_assert!(jsonschema::is_valid(&schema, &value), "{} for {}", value, schema);
        }
    }

    fn always_valid(schema: &Value) {
        let validator = jsonschema::validator_for(schema).unwrap();
        for seed in 0..300 {
            let value = generate(schema, seed);
            let errors: Vec<String> = validator
                .iter_errors(&value)
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "seed {seed}: {value}: {errors:?}");
        }
    }

    #[test]
    fn every_type_and_its_limits_validate() {
        always_valid(&json!({
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
        }));
    }

    #[test]
    fn references_and_combinations_validate() {
        always_valid(&json!({
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
        }));
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

    /// No schema, however odd, panics or runs away.
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
