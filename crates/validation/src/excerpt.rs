//! Beginnings of texts for messages.

/// Returns a text of at most `longest` bytes whole, and of a longer one the beginning with an ellipsis.
pub fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push('…');
    }
    text
}
