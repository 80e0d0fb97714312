//! Reads one record of delimited text.
//!
//! With standard quoting (RFC 4180) a cell may be in double quotes. Inside them, separators and
//! line breaks are text, and `""` stands for one quote. A closing quote must be followed by a
//! separator or a line ending. Other text after it means that the file has another dialect or is
//! damaged, so the rows that follow cannot be trusted. `\n`, `\r\n` and `\r` end a row.

use crate::format::Quoting;
use crate::header::Header;

/// The unquoted cells of one record, in buffers that are reused for the next record.
pub(crate) struct CsvRecord {
    delimiter: u8,
    quoting: Quoting,
    at: At,
    /// Bytes of the record read so far.
    read: usize,
    /// Offset in the record at which the last quoted cell begins.
    opened: usize,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// For each projected column its index in the header.
    projection: Vec<Option<usize>>,
}

/// The state of reading within a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    CellStart,
    Plain,
    Quoted,
    /// After a backslash inside quotes.
    Escape,
    /// After a quote that closes the cell or is the first half of a doubled one.
    ClosingQuote,
}

/// The result of feeding some input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fed {
    /// The input is used up and the record continues.
    More,
    /// The record is complete. The last byte that was read is its terminator.
    Complete,
    /// Text follows a closing quote, at this offset in the record.
    Stray(usize),
}

impl CsvRecord {
    pub(crate) fn new(delimiter: u8, quoting: Quoting) -> Self {
        Self {
            delimiter,
            quoting,
            at: At::CellStart,
            read: 0,
            opened: 0,
            text: Vec::with_capacity(4096),
            ends: Vec::with_capacity(64),
            projection: Vec::new(),
        }
    }

    /// Forgets the previous record.
    pub(crate) fn begin(&mut self) {
        self.at = At::CellStart;
        self.read = 0;
        self.text.clear();
        self.ends.clear();
    }

    /// Reads on. Also returns how many bytes were read.
    pub(crate) fn feed(&mut self, input: &[u8]) -> (Fed, usize) {
        let mut read = 0;
        let fed = loop {
            let Some(&byte) = input.get(read) else {
                break Fed::More;
            };
            match self.at {
                At::CellStart if byte == b'"' && self.quoting != Quoting::None => {
                    self.opened = self.read + read;
                    self.at = At::Quoted;
                    read += 1;
                }
                At::CellStart => self.at = At::Plain,
                At::Plain => {
                    let rest = &input[read..];
                    let Some(length) = memchr::memchr3(self.delimiter, b'\n', b'\r', rest) else {
                        self.text.extend_from_slice(rest);
                        read = input.len();
                        continue;
                    };
                    self.text.extend_from_slice(&rest[..length]);
                    read += length + 1;
                    if self.end_cell(rest[length]) {
                        break Fed::Complete;
                    }
                }
                At::Quoted => read += self.feed_quoted(&input[read..]),
                At::Escape => {
                    if !matches!(byte, b'"' | b'\\') {
                        self.text.push(b'\\');
                    }
                    self.text.push(byte);
                    self.at = At::Quoted;
                    read += 1;
                }
                At::ClosingQuote if byte == b'"' => {
                    self.text.push(b'"');
                    self.at = At::Quoted;
                    read += 1;
                }
                At::ClosingQuote if byte == self.delimiter || matches!(byte, b'\n' | b'\r') => {
                    read += 1;
                    if self.end_cell(byte) {
                        break Fed::Complete;
                    }
                }
                At::ClosingQuote => break Fed::Stray(self.read + read),
            }
        };
        self.read += read;
        (fed, read)
    }

    /// Reads inside quotes up to a byte with a meaning there. Returns how many bytes were read.
    fn feed_quoted(&mut self, rest: &[u8]) -> usize {
        let special = match self.quoting {
            Quoting::Backslash => memchr::memchr2(b'"', b'\\', rest),
            Quoting::Standard | Quoting::None => memchr::memchr(b'"', rest),
        };
        let Some(length) = special else {
            self.text.extend_from_slice(rest);
            return rest.len();
        };
        self.text.extend_from_slice(&rest[..length]);
        self.at = if rest[length] == b'"' {
            At::ClosingQuote
        } else {
            At::Escape
        };
        length + 1
    }

