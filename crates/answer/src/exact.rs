//! Numbers with more digits than a float holds.
//!
//! Such a number is stored as the float next to it, and compared with a schema it would pass as that:
//! 1.00000000000000000001 as 1. The floats on both sides of it show what the schema says about the
//! number itself: whatever bounds it, allows it or divides it does so for both.
//!
//! Limits: integers beyond 64 bits are compared as floats. A number with at most 17 digits that is
//! the shortest form of its float counts as exact.

use crate::coerce::{CoercionRule, ObjectRule, number_in};
use jiter::{JsonObject, JsonValue};
use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// With so many digits, every number is the shortest form of a float.
const ALWAYS_EXACT: usize = 15;

/// Returns the members of an object whose JSON this is, with the float on the other side in place of
/// each number that is not a float; `None` if all numbers are.
pub(crate) fn other_sides<'j>(
    members: &JsonObject<'j>,
    json: &str,
    rule: &ObjectRule,
) -> Option<JsonObject<'j>> {
    if !has_a_long_number(json) {
        return None;
    }
    let mut other = JsonValue::Object(Arc::clone(members));
    let is_changed = replace_members(Some(rule), &mut other, &mut Literals { json });
    match other {
        JsonValue::Object(members) if is_changed => Some(members),
        _ => None,
    }
}

/// Replaces the numbers of a value, whose literals come in the order of the text. Returns whether
/// there were any.
fn replace(
    rule: Option<&CoercionRule>,
    value: &mut JsonValue<'_>,
    literals: &mut Literals<'_>,
) -> bool {
    let is_float = matches!(rule, Some(CoercionRule::Number));
    let other = match value {
        JsonValue::Float(_) => literals.next().and_then(other_side),
        JsonValue::Int(_) | JsonValue::BigInt(_) => {
            literals.next().filter(|_| is_float).and_then(other_side)
        }
        JsonValue::Str(text) if is_float => {
            number_in(text).and_then(|_| other_side(&text.trim().replace('_', "")))
        }
        JsonValue::Array(items) => {
            let item = match rule {
                Some(CoercionRule::Array(item)) => Some(item.as_ref()),
                _ => None,
            };
            let mut is_changed = false;
            for value in Arc::make_mut(items) {
                is_changed |= replace(item, value, literals);
            }
            return is_changed;
        }
        JsonValue::Object(_) => {
            let inner = match rule {
                Some(CoercionRule::Object(rule)) => Some(rule),
                _ => None,
            };
            return replace_members(inner, value, literals);
        }
        _ => None,
    };
    if let Some(other) = other {
        *value = JsonValue::Float(other);
    }
    other.is_some()
}

fn replace_members(
    rule: Option<&ObjectRule>,
    value: &mut JsonValue<'_>,
    literals: &mut Literals<'_>,
) -> bool {
    let JsonValue::Object(members) = value else {
        return false;
    };
    let mut is_changed = false;
    for (name, value) in Arc::make_mut(members) {
        let rule = rule.and_then(|rule| rule.rule_of(name));
        is_changed |= replace(rule, value, literals);
    }
    is_changed
}

/// Whether a text may have a number that is not exactly a float: one with more digits than every float has, or with an
/// exponent, that is not the shortest form of a float either. Most answers have none, and need no copy.
fn has_a_long_number(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(digit) = first_digit(&bytes[at..]) {
        let before = bytes[at..at + digit].iter().rev();
        let start = at + digit
            - before
                .take_while(|byte| matches!(byte, b'.' | b'_'))
                .count();
        let number = bytes[start..]
            .iter()
            .take_while(|byte| is_of_number(**byte));
        at = start + number.count();
        let number = &json[start..at];
        let is_long = number.bytes().filter(u8::is_ascii_digit).count() > ALWAYS_EXACT
            || number.contains(['e', 'E']);
        // An escape can hide a part of a number in a text.
        if is_long && (!is_shortest(number) || json.contains("\\u")) {
            return true;
        }
    }
    false
}

/// Returns the place of the first digit. Most blocks of a text have none, which takes no branch for each byte.
fn first_digit(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 32;
    let blocks = bytes.chunks_exact(BLOCK);
    let without = blocks.take_while(|block| {
        let digits = block.iter().map(|byte| u8::from(byte.is_ascii_digit()));
        digits.fold(0, |any, is_digit| any | is_digit) == 0
    });
    let passed = without.count() * BLOCK;
    let found = bytes[passed..].iter().position(u8::is_ascii_digit);
    found.map(|at| passed + at)
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'+' | b'-' | b'e' | b'E')
}

/// Whether a number without sign and exponent is the shortest form of the float that is stored for it.
fn is_shortest(literal: &str) -> bool {
    let mut rest = SameText(literal);
    literal
        .parse::<f64>()
        .is_ok_and(|nearest| write!(rest, "{nearest}").is_ok() && rest.0.is_empty())
}

/// The rest of a text that is expected. Writing anything else fails.
struct SameText<'t>(&'t str);

impl fmt::Write for SameText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(text).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// Returns the float that is not the nearest to a number, but next to it on its other side; `None` if
/// the number is exactly a float, or JSON cannot express it.
fn other_side(literal: &str) -> Option<f64> {
    if literal.bytes().filter(u8::is_ascii_digit).count() <= ALWAYS_EXACT
        && !literal.contains(['e', 'E'])
    {
        return None;
    }
    let nearest: f64 = literal
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())?;
    let (given, stored) = (Decimal::of(literal)?, Decimal::of(&format!("{nearest:e}"))?);
    let is_negative = literal.starts_with('-');
    match given.cmp(&stored) {
        Ordering::Equal => None,
        Ordering::Greater if is_negative => Some(nearest.next_down()),
        Ordering::Less if is_negative => Some(nearest.next_up()),
        Ordering::Greater => Some(nearest.next_up()),
        Ordering::Less => Some(nearest.next_down()),
    }
}

