//! Labels for values of which a reader would see nothing.

use std::borrow::Cow;

/// Returns a value as a label: the value itself, or words in brackets if it has no character that can be seen.
pub(crate) fn visible(value: &str) -> Cow<'_, str> {
    if !value.chars().all(is_unseen) {
        return Cow::Borrowed(value);
    }
    match value.chars().count() {
        0 => Cow::Borrowed("(empty text)"),
        1 => Cow::Borrowed("(a blank)"),
        blanks => Cow::Owned(format!("({blanks} blanks)")),
    }
}

/// Whether a character leaves nothing on the page: white space, or one without a width.
fn is_unseen(one: char) -> bool {
    one.is_whitespace() || matches!(one, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_be_seen_is_named_and_any_other_stays() {
        for (value, label) in [
            ("", "(empty text)"),
            (" ", "(a blank)"),
            (" \t\n", "(3 blanks)"),
            ("\u{a0}\u{200b}", "(2 blanks)"),
            (" a ", " a "),
            ("0", "0"),
        ] {
            assert_eq!(visible(value), label, "{value:?}");
        }
    }
}
