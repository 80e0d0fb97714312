//! JSON that many requests share: schemas and lists of tools.
//!
//! All records of a job have the same ones. What follows from them (a hash, tokens, a validator) is found once,
//! and a later record only compares its JSON with the known one.

use crate::hash::hash;
use crate::schema::{needs_check, validator};
use crate::tokens;
use jsonschema::Validator;
use serde_json::Value;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A JSON value, with what follows from it.
#[derive(Debug)]
pub(crate) struct KnownJson {
    value: Value,
    hash: u64,
    input_tokens: u64,
    /// Whether values that are made for this schema have to be validated.
    needs_check: bool,
    follows_the_draft: OnceLock<bool>,
    /// Nothing, if the schema cannot be read.
    validator: OnceLock<Option<Validator>>,
}

/// Two values are equal if their texts are.
impl PartialEq for KnownJson {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl KnownJson {
    pub(crate) fn new(value: Value) -> Self {
        let text = value.to_string();
        Self {
            hash: hash(text.as_bytes()),
            input_tokens: tokens::input_tokens(&text),
            needs_check: needs_check(&value),
            follows_the_draft: OnceLock::new(),
            validator: OnceLock::new(),
            value,
        }
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the hash of the JSON text.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// Returns the tokens of the JSON text, see [`tokens::input_tokens`].
    pub(crate) fn input_tokens(&self) -> u64 {
        self.input_tokens
    }

    /// Whether it is a schema of draft 2020-12 of JSON Schema.
    pub(crate) fn follows_the_draft(&self) -> bool {
        *self
            .follows_the_draft
            .get_or_init(|| jsonschema::draft202012::meta::is_valid(&self.value))
    }

    /// Whether the schema accepts the value. A schema that cannot be read accepts none.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        self.validator()
            .is_some_and(|validator| validator.is_valid(value))
    }

    /// Returns the validator for values that are made for this schema, if they need one.
    pub(crate) fn check(&self) -> Option<&Validator> {
        self.needs_check.then(|| self.validator())?
    }

    fn validator(&self) -> Option<&Validator> {
        let validator = self.validator.get_or_init(|| validator(&self.value));
        validator.as_ref()
    }
}

/// The last values that requests had.
#[derive(Debug, Default)]
pub(crate) struct KnownJsons {
    /// The value that was used last stands first.
    known: Mutex<Vec<Arc<KnownJson>>>,
}

impl KnownJsons {
    /// The most values that are remembered. Each of them may be compared with each request.
    const MAX_KNOWN: usize = 32;

    /// Returns what is known of `value`.
    pub(crate) fn of(&self, value: &Value) -> Arc<KnownJson> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().position(|one| is_same(&one.value, value));
        let one = match found {
            Some(place) => known.remove(place),
            None => Arc::new(KnownJson::new(value.clone())),
        };
        known.truncate(Self::MAX_KNOWN - 1);
        known.insert(0, Arc::clone(&one));
        one
    }
}

/// Whether two values have the same text. Unlike `==`, it heeds the order of members, and needs no search for
/// them.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|((name, value), (also, other))| name == also && is_same(value, other))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_examined_once_while_it_is_in_use() {
        let known = KnownJsons::default();
        let first = known.of(&json!({"type": "object"}));
        for number in 0..100 {
            known.of(&json!({"const": number}));
            let again = known.of(&json!({"type": "object"}));
            assert!(Arc::ptr_eq(&first, &again), "{number}");
        }
        let kept = known.known.lock().unwrap().len();
        assert_eq!(kept, KnownJsons::MAX_KNOWN);
    }

    #[test]
    fn values_whose_texts_differ_are_different() {
        let known = KnownJsons::default();
        for (one, other) in [
            (json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1})),
            (json!([{"a": [1]}]), json!([{"a": [2]}])),
            (json!([1]), json!([1, 1])),
            (json!(1), json!(1.0)),
        ] {
            let (one, other) = (known.of(&one), known.of(&other));
            assert!(!Arc::ptr_eq(&one, &other));
            assert_ne!(one.hash(), other.hash());
        }
    }
}
