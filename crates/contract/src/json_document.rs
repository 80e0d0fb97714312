//! Reads JSON that people write (prompts, schemas, requests), so that nothing in it is lost without
//! a word: a key that is given twice is an error, because one of its values would not count.

use crate::byte_order_mark::without_mark;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Reads a document, which may begin with a byte order mark.
///
/// # Errors
///
/// It is not JSON, or an object in it has a key twice; with line and column.
pub fn read_document(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<UniqueKeys>(without_mark(bytes)).map(|UniqueKeys(value)| value)
}

/// A JSON value whose objects have no key twice.
struct UniqueKeys(Value);

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueKeysVisitor).map(Self)
    }
}

struct UniqueKeysVisitor;

impl<'de> Visitor<'de> for UniqueKeysVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(UniqueKeys(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if object.contains_key(&key) {
                let shown = &key[..key.floor_char_boundary(LONGEST_SHOWN)];
                return Err(de::Error::custom(format!(
                    "the key `{shown}` is given twice, and one of its values would not count"
                )));
            }
            let UniqueKeys(value) = access.next_value()?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// The longest part of a key in a message, in bytes.
const LONGEST_SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_given_twice_is_an_error_at_any_depth() {
        for (text, place) in [
            (r#"{"a": 1, "a": 2}"#, "`a` is given twice"),
            (
                "{\"x\": [{\"b\": 1,\n\"\\u0062\": 2}]}",
                "`b` is given twice, and one of its values would not count at line 2 column 8",
            ),
        ] {
            let error = read_document(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(place), "{error}");
        }
    }

    #[test]
    fn everything_else_is_read_as_serde_reads_it() {
        for text in [
            r#"{"a": [1, -2, 1.5, 1e300, 18446744073709551615, null, true, "x\n"], "": {}}"#,
            "[]",
            "\"x\"",
            "7",
        ] {
            let read = read_document(text.as_bytes()).unwrap();
            assert_eq!(read, serde_json::from_str::<Value>(text).unwrap());
        }
        assert!(read_document(b"\xEF\xBB\xBF{}").is_ok());
        for broken in ["", "{", "{} {}", &"[".repeat(100_000)] {
            assert!(read_document(broken.as_bytes()).is_err());
        }
    }
}
