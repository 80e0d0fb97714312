//! Texts that lack the `{` of their object: it was given to the model, or the model left it out.

use crate::parse::parse_prefix;
use crate::wrapping::is_wrapping;
use std::borrow::Cow;

/// Returns the text as the model wrote it, including the prefill, for the raw response column.
pub(crate) fn with_prefill(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches(is_blank).starts_with('{') {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{{{text}"))
    }
}

/// Whether the text begins like an object after a `{`.
pub(crate) fn continues_an_object(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
        .starts_with(['"', '}'])
}

/// Whether the object's supposed first member is a quoted word in prose: no value follows it, or
/// its value is a complete object that takes all the remaining text.
pub(crate) fn is_label(
    restored: &str,
    prefilled: bool,
    is_property: &dyn Fn(&str) -> bool,
) -> bool {
    let Some((name, rest)) = first_member(restored) else {
        // An empty object, or a quoted word that is not a name.
        return !restored[1..].trim_start().starts_with('}') && parse_prefix(restored).is_err();
    };
    if !begins_a_value(rest) {
        return true;
    }
    !prefilled
        && rest.starts_with('{')
        && !is_property(name)
        && parse_prefix(restored).is_err()
        && parse_prefix(rest).is_ok_and(|object| is_wrapping(&rest[object.end..]))
}

/// Returns the name of the first member of a text that begins with `{`, and the text from the
/// member's value on.
pub(crate) fn first_member(object: &str) -> Option<(&str, &str)> {
    let (name, rest) = object[1..]
        .trim_start()
        .strip_prefix('"')?
        .split_once('"')?;
    let value = rest.trim_start().strip_prefix(':')?;
    Some((name, value.trim_start()))
}

fn begins_a_value(text: &str) -> bool {
    text.is_empty()
        || text.starts_with([
            '"', '{', '[', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
        ])
        || ["true", "false", "null", "NaN", "Infinity"]
            .iter()
            .any(|word| {
                text.strip_prefix(word)
                    .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
            })
}

/// Blanks according to Python's `strip`, and zero-width characters that editors and models put
/// before a text.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{1C}'..='\u{1F}' | '\u{FEFF}' | '\u{200B}' | '\u{2060}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_raw_response_shows_the_prefill() {
        assert_eq!(with_prefill("\"a\":1"), "{\"a\":1");
        assert_eq!(with_prefill("\u{A0}{\"a\":1"), "\u{A0}{\"a\":1");
        assert_eq!(with_prefill(""), "{");
    }
}
