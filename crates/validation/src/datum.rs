//! The values of an answer after coercion.
//!
//! This tree exists beside `serde_json::Value` because that type cannot hold three things: an
//! integer of any length, an optional property that is missing but keeps its position in the order,
//! and text that borrows from the answer.

use serde_json::{Map, Number, Value};
use std::borrow::Cow;

/// The most values of an answer that are never valid and are placed by a JSON Pointer.
pub(crate) const MOST_POINTERS: usize = 50;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum<'a> {
    /// An optional property that the answer lacks or has as null. It is missing for the schema and
    /// null in the result.
    Absent,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// The digits, with sign, of an integer beyond 64 bits.
    BigInt(String),
    /// Always finite.
    Float(f64),
    /// A number that JSON cannot express: NaN or an infinity.
    NonFinite,
    /// Different values of members with the same name. Nothing says which of them is meant.
    Contradicted,
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    Array(Vec<Datum<'a>>),
    /// Members with distinct names.
    Object(Vec<(Cow<'a, str>, Datum<'a>)>),
}

impl Datum<'_> {
    /// Writes compact JSON. A value that JSON cannot express is written as null.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Absent | Self::Null | Self::NonFinite | Self::Contradicted => {
                out.push_str("null");
            }
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Int(number) => write_int(*number, out),
            Self::BigInt(digits) => out.push_str(digits),
            Self::Float(number) => write_float(*number, out),
            Self::Text(text) => write_text(text, out),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// The value as the validator's messages show it.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Absent | Self::Null | Self::NonFinite | Self::Contradicted => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::Number((*number).into()),
            Self::BigInt(digits) => digits
                .parse()
                .ok()
                .and_then(Number::from_f64)
                .map_or(Value::Null, Value::Number),
            Self::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Self::Text(text) => Value::String(text.clone().into_owned()),
            Self::Array(items) => Value::Array(items.iter().map(Datum::to_value).collect()),
            Self::Object(members) => Value::Object(
                members
                    .iter()
                    .filter(|(_, value)| !matches!(value, Datum::Absent))
                    .map(|(name, value)| (name.clone().into_owned(), value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// Whether both are the same JSON value. The order of members does not count.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(items), Self::Array(others)) => {
                let mut pairs = items.iter().zip(others);
                items.len() == others.len() && pairs.all(|(item, other)| item.is_same(other))
            }
            (Self::Object(members), Self::Object(others)) => {
                let mut pairs = by_name(members).into_iter().zip(by_name(others));
                members.len() == others.len()
                    && pairs.all(|((name, value), (other_name, other))| {
                        name == other_name && value.is_same(other)
                    })
            }
            _ => self == other,
        }
    }

    /// Whether the value or one in it is never valid.
    pub fn is_faulty(&self) -> bool {
        match self {
            Self::NonFinite | Self::Contradicted => true,
            Self::Array(items) => items.iter().any(Datum::is_faulty),
            Self::Object(members) => members.iter().any(|(_, value)| value.is_faulty()),
            _ => false,
        }
    }

    /// Returns the values that are never valid, each with its JSON Pointer and the reason. Only the
    /// first ones have one: in a member with a long name, each would be as long.
    pub fn faults(&self) -> Vec<(String, &'static str)> {
        fn walk(value: &Datum<'_>, path: &mut String, found: &mut Vec<(String, &'static str)>) {
            let length = path.len();
            let place = |path: &String, found: &[_]| match found.len() {
                ..MOST_POINTERS => path.clone(),
                _ => String::new(),
            };
            match value {
                Datum::NonFinite => found.push((place(path, found), "number is not finite")),
                Datum::Contradicted => found.push((
                    place(path, found),
                    "the answer contradicts itself: it has this member more than once, with \
                     different values",
                )),
                Datum::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        path.push('/');
                        path.push_str(&index.to_string());
                        walk(item, path, found);
                        path.truncate(length);
                    }
                }
                Datum::Object(members) => {
                    for (name, item) in members {
                        path.push('/');
                        path.push_str(&name.replace('~', "~0").replace('/', "~1"));
                        walk(item, path, found);
                        path.truncate(length);
                    }
                }
                _ => {}
            }
        }
        let mut found = Vec::new();
        walk(self, &mut String::new(), &mut found);
        found
    }
}

fn by_name<'m, 'a>(members: &'m [(Cow<'a, str>, Datum<'a>)]) -> Vec<&'m (Cow<'a, str>, Datum<'a>)> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by(|(name, _), (other, _)| name.cmp(other));
    sorted
}

/// Writes an integer.
pub fn write_int(number: i64, out: &mut String) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = write!(out, "{number}");
}

