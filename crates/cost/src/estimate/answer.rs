//! How long answers are expected to be, from the JSON Schema that they keep to.

use super::Estimated;
use super::text::{TextClasses, TokenFamily};
use serde_json::{Map, Value};

/// Characters of a text whose schema does not say how long it is.
const USUAL_TEXT: u64 = 160;
/// Tokens of an answer without a schema.
const USUAL_ANSWER: u64 = 200;
/// Items of a list whose schema does not say how many there are.
const USUAL_ITEMS: u64 = 5;
/// The deepest schema inside a schema that is looked at.
const DEEPEST: usize = 16;
const CHARACTERS_OF_A_TOKEN: u64 = 4;

/// How long answers are, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLength {
    /// The tokens of one answer.
    pub tokens: Estimated<u64>,
    /// Whether the limit on tokens can cut an answer off.
    pub reaches_limit: bool,
}

/// The lengths of a value in tokens; `most` is `None` without a bound.
#[derive(Clone, Copy)]
struct Lengths {
    least: u64,
    usual: u64,
    most: Option<u64>,
}

impl Lengths {
    fn exact(tokens: u64) -> Self {
        Self {
            least: tokens,
            usual: tokens,
            most: Some(tokens),
        }
    }

    const UNBOUNDED: Self = Self {
        least: 1,
        usual: USUAL_TEXT / CHARACTERS_OF_A_TOKEN,
        most: None,
    };

    fn plus(self, other: Self) -> Self {
        Self {
            least: self.least + other.least,
            usual: self.usual + other.usual,
            most: self.most.zip(other.most).map(|(one, other)| one + other),
        }
    }
}

impl AnswerLength {
    /// Returns how long the answers to requests with a schema are. `limit` is the most tokens of an answer.
    /// `thinks` means that the model thinks before it answers, which counts as answer.
    pub fn of(schema: Option<&Value>, family: &TokenFamily, limit: u64, thinks: bool) -> Self {
        let lengths = match schema {
            Some(schema) => of_value(schema, family, 0),
            None => Lengths {
                least: 1,
                usual: USUAL_ANSWER,
                most: None,
            },
        };
        // Families differ, and a model may add white space.
        let most = lengths.most.filter(|_| !thinks).map(|most| most * 5 / 4);
        let thought = if thinks { 400 } else { 0 };
        let high = most.unwrap_or(limit).min(limit);
        Self {
            tokens: Estimated {
                low: (lengths.least * 3 / 4).min(high),
                expected: (lengths.usual + thought).min(high),
                high,
            },
            reaches_limit: most.is_none_or(|most| most > limit),
        }
    }
}

fn of_value(schema: &Value, family: &TokenFamily, depth: usize) -> Lengths {
    let Value::Object(members) = schema else {
        return Lengths::UNBOUNDED;
    };
    if depth > DEEPEST {
        return Lengths::UNBOUNDED;
    }
    if let Some(only) = members.get("const") {
        return Lengths::exact(text_tokens(&only.to_string(), family));
    }
    if let Some(Value::Array(values)) = members.get("enum") {
        return one_of(
            values
                .iter()
                .map(|value| Lengths::exact(text_tokens(&value.to_string(), family))),
        );
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(Value::Array(schemas)) = members.get(choice) {
            return one_of(
                schemas
                    .iter()
                    .map(|schema| of_value(schema, family, depth + 1)),
            );
        }
    }
    match type_of(members) {
        Some("object") => of_object(members, family, depth),
        Some("array") => of_list(members, family, depth),
        Some("string") => of_text(members),
        Some("boolean" | "null") => Lengths::exact(1),
        Some("number" | "integer") => Lengths {
            least: 1,
            usual: 3,
            most: Some(6),
        },
        _ => Lengths::UNBOUNDED,
    }
}

/// Returns the type that is not `null`, if there is one.
fn type_of(members: &Map<String, Value>) -> Option<&str> {
    match members.get("type") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Array(names)) => {
            let mut names = names.iter().filter_map(Value::as_str);
            names.find(|name| *name != "null")
        }
        _ if members.contains_key("properties") => Some("object"),
        _ => None,
    }
}

fn one_of(values: impl Iterator<Item = Lengths>) -> Lengths {
    let values: Vec<Lengths> = values.collect();
    let number = values.len() as u64;
    let mut most = values.iter().map(|value| value.most);
    Lengths {
        least: values.iter().map(|value| value.least).min().unwrap_or(1),
        usual: values.iter().map(|value| value.usual).sum::<u64>() / number.max(1),
        most: most.try_fold(0, |all: u64, one| Some(all.max(one?))),
    }
}

fn of_object(members: &Map<String, Value>, family: &TokenFamily, depth: usize) -> Lengths {
    let required: Vec<&str> = match members.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let Some(Value::Object(properties)) = members.get("properties") else {
        return Lengths::UNBOUNDED;
    };
    let mut sum = Lengths::exact(2);
    for (name, schema) in properties {
        let key = Lengths::exact(text_tokens(&format!("\"{name}\":,"), family));
        let mut member = key.plus(of_value(schema, family, depth + 1));
        if !required.contains(&name.as_str()) {
            member.least = 0;
        }
        sum = sum.plus(member);
    }
    sum
}

