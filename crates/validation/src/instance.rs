//! Lets the JSON Schema validator read a [`Datum`] tree directly, without conversion, and counts how
//! often it looks at a value ([`crate::effort`]).

use crate::datum::Datum;
use crate::effort::Looks;
use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

/// The longest value that a violation holds, in bytes of JSON. Longer ones are left out of
/// messages.
pub(crate) const LONGEST_SHOWN: usize = 300;

/// What a violation holds in place of a longer value: a text that is longer too.
static TOO_LONG: LazyLock<Value> = LazyLock::new(|| Value::String("…".repeat(LONGEST_SHOWN)));

/// How many names of an object cost as much as one look when one of them is searched.
const NAMES_PER_LOOK: usize = 64;

/// How many looks a message counts as.
const LOOKS_PER_MESSAGE: u64 = 128;

/// A value of an answer, at which the validator looks a limited number of times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instance<'a> {
    datum: &'a Datum<'a>,
    /// `None`: as often as it likes.
    looks: Option<&'a Looks>,
}

impl<'a> Instance<'a> {
    pub(crate) const fn new(datum: &'a Datum<'a>, looks: &'a Looks) -> Self {
        Self {
            datum,
            looks: Some(looks),
        }
    }

    /// Returns the value, or null if the looks are used up.
    fn look(self) -> &'a Datum<'a> {
        if self.looks.is_none_or(|looks| looks.take(1)) {
            self.datum
        } else {
            &Datum::Null
        }
    }
}

/// Represents instances as [`Datum`] trees.
#[derive(Debug)]
pub(crate) struct DatumJson;

impl Json for DatumJson {
    type Node<'a> = Instance<'a>;
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
        f(Instance {
            datum: &buffer.0,
            looks: None,
        })
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

impl<'a> Node<'a, DatumJson> for Instance<'a> {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = DatumNumber<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        match self.look() {
            Datum::Object(members) => Some(Members {
                all: members,
                looks: self.looks,
            }),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<Items<'a>> {
        match self.look() {
            Datum::Array(items) => Some(Items {
                all: items,
                looks: self.looks,
            }),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self.look() {
            Datum::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<DatumNumber<'a>> {
        match self.look() {
            Datum::Int(number) => Some(DatumNumber::Int(*number)),
            Datum::BigInt(digits) => Some(DatumNumber::BigInt(digits)),
            Datum::Float(number) => Some(DatumNumber::Float(*number)),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self.look() {
            Datum::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        self.json_type() == JsonType::Null
    }

    fn json_type(&self) -> JsonType {
        match self.look() {
            Datum::Absent | Datum::Null | Datum::NonFinite | Datum::Contradicted => JsonType::Null,
            Datum::Bool(_) => JsonType::Boolean,
            Datum::Int(_) | Datum::BigInt(_) | Datum::Float(_) => JsonType::Number,
            Datum::Text(_) => JsonType::String,
            Datum::Array(_) => JsonType::Array,
            Datum::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self.look(), expected) {
            // An `enum` of texts is the common case; the text is not copied.
            (Datum::Text(text), Value::String(expected)) => text == expected,
            (Datum::Text(_), _) | (_, Value::String(_)) => false,
            (datum, _) => jsonschema::json::cmp::equal(&datum.to_value(), expected),
        }
    }

    /// Only for messages.
    fn to_value(&self) -> Cow<'a, Value> {
        if let Some(looks) = self.looks {
            looks.take(LOOKS_PER_MESSAGE);
        }
        let mut left = LONGEST_SHOWN;
        if is_within(self.datum, &mut left) {
            Cow::Owned(self.datum.to_value())
        } else {
            Cow::Borrowed(&*TOO_LONG)
        }
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(
            std::ptr::from_ref::<Datum<'a>>(self.datum).addr(),
        ))
    }
}

/// Returns the number of values in a value.
fn values_of(datum: &Datum<'_>) -> u64 {
    match datum {
        Datum::Array(items) => 1 + items.iter().map(values_of).sum::<u64>(),
        Datum::Object(members) => {
            1 + members
                .iter()
                .map(|(_, value)| values_of(value))
                .sum::<u64>()
        }
        _ => 1,
    }
}

/// Whether the JSON of a value may be at most as long as the bytes that are left.
fn is_within(datum: &Datum<'_>, left: &mut usize) -> bool {
    let mut spend = |bytes: usize| {
        let rest = left.checked_sub(bytes);
        *left = rest.unwrap_or_default();
        rest.is_some()
    };
    match datum {
        Datum::Text(text) => spend(text.len() + 2),
        Datum::BigInt(digits) => spend(digits.len().min(LONGEST_SHOWN)),
        Datum::Array(items) => spend(2) && items.iter().all(|item| is_within(item, left)),
        Datum::Object(members) => {
            spend(2)
                && members.iter().all(|(name, value)| {
                    let name = name.len() + 3;
                    *left >= name && {
                        *left -= name;
                        is_within(value, left)
                    }
                })
        }
        _ => spend(1),
    }
}

/// The members of an object that are present.
#[derive(Clone)]
pub(crate) struct Members<'a> {
    all: &'a [(Cow<'a, str>, Datum<'a>)],
    looks: Option<&'a Looks>,
}