/// Writes the shortest text that reads back as the same number, with a fraction or an exponent. The
/// form is Python's, because downstream readers may compare text.
pub fn write_float(number: f64, out: &mut String) {
    use std::fmt::Write as _;
    /// Below it Python uses an exponent of at least two digits.
    const SMALLEST_WITHOUT_EXPONENT: f64 = 1e-4;

    let Some(json) = Number::from_f64(number) else {
        out.push_str("null");
        return;
    };
    if number == 0.0 || number.abs() >= SMALLEST_WITHOUT_EXPONENT {
        out.push_str(&json.to_string());
        return;
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once("e-").unwrap_or((&text, "0"));
    // Writing to a String cannot fail.
    let _ = write!(out, "{digits}e-{exponent:0>2}");
}

/// Writes a JSON string in which everything that JSON requires is escaped.
pub fn write_text(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut rest = text;
    while let Some(at) = first_to_escape(rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let byte = rest.as_bytes()[at];
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\u00");
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// Returns the place of the first byte that JSON requires to be escaped. Looks at eight bytes at a time: this
/// crate is optimised for size, so the compiler uses no vector instructions.
fn first_to_escape(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGHEST: u64 = ONES << 7;
    // The highest bit of each byte that is below a limit of at most 128. Above the first such byte, a bit may be set
    // wrongly.
    let below = |bytes: u64, limit: u8| bytes.wrapping_sub(ONES * u64::from(limit)) & !bytes;
    let mut at = 0;
    while let Some(eight) = text[at..].first_chunk::<8>() {
        let bytes = u64::from_le_bytes(*eight);
        let quotes = below(bytes ^ (ONES * u64::from(b'"')), 1);
        let backslashes = below(bytes ^ (ONES * u64::from(b'\\')), 1);
        let found = (below(bytes, b' ') | quotes | backslashes) & HIGHEST;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = text[at..]
        .iter()
        .position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\'));
    rest.map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// At any place in a text, beside any other bytes.
        #[test]
        fn texts_are_read_back_as_they_were(text in "(?s:[a-z\"\\\\\u{0}-\u{20}\u{7f}-\u{a2}\u{dc}é😀]|.){0,60}") {
            let mut json = String::new();
            write_text(&text, &mut json);
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
        }
    }

    #[test]
    fn what_is_written_is_the_json_serde_reads_back() {
        let datum = Datum::Object(vec![
            (
                "text \"\\\u{1}".into(),
                Datum::Text("a\n\t\r\u{7f}ü\u{1f}".into()),
            ),
            (
                "list".into(),
                Datum::Array(vec![
                    Datum::Int(-5),
                    Datum::Float(1.0),
                    Datum::Float(1e300),
                    Datum::Bool(true),
                    Datum::Null,
                ]),
            ),
            ("gone".into(), Datum::Absent),
            ("empty".into(), Datum::Object(vec![])),
        ]);
        let mut text = String::new();
        datum.write_json(&mut text);
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            read,
            serde_json::json!({
                "text \"\\\u{1}": "a\n\t\r\u{7f}ü\u{1f}",
                "list": [-5, 1.0, 1e300, true, null],
                "gone": null,
                "empty": {},
            })
        );
    }

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (number, text) in [
            (0.5, "0.5"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (-0.000_012_34, "-1.234e-05"),
            (1.5e-7, "1.5e-07"),
            (5e-324, "5e-324"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (-1.5e300, "-1.5e+300"),
        ] {
            let mut out = String::new();
            write_float(number, &mut out);
            assert_eq!(out, text);
            let read: f64 = serde_json::from_str(&out).expect("JSON");
            assert_eq!(read.to_bits(), f64::to_bits(number), "{text}");
        }
    }

    #[test]
    fn many_faults_in_a_member_with_a_long_name_take_little_memory() {
        let name = "n".repeat(100_000);
        let values = Datum::Array(vec![Datum::NonFinite; 10_000]);
        let faults = Datum::Object(vec![(name.into(), values)]).faults();
        assert_eq!(faults.len(), 10_000);
        let bytes: usize = faults.iter().map(|(place, _)| place.len()).sum();
        assert!(bytes < 100_100 * MOST_POINTERS, "{bytes}");
    }

    #[test]
    fn a_value_is_faulty_if_it_has_a_fault_at_any_depth() {
        let list = |value: Datum<'static>| Datum::Array(vec![Datum::Null, value]);
        let nested =
            |value| Datum::Object(vec![("a".into(), Datum::Absent), ("b".into(), list(value))]);
        for (value, is_faulty) in [
            (Datum::NonFinite, true),
            (Datum::Contradicted, true),
            (Datum::Float(1.0), false),
            (Datum::Text("NaN".into()), false),
        ] {
            for value in [value.clone(), list(value.clone()), nested(value)] {
                assert_eq!(value.is_faulty(), is_faulty, "{value:?}");
                assert_eq!(!value.faults().is_empty(), is_faulty, "{value:?}");
            }
        }
    }

    #[test]
    fn long_integers_keep_their_digits() {
        let mut text = String::new();
        Datum::BigInt("-123456789012345678901234567890".into()).write_json(&mut text);
        assert_eq!(text, "-123456789012345678901234567890");
    }
}
