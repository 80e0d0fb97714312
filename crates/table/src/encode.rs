//! Encodes rows and the values of their result columns as the bytes of the result table.

use crate::cell::Cells;
use crate::format::{Dialect, Quoting};
use crate::header::{Header, Newline};
use crate::json_text::write_string;
use crate::row::{Content, Row};

/// The value of one result column in one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ResultCell<'a> {
    /// No value: an empty cell in CSV, `null` in JSON Lines.
    Null,
    /// Text. In CSV the empty text looks like no value.
    Text(&'a str),
    /// `True` or `False` in CSV, as pandas writes them; `true` or `false` in JSON Lines.
    Bool(bool),
    /// A number, array or object as JSON text. Pass strings as [`Text`](Self::Text).
    Json(&'a str),
}

/// Writes the result table of one input: every row as it was, followed by the result columns.
///
/// The bytes of the input row are copied. If columns are replaced, the row is written anew instead,
/// with as little quoting as possible. Every row ends with the line ending of the table, also the
/// last.
#[derive(Debug, Clone)]
pub struct RowEncoder {
    newline: Newline,
    layout: Layout,
    results: Vec<String>,
    /// Indices of the input columns that are left out.
    replaced: Vec<usize>,
}

#[derive(Debug, Clone)]
enum Layout {
    Delimited {
        delimiter: u8,
        quoting: Quoting,
        header: String,
        columns: Vec<String>,
    },
    /// For each result column its key and the colon.
    Lines {
        keys: Vec<Vec<u8>>,
        replaced: Vec<String>,
    },
}

impl RowEncoder {
    /// Starts an encoder for the rows of one format whose files have this header.
    ///
    /// `replace` holds the indices in `header.columns` of the columns to leave out, because a
    /// result column takes their place.
    pub fn new(
        dialect: impl Into<Dialect>,
        header: &Header,
        result_columns: &[String],
        replace: &[usize],
    ) -> Self {
        let dialect = dialect.into();
        let layout = match dialect.format.delimiter() {
            Some(delimiter) => Layout::Delimited {
                delimiter,
                quoting: dialect.quoting,
                header: header.raw.clone(),
                columns: header.columns.clone(),
            },
            None => Layout::Lines {
                keys: result_columns.iter().map(|name| key(name)).collect(),
                replaced: replace
                    .iter()
                    .filter_map(|&index| header.columns.get(index).cloned())
                    .collect(),
            },
        };
        Self {
            newline: header.newline,
            layout,
            results: result_columns.to_vec(),
            replaced: replace.to_vec(),
        }
    }

    /// Appends the header row. JSON Lines has none.
    pub fn header_line(&mut self, out: &mut Vec<u8>) {
        let Layout::Delimited {
            delimiter,
            quoting,
            header,
            columns,
        } = &self.layout
        else {
            return;
        };
        let mut line = Line::begin(out, *delimiter, *quoting);
        if self.replaced.is_empty() {
            line.raw(header.as_bytes());
        } else {
            let kept = columns
                .iter()
                .enumerate()
                .filter(|(index, _)| !self.replaced.contains(index));
            kept.for_each(|(_, name)| line.cell(name));
        }
        self.results.iter().for_each(|name| line.cell(name));
        line.finish(self.newline);
    }

    /// Returns the names of the columns as a reader of the header row sees them; `None` in JSON Lines,
    /// which has none.
    pub(crate) fn written_names(&self) -> Option<Vec<String>> {
        let Layout::Delimited {
            delimiter,
            quoting,
            columns,
            ..
        } = &self.layout
        else {
            return None;
        };
        let kept = columns.iter().enumerate();
        let kept = kept
            .filter(|(index, _)| !self.replaced.contains(index))
            .map(|(_, name)| name.clone());
        // Only without quoting a reader sees another name than the one that was written.
        let written = |name: &String| {
            let mut cell = Vec::new();
            Line::begin(&mut cell, *delimiter, *quoting).without_breaks(name.as_bytes());
            String::from_utf8_lossy(&cell).into_owned()
        };
        let results = self.results.iter();
        let results = results.map(|name| match quoting {
            Quoting::None => written(name),
            Quoting::Standard | Quoting::Backslash => name.clone(),
        });
        Some(kept.chain(results).collect())
    }

    /// Appends one row with the values of its result columns, in their order. Missing values are null.
    ///
    /// The row must have the encoder's format.
    pub fn row(&mut self, out: &mut Vec<u8>, row: &Row<'_>, results: &[ResultCell<'_>]) {
        let results = (0..self.results.len())
            .map(|index| results.get(index).copied().unwrap_or(ResultCell::Null));
        match &self.layout {
            Layout::Delimited {
                delimiter, quoting, ..
            } => {
                let mut line = Line::begin(out, *delimiter, *quoting);
                match row.content {
                    Content::Fields(fields) if !self.replaced.is_empty() => {
                        let kept = fields
                            .iter()
                            .enumerate()
                            .filter(|(index, _)| !self.replaced.contains(index));
                        kept.for_each(|(_, text)| line.cell(text));
                    }
                    Content::Fields(_) | Content::Object(_) => line.raw(row.raw()),
                }
                for result in results {
                    match result {
                        ResultCell::Null => line.cell(""),
                        ResultCell::Bool(true) => line.cell("True"),
                        ResultCell::Bool(false) => line.cell("False"),
                        ResultCell::Text(text) | ResultCell::Json(text) => line.cell(text),
                    }
                }
                line.finish(self.newline);
            }
            Layout::Lines { keys, replaced } => {
                if keys.is_empty() && replaced.is_empty() {
                    out.extend_from_slice(row.raw());
                } else {
                    write_object(out, row, replaced, keys.iter().zip(results));
                }
                out.extend_from_slice(row.newline().unwrap_or(self.newline).bytes());
            }
        }
    }
}

