//! Lets the JSON Schema validator read a [`Datum`] tree directly, without conversion.

use crate::datum::Datum;
use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use serde_json::{Number, Value};
use std::borrow::Cow;

/// Represents instances as [`Datum`] trees.
#[derive(Debug)]
pub(crate) struct DatumJson;

impl Json for DatumJson {
    type Node<'a> = &'a Datum<'a>;
    type PreparedKey = String;
    type StringBuffer = StringNode;

    // Members are a list: walking it once is faster than searching each name in it.
    const KEYS_PER_LOOKUP: usize = 4;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(
        buffer: &mut StringNode,
        string: &str,
        f: impl FnOnce(Self::Node<'_>) -> T,
    ) -> T {
        buffer.0 = Datum::Text(Cow::Owned(string.to_owned()));
        f(&buffer.0)
    }
}

/// Holds the property name that `propertyNames` validates.
pub(crate) struct StringNode(Datum<'static>);

impl Default for StringNode {
    fn default() -> Self {
        Self(Datum::Null)
    }
}

/// A number of a [`Datum`].
pub(crate) enum DatumNumber<'a> {
    Int(i64),
    BigInt(&'a str),
    Float(f64),
}

impl JsonNumber for DatumNumber<'_> {
    fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::BigInt(digits) => digits.parse().ok(),
            Self::Float(_) => None,
        }
    }

    fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::BigInt(_) | Self::Float(_) => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the nearest float is what is asked for"
            )]
            Self::Int(number) => Some(*number as f64),
            Self::BigInt(digits) => digits.parse().ok(),
            Self::Float(number) => Some(*number),
        }
    }

    fn as_str(&self) -> Cow<'_, str> {
        match self {
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::BigInt(digits) => Cow::Borrowed(digits),
            Self::Float(_) => Cow::Owned(self.to_number().to_string()),
        }
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(match self {
            Self::Int(number) => Number::from(*number),
            Self::BigInt(_) | Self::Float(_) => self
                .as_f64()
                .and_then(Number::from_f64)
                .unwrap_or_else(|| Number::from(0)),
        })
    }

    fn is_integer(&self) -> bool {
        match self {
            Self::Int(_) | Self::BigInt(_) => true,
            Self::Float(number) => number.fract() == 0.0,
        }
    }

    fn is_written_as_integer(&self) -> bool {
        !matches!(self, Self::Float(_))
    }
}

impl<'a> Node<'a, DatumJson> for &'a Datum<'a> {
    type Object = &'a [(Cow<'a, str>, Datum<'a>)];
    type Array = &'a [Datum<'a>];
    type Number = DatumNumber<'a>;

    fn as_object(&self) -> Option<Self::Object> {
        match self {
            Datum::Object(members) => Some(members),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<Self::Array> {
        match self {
            Datum::Array(items) => Some(items),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Datum::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<DatumNumber<'a>> {
        match self {
            Datum::Int(number) => Some(DatumNumber::Int(*number)),
            Datum::BigInt(digits) => Some(DatumNumber::BigInt(digits)),
            Datum::Float(number) => Some(DatumNumber::Float(*number)),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Datum::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        self.json_type() == JsonType::Null
    }

    fn json_type(&self) -> JsonType {
        match self {
            Datum::Absent | Datum::Null | Datum::NonFinite | Datum::Contradicted => JsonType::Null,
            Datum::Bool(_) => JsonType::Boolean,
            Datum::Int(_) | Datum::BigInt(_) | Datum::Float(_) => JsonType::Number,
            Datum::Text(_) => JsonType::String,
            Datum::Array(_) => JsonType::Array,
            Datum::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self, expected) {
            // An `enum` of texts is the common case; the text is not copied.
            (Datum::Text(text), Value::String(expected)) => text == expected,
            (Datum::Text(_), _) | (_, Value::String(_)) => false,
            _ => jsonschema::json::cmp::equal(&Datum::to_value(self), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(Datum::to_value(self))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(
            std::ptr::from_ref::<Datum<'a>>(self).addr(),
        ))
    }
}

impl<'a> Object<'a, DatumJson> for &'a [(Cow<'a, str>, Datum<'a>)] {
    type Node = &'a Datum<'a>;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        self.members().count()
    }

    fn get(&self, key: &String) -> Option<&'a Datum<'a>> {
        self.members()
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    fn members(&self) -> Members<'a> {
        Members(self.iter())
    }
}

/// The members that are present.
pub(crate) struct Members<'a>(std::slice::Iter<'a, (Cow<'a, str>, Datum<'a>)>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a Datum<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0
            .by_ref()
            .find(|(_, value)| !matches!(value, Datum::Absent))
            .map(|(name, value)| (name.as_ref(), value))
    }
}

impl<'a> Array<'a, DatumJson> for &'a [Datum<'a>] {
    type Node = &'a Datum<'a>;
    type ElementsIter = std::slice::Iter<'a, Datum<'a>>;

    fn len(&self) -> usize {
        <[Datum<'a>]>::len(self)
    }

    fn elements(&self) -> Self::ElementsIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coerce::keep;
    use crate::parse::parse_prefix;
    use jsonschema::json::conformance::{assert_conformance, document};
    use serde_json::json;

    #[test]
    fn the_validator_sees_what_it_must() {
        let text = document().to_string();
        let datum = keep(parse_prefix(&text).expect("JSON").value);
        assert_conformance::<DatumJson>(&&datum);
    }

    #[test]
    fn absent_members_are_missing_from_the_object() {
        let datum = Datum::Object(vec![
            ("a".into(), Datum::Absent),
            ("b".into(), Datum::Int(1)),
        ]);
        let validator = jsonschema::options_for::<DatumJson>()
            .build(&json!({"maxProperties": 1, "required": ["b"], "properties": {"a": false}}))
            .expect("valid schema");
        assert!(validator.is_valid(&datum));
    }

    #[test]
    fn integers_beyond_64_bits_are_integers() {
        let datum = Datum::BigInt("123456789012345678901234567890".into());
        for (schema, holds) in [
            (json!({"type": "integer"}), true),
            (json!({"minimum": 1e29}), true),
            (json!({"maximum": 1e29}), false),
            (json!({"type": "string"}), false),
        ] {
            let validator = jsonschema::options_for::<DatumJson>()
                .build(&schema)
                .expect("valid schema");
            assert_eq!(validator.is_valid(&datum), holds, "{schema}");
        }
    }
}
