//! The part of a result's row that the input had: what is before the result columns.

use crate::encode::{Line, key};
use crate::format::{Dialect, Quoting};
use crate::header::Header;
use crate::row::{Content, Row};

/// Finds the bytes of the input in the rows of a result that a [`RowEncoder`](crate::RowEncoder) wrote.
///
/// The encoder has one way to write a value. So the result columns of a row are written once more, and
/// what is before these bytes in the row is what the input had.
#[derive(Debug, Clone)]
pub struct OwnColumns {
    dialect: Dialect,
    results: Vec<String>,
    /// The end of the row that was looked at last.
    end: Vec<u8>,
}

impl OwnColumns {
    /// Looks at tables of this format that end with these result columns.
    pub fn before(dialect: impl Into<Dialect>, results: &[String]) -> Self {
        Self {
            dialect: dialect.into(),
            results: results.to_vec(),
            end: Vec::new(),
        }
    }

    /// Returns the header that the input had, or `None` if the result columns are not the last ones of
    /// this header. JSON Lines has no header, so that every header is right.
    pub fn header(&mut self, header: &Header) -> Option<Header> {
        let Some(delimiter) = self.dialect.format.delimiter() else {
            return Some(header.clone());
        };
        let own = header.columns.len().checked_sub(self.results.len())?;
        if header.columns[own..] != self.results {
            return None;
        }
        let names = self.results.iter().map(String::as_str);
        write_cells(&mut self.end, delimiter, self.dialect.quoting, names);
        let raw = header.raw.as_bytes().strip_suffix(self.end.as_slice())?;
        Some(Header {
            columns: header.columns[..own].to_vec(),
            raw: std::str::from_utf8(raw).ok()?.to_owned(),
            newline: header.newline,
        })
    }

    /// Appends the row as the input had it, without the line ending. Returns `false` if the row does not
    /// end with values of the result columns; nothing is appended then.
    pub fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) -> bool {
        let closing: &[u8] = match (row.content, self.dialect.format.delimiter()) {
            (Content::Fields(fields), Some(delimiter)) => {
                let cells = fields.iter().count();
                let Some(own) = cells.checked_sub(self.results.len()) else {
                    return false;
                };
                let results = fields.iter().skip(own);
                write_cells(&mut self.end, delimiter, self.dialect.quoting, results);
                b""
            }
            (Content::Object(object), None) => {
                let members = object.members().count();
                let Some(own) = members.checked_sub(self.results.len()) else {
                    return false;
                };
                self.end.clear();
                for (number, (column, value)) in object.members().enumerate().skip(own) {
                    if row.columns().get(column) != self.results.get(number - own) {
                        return false;
                    }
                    if number > 0 {
                        self.end.push(b',');
                    }
                    self.end
                        .extend_from_slice(&key(&self.results[number - own]));
                    self.end.extend_from_slice(value.as_bytes());
                }
                self.end.push(b'}');
                b"}"
            }
            (Content::Fields(_), None) | (Content::Object(_), Some(_)) => return false,
        };
        let Some(own) = row.raw().strip_suffix(self.end.as_slice()) else {
            return false;
        };
        out.extend_from_slice(own);
        out.extend_from_slice(closing);
        true
    }
}

/// Replaces `end` by cells as they are written after other cells.
fn write_cells<'a>(
    end: &mut Vec<u8>,
    delimiter: u8,
    quoting: Quoting,
    cells: impl Iterator<Item = &'a str>,
) {
    end.clear();
    let mut line = Line::begin(end, delimiter, quoting);
    line.raw(b"");
    cells.for_each(|text| line.cell(text));
}
