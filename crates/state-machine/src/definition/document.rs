//! Reads a definition's JSON so that nothing in it is missed: repeated keys are an error, and
//! fields that the interpreter does not read are reported.

use super::problem::Problems;
use crate::path::kind_of;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;
use std::ops::RangeInclusive;

/// A JSON value whose objects have no key twice.
pub(super) struct StrictJson(pub(super) Value);

impl<'de> Deserialize<'de> for StrictJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
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
        while let Some(StrictJson(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format!("the key `{key}` is given twice")));
            }
            let StrictJson(value) = access.next_value()?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// The fields of one object of the definition, taken one by one. The remaining ones are reported.
pub(crate) struct FieldReader<'a> {
    path: String,
    object: &'a Map<String, Value>,
    asked: Vec<&'static str>,
}

impl<'a> FieldReader<'a> {
    pub(super) fn of(value: &'a Value, path: &str, problems: &mut Problems) -> Option<Self> {
        match value {
            Value::Object(object) => Some(Self {
                path: path.to_owned(),
                object,
                asked: Vec::new(),
            }),
            other => {
                problems.add(path, format!("must be an object, not {}", kind_of(other)));
                None
            }
        }
    }

    /// Returns the place of a field in the definition.
    pub(crate) fn at(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Returns the place of this object in the definition.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        self.asked.push(name);
        self.object.get(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    pub(super) fn is_null(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(Value::is_null)
    }

    pub(crate) fn required(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<&'a Value> {
        let value = self.take(name);
        if value.is_none() {
            problems.add(&self.at(name), "is missing");
        }
        value
    }

    pub(super) fn text(&mut self, name: &'static str, problems: &mut Problems) -> Option<&'a str> {
        let value = self.take(name)?;
        let text = value.as_str();
        if text.is_none() {
            let message = format!("must be text, not {}", kind_of(value));
            problems.add(&self.at(name), message);
        }
        text
    }

    pub(super) fn required_text(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<&'a str> {
        if !self.has(name) {
            self.required(name, problems);
            return None;
        }
        self.text(name, problems)
    }

    pub(super) fn integer(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
        problems: &mut Problems,
    ) -> Option<u64> {
        let value = self.take(name)?;
        let integer = value.as_u64().filter(|integer| range.contains(integer));
        if integer.is_none() {
            let message = format!(
                "must be an integer from {} to {}, not {value}",
                range.start(),
                range.end()
            );
            problems.add(&self.at(name), message);
        }
        integer
    }

    /// Takes a `Comment`. Any object may have one, and the interpreter ignores it.
    pub(super) fn comment(&mut self, problems: &mut Problems) {
        self.text("Comment", problems);
    }

    /// Reports every field that was not taken.
    pub(super) fn refuse_rest(self, problems: &mut Problems) {
        for name in self.object.keys() {
            if !self.asked.contains(&name.as_str()) {
                let mut supported = self.asked.clone();
                supported.sort_unstable();
                let message = format!(
                    "this field is not supported here (supported: {})",
                    supported.join(", ")
                );
                problems.add(&self.at(name), message);
            }
        }
    }
}