/// The magnitude of a decimal number: the exponent of its first digit, and its digits. Zero has none.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Decimal {
    exponent: Option<i64>,
    digits: String,
}

impl Decimal {
    fn of(literal: &str) -> Option<Self> {
        let literal = literal.trim_start_matches(['+', '-']);
        let (mantissa, exponent) = match literal.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (literal, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let leading = i64::try_from(all.len() - significant.len()).ok()?;
        let digits = significant.trim_end_matches('0').to_owned();
        let first = i64::try_from(whole.len()).ok()?.checked_sub(leading)?;
        let exponent = first.checked_add(exponent)?;
        Some(Self {
            exponent: (!digits.is_empty()).then_some(exponent),
            digits,
        })
    }
}

/// The literals of the numbers in a JSON text.
struct Literals<'t> {
    json: &'t str,
}

impl<'t> Iterator for Literals<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        loop {
            let at = self.json.find(|next: char| {
                matches!(next, '"' | '-' | 'N' | 'I') || next.is_ascii_digit()
            })?;
            let rest = &self.json[at..];
            if let Some(text) = rest.strip_prefix('"') {
                self.json = behind_text(text);
                continue;
            }
            let end = rest
                .find(|next: char| {
                    !matches!(next, '-' | '+' | '.') && !next.is_ascii_alphanumeric()
                })
                .unwrap_or(rest.len());
            self.json = &rest[end..];
            return Some(&rest[..end]);
        }
    }
}

/// Returns what is behind the quote that ends a text.
fn behind_text(text: &str) -> &str {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(next) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += next;
        if bytes[at] == b'"' {
            return &text[at + 1..];
        }
        // A character that is escaped begins with one byte of ASCII.
        at = (at + 2).min(bytes.len());
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_prefix;
    use proptest::prelude::*;

    /// A number as models write it: a float, often with some more or other digits.
    fn literal() -> impl Strategy<Value = String> {
        let float = prop_oneof![any::<f64>(), 0.0..1.0_f64, -1e20..1e20_f64]
            .prop_filter("finite", |number| number.is_finite());
        (float, "[0-9]{0,3}", prop::bool::ANY).prop_map(|(number, digits, as_exponent)| {
            let shortest = if as_exponent {
                format!("{number:e}")
            } else {
                format!("{number}")
            };
            match shortest.split_once('e') {
                Some((mantissa, exponent)) if mantissa.contains('.') => {
                    format!("{mantissa}{digits}e{exponent}")
                }
                None if shortest.contains('.') => shortest + &digits,
                _ => shortest,
            }
        })
    }

    proptest! {
        /// An answer that is not copied has no number beside a float.
        #[test]
        fn every_number_beside_a_float_is_noticed(literals in prop::collection::vec(literal(), 1..4), as_text in prop::bool::ANY) {
            let quote = if as_text { "\"" } else { "" };
            let items: Vec<String> = literals.iter().map(|literal| format!("{quote}{literal}{quote}")).collect();
            let json = format!("[{}]", items.join(","));
            prop_assert!(parse_prefix(&json).is_ok(), "{}", json);
            let is_beside = literals.iter().any(|literal| other_side(literal).is_some());
            prop_assert!(has_a_long_number(&json) || !is_beside, "{}", json);
        }
    }

    #[test]
    fn a_number_that_is_no_float_lies_between_two() {
        for (literal, other) in [
            ("1.00000000000000000001", Some(1.0_f64.next_up())),
            ("0.99999999999999999999", Some(1.0_f64.next_down())),
            ("-1.00000000000000000001", Some((-1.0_f64).next_down())),
            ("10000000000000000000.1e-19", Some(1.0_f64.next_up())),
            ("9007199254740993", Some(9_007_199_254_740_994.0)),
            ("1e-400", Some(0.0_f64.next_up())),
            ("0.10000000000000001", Some(0.1_f64.next_up())),
            ("1.00000000000000000000", None),
            ("0.1", None),
            ("0.30000000000000004", None),
            ("1e3", None),
            ("1E+03", None),
            ("1e400", None),
            ("NaN", None),
            ("0.0e999", None),
            ("100000000000000000000", None),
        ] {
            assert_eq!(other_side(literal), other, "{literal}");
        }
    }

    #[test]
    fn only_an_answer_with_a_long_number_is_copied() {
        for json in [
            r#"{"a":0.25,"b":"e1 2024-05-06"}"#,
            "{}",
            r#"{"a":123456789012345}"#,
            r#"{"a":0.30000000000000004,"b":-0.9859578736208625}"#,
            "[9007199254740992, 10000000000000002]",
        ] {
            assert!(!has_a_long_number(json), "{json}");
        }
        for json in [
            "1.0000000000000001",
            "[1e-400]",
            r#""1_000_000_000_000_000_000""#,
            r#"{"a":0.30000000000000004,"b":0.10000000000000001}"#,
            r#""1\u005f30000000000000004""#,
            r#""0.30000000000000004\u0039""#,
            r#""0.30000000000000004_1""#,
            "0.300000000000000040",
        ] {
            assert!(has_a_long_number(json), "{json}");
        }
    }

    #[test]
    fn literals_are_found_outside_of_texts() {
        let json = r#"{"a1":[1,-2.5e+3,"3\"4"],"b":{"c":NaN,"d":true},"e":-Infinity,"f":0}"#;
        let literals: Vec<&str> = Literals { json }.collect();
        assert_eq!(literals, ["1", "-2.5e+3", "NaN", "-Infinity", "0"]);
    }
}
