//! Reads JSON so that structs come from objects only, at any depth.
//!
//! A struct that derives `Deserialize` is also read from an array, member by member in the order of
//! its declaration. A person who writes an array means something else, and such a reading would
//! give a value that nobody wrote.
//!
//! Tuples and lists are arrays as usual.

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde_json::Value;
use std::fmt;

/// Why a JSON value cannot be read, and where.
#[derive(Debug)]
pub struct MemberError {
    /// The members that lead to the place, e.g. `request.settings`; empty for the value itself.
    pub path: String,
    /// What is wrong there.
    pub reason: serde_json::Error,
}

impl fmt::Display for MemberError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(out, "{}", self.reason)
        } else {
            write!(out, "`{}`: {}", self.path, self.reason)
        }
    }
}

impl std::error::Error for MemberError {}

/// Reads a value. The error has the path of the member that cannot be read; if a member is missing,
/// the path of the object that lacks it.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, MemberError> {
    serde_path_to_error::deserialize(ByName(value)).map_err(|error| {
        let path = error.path().to_string();
        MemberError {
            path: if path == "." { String::new() } else { path },
            reason: error.into_inner(),
        }
    })
}

/// Reads a text. The error has the line and the column.
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = T::deserialize(ByName(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// Passes every call on to what it wraps, except that a struct is requested as a map.
struct ByName<T>(T);

/// The visitor of a struct. It describes what it expects in terms of JSON, not of Rust.
struct StructVisitor<V>(V);

macro_rules! requests {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(ByName(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ByName<D> {
    type Error = D::Error;

    requests! {
        deserialize_any deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option deserialize_unit deserialize_seq
        deserialize_map deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(StructVisitor(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, ByName(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, ByName(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(length, ByName(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_tuple_struct(name, length, ByName(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, ByName(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! values {
    ($($method:ident $type:ty,)*) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ByName<V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(out)
    }

    values! {
        visit_bool bool,
        visit_i8 i8, visit_i16 i16, visit_i32 i32, visit_i64 i64, visit_i128 i128,
        visit_u8 u8, visit_u16 u16, visit_u32 u32, visit_u64 u64, visit_u128 u128,
        visit_f32 f32, visit_f64 f64, visit_char char,
        visit_str &str, visit_borrowed_str &'de str, visit_string String,
        visit_bytes &[u8], visit_borrowed_bytes &'de [u8], visit_byte_buf Vec<u8>,
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(ByName(value))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(ByName(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(ByName(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(ByName(members))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(ByName(variant))
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for StructVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(ByName(members))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for ByName<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(ByName(value))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for ByName<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(ByName(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ByName<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(ByName(seed))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(ByName(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for ByName<A> {
    type Error = A::Error;
    type Variant = ByName<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.0.variant_seed(ByName(seed))?;
        Ok((value, ByName(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for ByName<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(ByName(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(length, ByName(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.newtype_variant_seed(StructSeed(visitor))
    }
}

/// Reads the content of a struct variant.
struct StructSeed<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for StructSeed<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        value.deserialize_map(StructVisitor(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Place {
        row: u64,
        name: Option<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Step {
        Rest,
        Go { to: u64 },
        At(Place),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Run {
        place: Place,
        places: Vec<Place>,
        by_name: BTreeMap<String, Place>,
        pair: (u64, String),
        steps: Vec<Step>,
        any: Value,
        maybe: Option<Place>,
    }

    fn run() -> Value {
        json!({
            "place": {"row": 1, "name": "a"},
            "places": [{"row": 2}],
            "by_name": {"x": {"row": 3}},
            "pair": [4, "b"],
            "steps": ["Rest", {"Go": {"to": 5}}, {"At": {"row": 6}}],
            "any": [{"row": [7]}],
            "maybe": {"row": 8},
        })
    }

    #[test]
    fn objects_lists_and_tuples_are_read_as_serde_reads_them() {
        let text = run().to_string();
        let plain: Run = serde_json::from_str(&text).unwrap();
        assert_eq!(from_value::<Run>(run()).unwrap(), plain);
        assert_eq!(from_slice::<Run>(text.as_bytes()).unwrap(), plain);
        let raw: BTreeMap<String, Box<RawValue>> = from_slice(br#"{"z": [ 1 ]}"#).unwrap();
        assert_eq!(raw["z"].get(), "[ 1 ]");
    }

    #[test]
    fn a_struct_is_not_read_from_an_array_at_any_depth() {
        let wrong = [
            ("place", json!([1, "a"]), "place"),
            ("places", json!([[2, null]]), "places[0]"),
            ("by_name", json!({"x": [3, null]}), "by_name.x"),
            ("steps", json!([{"Go": [5]}]), "steps[0].Go"),
            ("steps", json!([{"At": [6, null]}]), "steps[0].At"),
            ("maybe", json!([8, null]), "maybe"),
        ];
        for (member, value, path) in wrong {
            let mut run = run();
            run[member] = value;
            let text = run.to_string();
            assert!(serde_json::from_str::<Run>(&text).is_ok(), "{text}");
            let error = from_value::<Run>(run).unwrap_err();
            assert_eq!(error.path, path);
            assert!(
                error.reason.to_string().ends_with("expected an object"),
                "{error}"
            );
            assert!(from_slice::<Run>(text.as_bytes()).is_err(), "{text}");
        }
        assert!(from_slice::<Place>(b"[7, null]").is_err());
    }

    #[test]
    fn an_error_names_the_member_and_a_text_ends_with_its_value() {
        let mut wrong = run();
        wrong["by_name"]["x"]["row"] = json!("three");
        assert_eq!(
            from_value::<Run>(wrong).unwrap_err().to_string(),
            "`by_name.x.row`: invalid type: string \"three\", expected u64"
        );
        assert_eq!(
            from_value::<Place>(json!({})).unwrap_err().to_string(),
            "missing field `row`"
        );
        let error = from_slice::<Place>(b"{\"row\": 1} 2").unwrap_err();
        assert!(error.to_string().contains("trailing"), "{error}");
    }
}
