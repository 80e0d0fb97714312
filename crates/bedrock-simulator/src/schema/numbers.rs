//! Numbers within their bounds.

use crate::hash::Random;
use serde_json::{Map, Number, Value};

/// How often another number is tried when one does not fit its steps and bounds.
const TRIES: u32 = 40;

/// The bounds of a number and whether each is excluded, in both spellings of the exclusive ones (a
/// number since draft 6, before that a flag beside `minimum`).
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

    /// Returns both ends. An open end is placed at some distance from the other.
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

/// The largest magnitude at which `f64` represents every integer exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns `value` as an integer, cut to ±2^53.
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

pub(super) fn integer(schema: &Map<String, Value>, random: &mut Random) -> Value {
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

pub(super) fn number(schema: &Map<String, Value>, random: &mut Random) -> Value {
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

/// Returns a multiple of a step that need not be an integer.
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
        // Goes through the decimal text, so that 3 × 0.1 is 0.3.
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
    use crate::schema::tests::generate;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        /// Wherever the bounds leave an integer, the generator finds one.
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
}
