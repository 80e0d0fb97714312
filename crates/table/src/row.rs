//! One row, borrowed from the decoder that read it.

use crate::cell::{Cell, Cells};
use crate::csv::Fields;
use crate::header::{Header, Newline};
use crate::json_lines::JsonObject;
use crate::json_text::write_string;
use std::fmt;

/// A row of a text table.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    pub(crate) raw: &'a [u8],
    pub(crate) newline: Option<Newline>,
    pub(crate) number: u64,
    pub(crate) byte: u64,
    pub(crate) header: &'a Header,
    pub(crate) content: Content<'a>,
}

#[derive(Clone, Copy)]
pub(crate) enum Content<'a> {
    Fields(Fields<'a>),
    Object(JsonObject<'a>),
}

impl<'a> Row<'a> {
    /// The bytes of the row in the file, without the line ending.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// How the row ends; `None` if the file ends first.
    pub fn newline(&self) -> Option<Newline> {
        self.newline
    }

    /// The row's number in the file, counted from 0. Header and blank lines do not count.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Offset in the file of the row's first byte.
    pub fn byte(&self) -> u64 {
        self.byte
    }

    /// The columns of the file that are known with this row.
    pub fn columns(&self) -> &'a [String] {
        &self.header.columns
    }

    /// Returns the cell of the `index`-th projected column; [`Cell::Missing`] beyond the
    /// projection.
    pub fn cell(&self, index: usize) -> Cell<'a> {
        match &self.content {
            Content::Fields(fields) => fields.projected(index).map_or(Cell::Missing, Cell::Text),
            Content::Object(object) => object.projected(index),
        }
    }
}

/// Shows its place and its text.
impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raw = String::from_utf8_lossy(self.raw);
        let mut row = f.debug_struct("Row");
        row.field("number", &self.number)
            .field("byte", &self.byte)
            .field("raw", &raw)
            .finish_non_exhaustive()
    }
}

impl Cells for Row<'_> {
    fn cell(&self, index: usize) -> Cell<'_> {
        Row::cell(self, index)
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        match &self.content {
            Content::Object(object) => out.extend_from_slice(object.text().as_bytes()),
            Content::Fields(fields) => {
                out.push(b'{');
                let mut any = false;
                for (name, text) in self.columns().iter().zip(fields.iter()) {
                    // Empty cells of columns without a name carry no information, and would all
                    // have the key "".
                    if name.is_empty() && text.is_empty() {
                        continue;
                    }
                    if any {
                        out.push(b',');
                    }
                    any = true;
                    write_string(out, name);
                    out.push(b':');
                    write_string(out, text);
                }
                out.push(b'}');
            }
        }
    }
}