/// Appends the row's object without the `replaced` members, and `results` at its end: each a key as it
/// is written, and a value.
fn write_object<'a>(
    out: &mut Vec<u8>,
    row: &Row<'_>,
    replaced: &[String],
    results: impl Iterator<Item = (&'a Vec<u8>, ResultCell<'a>)>,
) {
    let mut any = write_open_object(out, row, replaced);
    for (key, result) in results {
        if any {
            out.push(b',');
        }
        any = true;
        out.extend_from_slice(key);
        write_json(out, result);
    }
    out.push(b'}');
}

/// Appends the row's object without the closing brace. Returns whether it has members.
fn write_open_object(out: &mut Vec<u8>, row: &Row<'_>, replaced: &[String]) -> bool {
    match row.content {
        Content::Object(object) if !replaced.is_empty() => {
            out.push(b'{');
            let mut any = false;
            for (column, value) in object.members() {
                let Some(name) = row.columns().get(column) else {
                    continue;
                };
                if replaced.contains(name) {
                    continue;
                }
                if any {
                    out.push(b',');
                }
                any = true;
                write_string(out, name);
                out.push(b':');
                out.extend_from_slice(value.as_bytes());
            }
            any
        }
        Content::Object(object) => {
            row.write_json(out);
            out.pop();
            object.members().next().is_some()
        }
        Content::Fields(_) => {
            row.write_json(out);
            out.pop();
            out.last() != Some(&b'{')
        }
    }
}

pub(crate) fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    write_string(&mut key, name);
    key.push(b':');
    key
}

fn write_json(out: &mut Vec<u8>, value: ResultCell<'_>) {
    match value {
        ResultCell::Null => out.extend_from_slice(b"null"),
        ResultCell::Bool(true) => out.extend_from_slice(b"true"),
        ResultCell::Bool(false) => out.extend_from_slice(b"false"),
        ResultCell::Text(text) => write_string(out, text),
        // JSON text has line breaks only between its tokens, where a space has the same meaning.
        ResultCell::Json(text) => {
            out.extend(text.bytes().map(|byte| {
                if matches!(byte, b'\n' | b'\r') {
                    b' '
                } else {
                    byte
                }
            }));
        }
    }
}

/// A line of delimited text that is being written.
pub(crate) struct Line<'a> {
    out: &'a mut Vec<u8>,
    delimiter: u8,
    quoting: Quoting,
    start: usize,
    cells: usize,
}

impl<'a> Line<'a> {
    pub(crate) fn begin(out: &'a mut Vec<u8>, delimiter: u8, quoting: Quoting) -> Self {
        let start = out.len();
        Self {
            out,
            delimiter,
            quoting,
            start,
            cells: 0,
        }
    }

    /// Appends cells that are already written as text.
    pub(crate) fn raw(&mut self, cells: &[u8]) {
        self.out.extend_from_slice(cells);
        self.cells += 1;
    }

    /// Appends one cell, in quotes if it would not read back otherwise.
    pub(crate) fn cell(&mut self, text: &str) {
        if self.cells > 0 {
            self.out.push(self.delimiter);
        }
        self.cells += 1;
        let bytes = text.as_bytes();
        let separates = memchr::memchr3(self.delimiter, b'\n', b'\r', bytes).is_some();
        match self.quoting {
            Quoting::Standard if separates || memchr::memchr(b'"', bytes).is_some() => {
                self.quoted(bytes, memchr::memchr_iter(b'"', bytes), b'"');
            }
            // Some readers treat a backslash outside of quotes as an escape too.
            Quoting::Backslash if separates || memchr::memchr2(b'"', b'\\', bytes).is_some() => {
                self.quoted(bytes, memchr::memchr2_iter(b'"', b'\\', bytes), b'\\');
            }
            Quoting::None if separates => self.without_breaks(bytes),
            Quoting::Standard | Quoting::Backslash | Quoting::None => {
                self.out.extend_from_slice(bytes);
            }
        }
    }

    /// Appends a cell in quotes, with `escape` before the bytes at `special`.
    fn quoted(&mut self, bytes: &[u8], special: impl Iterator<Item = usize>, escape: u8) {
        self.out.push(b'"');
        let mut start = 0;
        for at in special {
            self.out.extend_from_slice(&bytes[start..at]);
            self.out.push(escape);
            start = at;
        }
        self.out.extend_from_slice(&bytes[start..]);
        self.out.push(b'"');
    }

    /// Appends a cell that cannot be quoted: separators and line breaks become `\t`, `\n`, `\r`.
    fn without_breaks(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' => self.out.extend_from_slice(br"\n"),
                b'\r' => self.out.extend_from_slice(br"\r"),
                b'\t' if self.delimiter == b'\t' => self.out.extend_from_slice(br"\t"),
                separator if separator == self.delimiter => self.out.push(b' '),
                other => self.out.push(other),
            }
        }
    }

    /// Ends the line. A line of one cell that looks blank would not be read as a row, so the cell
    /// is quoted or, in files without quoting, replaced by a space.
    fn finish(self, newline: Newline) {
        if self.out.len() == self.start {
            let blank: &[u8] = if self.quoting == Quoting::None {
                b" "
            } else {
                b"\"\""
            };
            self.out.extend_from_slice(blank);
        }
        self.out.extend_from_slice(newline.bytes());
    }
}
