//! Reads text of models, which may end in the middle of a character.

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A JSON string in which half a surrogate pair is read as U+FFFD, so that a model that stops in
/// the middle of an emoji does not make the rest of its answer unreadable.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LenientText<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for LenientText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = LenientText<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(LenientText(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(LenientText(Cow::Owned(text.to_owned())))
            }

            fn visit_borrowed_bytes<E: de::Error>(
                self,
                bytes: &'de [u8],
            ) -> Result<Self::Value, E> {
                Ok(LenientText(match std::str::from_utf8(bytes) {
                    Ok(text) => Cow::Borrowed(text),
                    Err(_) => Cow::Owned(without_half_pairs(bytes)),
                }))
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(LenientText(Cow::Owned(without_half_pairs(bytes))))
            }
        }

        // For bytes, the JSON reader returns half pairs instead of refusing them.
        deserializer.deserialize_bytes(TextVisitor)
    }
}

/// Returns the text of a JSON string in which each half pair is encoded as the three bytes of its
/// code point; each becomes one U+FFFD.
fn without_half_pairs(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        // Such a code point starts with ED and is refused byte by byte.
        if chunk.invalid().first().is_some_and(|first| *first == 0xED) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}
