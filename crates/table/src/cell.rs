//! One value of one row, whatever file it came from.

/// A cell as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// The row has no such column: not in the CSV header, or the JSON object lacks the key.
    Missing,
    /// An explicit null, in formats that have one.
    Null,
    /// The text. CSV: unquoted, and an empty cell is the empty text. JSON: a string's own text; a number, `true` or
    /// `false` as the literal was written; an object or array as its JSON text was written.
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// The text, if there is one.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Missing | Self::Null => None,
        }
    }
}

/// A row seen through a projection: the form in which rows of every format reach a prompt.
pub trait Cells {
    /// The cell of the `index`-th projected column; [`Cell::Missing`] beyond the projection.
    fn cell(&self, index: usize) -> Cell<'_>;

    /// Appends the whole row, all its columns, as one compact JSON object.
    ///
    /// CSV cells are JSON strings. A row of JSON Lines is appended as it was written.
    fn write_json(&self, out: &mut Vec<u8>);
}
