//! Reads objects of an output in their usual form, with [`PlainMembers`]. Whatever is unusual gives `None`, and the caller
//! reads the same text with serde, which also knows what is wrong with it.

use super::lenient::LenientText;
use crate::object::Object;
use crate::usage::Count;
use crate::walk::{PlainItems, PlainMembers, plain_text};
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The JSON text of a value that is parsed later, or never.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonText<'a>(pub(super) &'a str);

impl<'de: 'a, 'a> Deserialize<'de> for JsonText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|json| Self(json.get()))
    }
}

/// Returns the JSON texts of an object's members with these names, `None` for a name that is missing. `None` instead of
/// all if one of them comes twice, or the object is not plain.
pub(super) fn members_named<'a, const N: usize>(
    json: &'a str,
    names: [&str; N],
) -> Option<[Option<JsonText<'a>>; N]> {
    let mut members = PlainMembers::of(json)?;
    let mut values = [None; N];
    while let Some((name, value)) = members.next_member().ok()? {
        if let Some(place) = names.iter().position(|known| *known == name)
            && values[place].replace(JsonText(value)).is_some()
        {
            return None;
        }
    }
    Some(values)
}

/// Returns the value of a member that may be null, which counts as missing.
pub(super) fn present(value: Option<JsonText<'_>>) -> Option<JsonText<'_>> {
    value.filter(|json| json.0 != "null")
}

/// What the value of a member becomes that may be null or missing.
pub(super) trait PlainMember<'a>: Sized {
    /// Reads the value; `None` if it is of another kind.
    #[expect(
        clippy::option_option,
        reason = "a missing value is not one that cannot be read"
    )]
    fn read(value: Option<JsonText<'a>>) -> Option<Option<Self>>;
}

impl<'a> PlainMember<'a> for JsonText<'a> {
    fn read(value: Option<JsonText<'a>>) -> Option<Option<Self>> {
        Some(present(value))
    }
}

impl<'a> PlainMember<'a> for LenientText<'a> {
    fn read(value: Option<JsonText<'a>>) -> Option<Option<Self>> {
        let Some(JsonText(json)) = present(value) else {
            return Some(None);
        };
        match plain_text(json) {
            Some(text) => Some(Some(Self(Cow::Borrowed(text)))),
            None => serde_json::from_str(json).ok(),
        }
    }
}

/// Only text without escapes.
impl<'a> PlainMember<'a> for Cow<'a, str> {
    fn read(value: Option<JsonText<'a>>) -> Option<Option<Self>> {
        match present(value) {
            None => Some(None),
            Some(json) => plain_text(json.0).map(|text| Some(Cow::Borrowed(text))),
        }
    }
}

impl<'a> PlainMember<'a> for Count {
    fn read(value: Option<JsonText<'a>>) -> Option<Option<Self>> {
        Self::of_json(present(value).map(|json| json.0))
    }
}

/// Reads a list of objects, each with `read_plain`; `None` if that gives `None` for one of them.
pub(super) fn plain_objects<'a, T>(
    JsonText(list): JsonText<'a>,
    read_plain: impl Fn(&'a str) -> Option<T>,
) -> Option<Vec<T>> {
    let mut items = PlainItems::of(list)?;
    let mut objects = Vec::new();
    while let Some(item) = items.next_item().ok()? {
        objects.push(read_plain(item)?);
    }
    Some(objects)
}

/// Reads a list of objects, with `read_plain` if it can read them all, and with serde otherwise.
pub(super) fn objects_of<'a, T: Deserialize<'a>>(
    list: JsonText<'a>,
    read_plain: impl Fn(&'a str) -> Option<T>,
) -> Result<Vec<T>, serde_json::Error> {
    if let Some(objects) = plain_objects(list, read_plain) {
        return Ok(objects);
    }
    let objects: Vec<Object<T>> = serde_json::from_str(list.0)?;
    Ok(objects.into_iter().map(|Object(object)| object).collect())
}
