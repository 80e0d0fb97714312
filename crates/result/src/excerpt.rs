//! Beginnings of texts for readers.

use std::borrow::Cow;

/// Returns a text of at most `most` characters, with `…` in place of the rest.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}
