//! When two values of a property agree.

use serde_json::Value;

/// Two numbers that differ by less than this share of the larger one, or of 1, are equal.
const TOLERANCE: f64 = 1e-9;

/// Returns a cell's value: `None` for a cell without one. `True` and `False`, as CSV has them, become
/// `true` and `false`.
pub(crate) fn value(cell: Option<&str>) -> Option<&str> {
    match cell {
        Some("") | None => None,
        Some("True") => Some("true"),
        Some("False") => Some("false"),
        other => other,
    }
}

/// Whether two values are the same: the same text, the same number, or the same JSON list or object.
pub(crate) fn agree(a: Option<&str>, b: Option<&str>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return a.is_none() && b.is_none();
    };
    a == b || are_equal_numbers(a, b) || are_equal_documents(a, b)
}

fn are_equal_numbers(a: &str, b: &str) -> bool {
    let is_integer = |text: &str| !text.contains(['.', 'e', 'E']);
    if is_integer(a) && is_integer(b) {
        return false;
    }
    match (number(a), number(b)) {
        (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1.0),
        _ => false,
    }
}

fn are_equal_documents(a: &str, b: &str) -> bool {
    let document = |text: &str| -> Option<Value> {
        text.starts_with(['{', '['])
            .then(|| serde_json::from_str(text).ok())
            .flatten()
    };
    document(a).is_some_and(|a| document(b) == Some(a))
}

/// Returns the number that a text is, in the form that JSON has for numbers. A text such as `007` is
/// no number.
pub fn number(text: &str) -> Option<f64> {
    if !text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return None;
    }
    let number: f64 = serde_json::from_str(text).ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_agree_by_their_meaning_and_not_by_how_they_are_written() {
        for (a, b, expected) in [
            ("gull", "gull", true),
            ("gull", "Gull", false),
            ("1", "1.0", true),
            ("0.3", "0.30000000000000004", true),
            ("0.3", "0.31", false),
            ("007", "7", false),
            ("9007199254740993", "9007199254740992", false),
            (r#"{"a": 1, "b": []}"#, r#"{"b":[],"a":1}"#, true),
            ("[1,2]", "[2,1]", false),
            ("[1", "[1 ", false),
        ] {
            assert_eq!(agree(Some(a), Some(b)), expected, "{a} and {b}");
        }
        assert!(agree(value(Some("True")), value(Some("true"))));
        assert!(agree(value(Some("")), value(None)));
        assert!(!agree(value(Some("x")), value(None)));
    }
}
