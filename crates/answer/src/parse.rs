//! Parses JSON text.
//!
//! The parser is jiter, the one behind pydantic, so that the programs that Quarry replaces and
//! Quarry accept the same JSON: raw control characters, lone surrogate escapes, leading zeros and
//! trailing commas are refused, integers keep all their digits, and `NaN` and `Infinity` are read
//! (they are refused by name later, see [`crate::coerce`]). The parser also stops at the end of a
//! value, so the object at the start of a text is found by parsing, not by counting braces.
//!
//! Limits: 200 levels of nesting and integers of 4,300 digits, both jiter's.

use crate::work::looked_at;
use jiter::{Jiter, JiterErrorType, JsonValue};
use std::fmt;

/// A value and the end of its text.
#[derive(Debug)]
pub(crate) struct Parsed<'t> {
    /// The value at the start of the text.
    pub(crate) value: JsonValue<'t>,
    /// Offset of the first byte after the value.
    pub(crate) end: usize,
}

/// Why a text does not start with a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotJson {
    /// Offset within the text, in bytes.
    pub(crate) byte: usize,
    /// What is wrong there.
    pub(crate) reason: String,
}

impl fmt::Display for NotJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "byte {}: {}", self.byte, self.reason)
    }
}

/// Parses the value at the start of a text, after JSON whitespace.
pub(crate) fn parse_prefix(text: &str) -> Result<Parsed<'_>, NotJson> {
    let mut parser = Jiter::new(text.as_bytes()).with_allow_inf_nan();
    let value = parser.next_value();
    looked_at(match &value {
        Ok(_) => parser.current_index(),
        Err(error) => error.index,
    });
    match value {
        Ok(value) => Ok(Parsed {
            value,
            end: parser.current_index(),
        }),
        Err(error) => Err(NotJson {
            byte: error.index,
            reason: match error.error_type {
                JiterErrorType::JsonError(kind) => kind.to_string(),
                wrong_type @ JiterErrorType::WrongType { .. } => wrong_type.to_string(),
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_ends_where_its_text_ends() {
        let text = "{\"a\":\"}\\\"\"} // done";
        assert_eq!(parse_prefix(text).expect("object").end, 11);
    }

    #[test]
    fn what_is_json_follows_jiter() {
        for text in [
            "{\"a\":NaN}",
            "{\"a\":-Infinity}",
            "{\"a\":123456789012345678901234567890}",
            "{\"a\":1,\"a\":2}",
        ] {
            assert!(parse_prefix(text).is_ok(), "{text}");
        }
        for text in [
            "{\"a\":\"\t\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":01}",
            "{\"a\":1,}",
            "{'a':1}",
            "{\"a\":1",
            "",
        ] {
            assert!(parse_prefix(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_a_crash() {
        let deep = "[".repeat(100_000);
        assert!(parse_prefix(&deep).is_err());
    }
}
