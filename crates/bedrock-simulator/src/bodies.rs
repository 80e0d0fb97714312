//! Reads the bodies of a job's records one after the other.
//!
//! They mostly differ in one member, the prompt, and most of their text is the same schema or list of tools. So
//! a body is read into the value of the one before it, and only members whose text differs are read.

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;

/// The body that was read last.
#[derive(Debug, Default)]
pub(crate) struct Bodies {
    /// The JSON texts of its members, in their order.
    texts: Vec<String>,
    /// An object with these members.
    body: Value,
}

impl Bodies {
    /// Returns the value of a JSON object.
    pub(crate) fn read(&mut self, text: &str) -> Result<&Value, serde_json::Error> {
        let members: IndexMap<String, &RawValue> = serde_json::from_str(text)?;
        match &mut self.body {
            Value::Object(body) if members.keys().eq(body.keys()) => {
                let old = self.texts.iter_mut().zip(body.values_mut());
                for ((text, value), new) in old.zip(members.values()) {
                    if text != new.get() {
                        *value = serde_json::from_str(new.get())?;
                        new.get().clone_into(text);
                    }
                }
            }
            other => {
                *other = serde_json::from_str(text)?;
                self.texts = members.values().map(|json| json.get().to_owned()).collect();
            }
        }
        Ok(&self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_same_whatever_body_was_read_before() {
        let mut bodies = Bodies::default();
        for text in [
            r#"{"messages": ["a"], "tools": [{"name": "t"}], "max_tokens": 7}"#,
            r#"{"messages": ["b"], "tools": [{"name": "t"}], "max_tokens": 7}"#,
            r#"{"messages": ["b"], "tools": [{"name": "u"}], "max_tokens": 7.0}"#,
            r#"{"tools": [{"name": "u"}], "messages": ["b"], "max_tokens": 7.0}"#,
            r#"{"tools": [{"name": "u"}], "messages": ["b"]}"#,
            r#"{"tools": 1, "messages": 2, "tools": 3}"#,
            r#"{"tools": 1, "messages": 4, "tools": 1}"#,
            "{}",
            r#"{"prompt": "x"}"#,
        ] {
            let alone: Value = serde_json::from_str(text).unwrap();
            let read = bodies.read(text).unwrap();
            assert_eq!(read.to_string(), alone.to_string());
        }
    }

    #[test]
    fn a_body_that_cannot_be_read_changes_none_that_follows() {
        let mut bodies = Bodies::default();
        bodies.read(r#"{"a": "x", "b": 1}"#).unwrap();
        for text in [
            r#"{"a": "\ud800", "b": 2}"#,
            r#"{"a": "y", "b": 1e999}"#,
            "{\"a\"",
            "[]",
        ] {
            assert!(bodies.read(text).is_err(), "{text}");
        }
        let read = bodies.read(r#"{"a": "y", "b": 2}"#).unwrap();
        assert_eq!(read.to_string(), r#"{"a":"y","b":2}"#);
        let read = bodies.read(r#"{"a": "x", "b": 1}"#).unwrap();
        assert_eq!(read.to_string(), r#"{"a":"x","b":1}"#);
    }
}