impl<'a> Object<'a, DatumJson> for Members<'a> {
    type Node = Instance<'a>;
    type MemberName = &'a str;
    type MembersIter = Self;

    fn len(&self) -> usize {
        self.all
            .iter()
            .filter(|(_, value)| !matches!(value, Datum::Absent))
            .count()
    }

    fn get(&self, key: &String) -> Option<Instance<'a>> {
        if let Some(looks) = self.looks {
            let passed = self.all.len() / NAMES_PER_LOOK;
            if !looks.take(1 + passed as u64) {
                return None;
            }
        }
        let (_, datum) = self
            .all
            .iter()
            .find(|(name, value)| !matches!(value, Datum::Absent) && name == key)?;
        Some(Instance {
            datum,
            looks: self.looks,
        })
    }

    fn members(&self) -> Self {
        self.clone()
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Instance<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let ((name, datum), rest) = self.all.split_first()?;
            self.all = rest;
            if self.looks.is_some_and(|looks| !looks.take(1)) {
                return None;
            }
            if !matches!(datum, Datum::Absent) {
                let looks = self.looks;
                return Some((name, Instance { datum, looks }));
            }
        }
    }
}

/// The items of a list.
#[derive(Clone)]
pub(crate) struct Items<'a> {
    all: &'a [Datum<'a>],
    looks: Option<&'a Looks>,
}

impl<'a> Array<'a, DatumJson> for Items<'a> {
    type Node = Instance<'a>;
    type ElementsIter = Self;

    fn len(&self) -> usize {
        self.all.len()
    }

    fn elements(&self) -> Self {
        self.clone()
    }

    fn is_unique(&self) -> bool {
        let looks = self.all.iter().map(values_of).sum();
        if self.looks.is_some_and(|left| !left.take(looks)) {
            return true;
        }
        let values: Vec<Value> = self.all.iter().map(Datum::to_value).collect();
        jsonschema::json::unique::is_unique(&values)
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Instance<'a>;

    fn next(&mut self) -> Option<Instance<'a>> {
        let (datum, rest) = self.all.split_first()?;
        self.all = rest;
        let looks = self.looks;
        looks
            .is_none_or(|looks| looks.take(1))
            .then_some(Instance { datum, looks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonschema::json::conformance::{assert_conformance, document};
    use serde_json::json;

    fn endless<'a>(datum: &'a Datum<'a>) -> Instance<'a> {
        Instance { datum, looks: None }
    }

    fn datum(value: &Value) -> Datum<'_> {
        match value {
            Value::Null => Datum::Null,
            Value::Bool(flag) => Datum::Bool(*flag),
            Value::Number(number) => match number.as_i64() {
                Some(number) => Datum::Int(number),
                None if number.is_f64() => Datum::Float(number.as_f64().expect("a float")),
                None => Datum::BigInt(number.to_string()),
            },
            Value::String(text) => Datum::Text(Cow::Borrowed(text)),
            Value::Array(items) => Datum::Array(items.iter().map(datum).collect()),
            Value::Object(members) => {
                let members = members.iter();
                Datum::Object(
                    members
                        .map(|(name, value)| (name.into(), datum(value)))
                        .collect(),
                )
            }
        }
    }

    #[test]
    fn the_validator_sees_what_it_must() {
        let document = document();
        let datum = datum(&document);
        assert_conformance::<DatumJson>(&endless(&datum));
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
        assert!(validator.is_valid(endless(&datum)));
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
            assert_eq!(validator.is_valid(endless(&datum)), holds, "{schema}");
        }
    }
}