fn of_list(members: &Map<String, Value>, family: &TokenFamily, depth: usize) -> Lengths {
    let number = |name: &str| members.get(name).and_then(Value::as_u64);
    let item = members.get("items").map_or(Lengths::UNBOUNDED, |items| {
        of_value(items, family, depth + 1)
    });
    let least = number("minItems").unwrap_or(0);
    let most = number("maxItems");
    let usual = least.midpoint(
        most.map_or(USUAL_ITEMS, |most| most.min(USUAL_ITEMS))
            .max(least),
    );
    Lengths {
        least: 2 + least * item.least,
        usual: 2 + usual * (item.usual + 1),
        most: most
            .zip(item.most)
            .map(|(most, item)| 2 + most.saturating_mul(item + 1)),
    }
}

/// The characters of a text are at least a fourth of a token and at most a third of one each. The bounds are
/// those of the average over a run's answers, not of single ones: of a limit above the usual length, models use
/// two fifths at most, and a text that may be of the usual length has at least an eighth of it.
fn of_text(members: &Map<String, Value>) -> Lengths {
    let number = |name: &str| members.get(name).and_then(Value::as_u64);
    let least = number("minLength").unwrap_or(0);
    let limit = number("maxLength");
    let usual = limit
        .map_or(USUAL_TEXT, |limit| limit.min(USUAL_TEXT))
        .max(least);
    let is_long = limit.is_none_or(|limit| limit >= USUAL_TEXT);
    let least = if is_long {
        least.max(USUAL_TEXT / 8)
    } else {
        least
    };
    let most = limit.map(|limit| (limit * 2 / 5).max(USUAL_TEXT).max(least).min(limit));
    Lengths {
        least: 1 + least / CHARACTERS_OF_A_TOKEN,
        usual: 1 + usual.div_ceil(CHARACTERS_OF_A_TOKEN),
        most: most.map(|most| 2 + most.div_ceil(CHARACTERS_OF_A_TOKEN - 1)),
    }
}

fn text_tokens(text: &str, family: &TokenFamily) -> u64 {
    family.tokens(&TextClasses::of(text)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn family() -> TokenFamily {
        TokenFamily::of("us.anthropic.claude-haiku-4-5-20251001-v1:0")
    }

    #[test]
    fn the_bounds_of_a_schema_bound_the_answer() {
        let schema = json!({
            "type": "object",
            "properties": {
                "kind": {"enum": ["gull", "raptor"]},
                "sure": {"type": "number"},
                "why": {"type": "string", "minLength": 1, "maxLength": 400},
                "tags": {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 3},
            },
            "required": ["kind", "sure", "why"],
        });
        let length = AnswerLength::of(Some(&schema), &family(), 1_024, false);
        let Estimated {
            low,
            expected,
            high,
        } = length.tokens;
        assert!(!length.reaches_limit, "{length:?}");
        assert!(
            low > 5 && low < expected && expected < high && high < 300,
            "{length:?}"
        );
        let cut = AnswerLength::of(Some(&schema), &family(), 50, false);
        assert!(cut.reaches_limit && cut.tokens.high == 50);
    }

    /// The average is what a run pays for.
    #[test]
    fn the_average_of_long_texts_is_neither_nothing_nor_their_limit() {
        let of = |schema: Value| AnswerLength::of(Some(&schema), &family(), 2_000, false).tokens;
        let long = of(json!({"type": "string", "minLength": 1, "maxLength": 600}));
        assert_eq!((long.low, long.expected, long.high), (4, 41, 102));
        let short = of(json!({"type": "string", "maxLength": 40}));
        assert_eq!((short.low, short.expected, short.high), (0, 11, 20));
        let least = of(json!({"type": "string", "minLength": 500, "maxLength": 600}));
        assert!(least.low > 80 && least.high > least.expected, "{least:?}");
    }

    #[test]
    fn without_a_bound_the_limit_is_the_bound() {
        for schema in [
            None,
            Some(json!({"type": "object", "properties": {"a": {"type": "string"}}})),
            Some(json!({"type": "object"})),
            Some(json!(true)),
        ] {
            let length = AnswerLength::of(schema.as_ref(), &family(), 700, false);
            assert_eq!(length.tokens.high, 700, "{schema:?}");
            assert!(length.reaches_limit && length.tokens.low < length.tokens.expected);
        }
        let bounded = json!({"enum": ["yes", "no"]});
        let thinks = AnswerLength::of(Some(&bounded), &family(), 700, true);
        assert_eq!(thinks.tokens.high, 700);
    }

    #[test]
    fn a_schema_inside_itself_ends() {
        let mut schema = json!({"type": "string", "maxLength": 4});
        for _ in 0..100 {
            schema = json!({"type": "array", "items": schema, "maxItems": 1});
        }
        assert!(AnswerLength::of(Some(&schema), &family(), 100, false).reaches_limit);
    }
}
