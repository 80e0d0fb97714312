//! Reads structs from JSON objects only.
//!
//! A struct that derives `Deserialize` is also read from an array, member by member in the order of
//! its declaration. If a model or the service writes an array instead of an object, it means
//! something else, and such a reading would give a wrong value.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A `T` that was read from a JSON object.
///
/// ```
/// # use quarry_model::Object;
/// # use serde::Deserialize;
/// #[derive(Deserialize)]
/// struct Place {
///     row: u64,
/// }
///
/// let place: Object<Place> = serde_json::from_str(r#"{"row": 7}"#)?;
/// assert_eq!(place.0.row, 7);
/// assert!(serde_json::from_str::<Place>("[7]").is_ok());
/// assert!(serde_json::from_str::<Object<Place>>("[7]").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}