    /// Ends a cell at a separator or line ending. Returns whether the record ends too.
    fn end_cell(&mut self, byte: u8) -> bool {
        self.ends.push(self.text.len());
        self.at = At::CellStart;
        byte != self.delimiter
    }

    /// Ends the record at the end of the file. Returns `false` if a quoted cell is still open.
    pub(crate) fn finish(&mut self) -> bool {
        if self.open_quote().is_some() {
            return false;
        }
        self.ends.push(self.text.len());
        true
    }

    /// Offset in the record at which an unclosed quoted cell begins, if there is one.
    pub(crate) fn open_quote(&self) -> Option<usize> {
        matches!(self.at, At::Quoted | At::Escape).then_some(self.opened)
    }

    /// Offset in the record at which the last quoted cell begins.
    pub(crate) fn last_quote(&self) -> usize {
        self.opened
    }

    /// Number of cells of the complete record.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the complete record; `None` if a cell is not UTF-8.
    pub(crate) fn fields(&self) -> Option<Fields<'_>> {
        let text = simdutf8::basic::from_utf8(&self.text).ok()?;
        // Two cells that are invalid on their own may form a valid character together.
        self.ends
            .iter()
            .all(|&end| text.is_char_boundary(end))
            .then_some(Fields {
                text,
                ends: &self.ends,
                projection: &self.projection,
            })
    }

    /// Finds the projected names in the header.
    pub(crate) fn project(&mut self, names: &[String], header: &Header) {
        self.projection = header.places(names);
    }
}

/// The unquoted cells of one record.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    text: &'a str,
    ends: &'a [usize],
    projection: &'a [Option<usize>],
}

impl<'a> Fields<'a> {
    /// Returns the cell in the `index`-th column of the file.
    pub(crate) fn get(&self, index: usize) -> Option<&'a str> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 {
            0
        } else {
            *self.ends.get(index - 1)?
        };
        self.text.get(start..end)
    }

    /// Returns the cell of the `index`-th projected column.
    pub(crate) fn projected(&self, index: usize) -> Option<&'a str> {
        self.get((*self.projection.get(index)?)?)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a str> {
        (0..self.ends.len()).filter_map(move |index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::{CsvRecord, Fed};
    use crate::format::Quoting;

    /// Returns the state after reading a record without its line ending.
    fn read(text: &str, quoting: Quoting) -> (Fed, CsvRecord) {
        let mut record = CsvRecord::new(b',', quoting);
        record.begin();
        let (fed, _) = record.feed(text.as_bytes());
        (fed, record)
    }

    #[test]
    fn only_a_quote_that_opens_a_cell_and_is_not_closed_is_open() {
        for closed in ["", "a,b", "\"a\",\"b\"", "\"a\"\"\"", "a\"b", "\"\""] {
            let (_, record) = read(closed, Quoting::Standard);
            assert_eq!(record.open_quote(), None, "{closed}");
        }
        for (open, at) in [("a,\"b,c", 2), ("\"a\"\"b", 0), ("\"a\",\"", 4)] {
            let (_, record) = read(open, Quoting::Standard);
            assert_eq!(record.open_quote(), Some(at), "{open}");
        }
    }

    #[test]
    fn text_after_a_closing_quote_is_found_with_its_place() {
        for (text, at) in [("\"a\"b", 3), ("x,\"a\" ,", 5), ("\"\"x", 2)] {
            assert_eq!(read(text, Quoting::Standard).0, Fed::Stray(at), "{text}");
        }
        for text in ["\"a\"", "\"a\"\"", "x \"a\" b"] {
            assert_eq!(read(text, Quoting::Standard).0, Fed::More, "{text}");
        }
        assert_eq!(read("\"a\"b", Quoting::None).0, Fed::More);
    }

    #[test]
    fn a_backslash_escapes_quotes_and_itself_inside_quotes_only() {
        let cells = |text: &str, quoting| {
            let (fed, mut record) = read(text, quoting);
            assert!(fed == Fed::More && record.finish(), "{text}");
            let fields = record.fields().unwrap();
            fields.iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let text = r#""5\" x","C:\temp\\",\a,"q""q""#;
        assert_eq!(
            cells(text, Quoting::Backslash),
            ["5\" x", r"C:\temp\", r"\a", "q\"q"]
        );
        assert_eq!(cells(r#""a",b\"c"#, Quoting::None), ["\"a\"", r#"b\"c"#]);
    }
}
