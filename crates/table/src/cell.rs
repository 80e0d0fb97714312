//! One value of one row, in the same form for every file format.

/// A cell as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// The CSV header has no such column, or the JSON object lacks the key.
    Missing,
    /// An explicit null, in formats that have one.
    Null,
    /// The text. CSV: unquoted; an empty cell is the empty text. JSON: the text of a string;
    /// numbers, `true`, `false`, objects and arrays exactly as they are written in the file.
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// Returns the text, if there is one.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Missing | Self::Null => None,
        }
    }
}

/// A row seen through a projection. Rows of every format reach a prompt in this form.
pub trait Cells {
    /// Returns the cell of the `index`-th projected column; [`Cell::Missing`] beyond the
    /// projection.
    fn cell(&self, index: usize) -> Cell<'_>;

    /// Appends the whole row, with all its columns, as one compact JSON object.
    ///
    /// CSV cells become JSON strings. A row of JSON Lines is appended as it is written in the file.
    fn write_json(&self, out: &mut Vec<u8>);
}
