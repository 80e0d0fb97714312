//! Delimited text: the record being read, over `csv-core`'s state machine.
//!
//! Quoting follows RFC 4180: a cell may be put in double quotes, inside which separators and line breaks are text and
//! `""` stands for one quote. Like `csv-core` and pandas, text behind a closing quote is taken as it is. `\n`, `\r\n`
//! and `\r` end a row.

use crate::header::Header;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// The cells of one record, unquoted, in buffers that are used again for the next one.
pub(crate) struct CsvRecord {
    core: Reader,
    delimiter: u8,
    text: Vec<u8>,
    text_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
    /// For each projected column its place in the header.
    projection: Vec<Option<usize>>,
}

/// What a piece of input brought.
#[derive(PartialEq, Eq)]
pub(crate) enum Fed {
    /// The input is used up and the record goes on.
    More,
    /// The record is complete. Its terminator, one byte, was the last that was read, unless there was no input at all.
    Complete,
}

impl CsvRecord {
    pub(crate) fn new(delimiter: u8) -> Self {
        let mut core = ReaderBuilder::new().delimiter(delimiter).build();
        // The parser would drop a byte order mark from the first bytes it ever sees. The decoder has removed the file's
        // own; in a reading that starts in the middle such bytes are part of a cell.
        core.read_record(b"\n", &mut [0], &mut [0]);
        Self {
            core,
            delimiter,
            text: vec![0; 4096],
            text_len: 0,
            ends: vec![0; 64],
            ends_len: 0,
            projection: Vec::new(),
        }
    }

    /// Forgets the previous record.
    pub(crate) fn begin(&mut self) {
        self.text_len = 0;
        self.ends_len = 0;
    }

    /// Reads on. Empty input means that the file ends here. Also returns how many bytes were read.
    pub(crate) fn feed(&mut self, input: &[u8]) -> (Fed, usize) {
        let mut read = 0;
        loop {
            let (result, bytes_in, bytes_out, ends_out) = self.core.read_record(
                &input[read..],
                &mut self.text[self.text_len..],
                &mut self.ends[self.ends_len..],
            );
            read += bytes_in;
            self.text_len += bytes_out;
            self.ends_len += ends_out;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return (Fed::More, read),
                ReadRecordResult::Record => return (Fed::Complete, read),
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
            if read == input.len() && read > 0 {
                // Empty input would mean the end of the file.
                return (Fed::More, read);
            }
        }
    }

    /// Where in a record without its line ending a quoted cell begins that is not closed, if there is one.
    pub(crate) fn open_quote(&self, record: &[u8]) -> Option<usize> {
        open_quote(record, self.delimiter)
    }

    /// Number of cells of the complete record.
    pub(crate) fn len(&self) -> usize {
        self.ends_len
    }

    /// The complete record; `None` if a cell is not UTF-8.
    pub(crate) fn fields(&self) -> Option<Fields<'_>> {
        let text = std::str::from_utf8(&self.text[..self.text_len]).ok()?;
        let ends = &self.ends[..self.ends_len];
        // Two broken cells may make one whole character when they stand together.
        ends.iter()
            .all(|&end| text.is_char_boundary(end))
            .then_some(Fields {
                text,
                ends,
                projection: &self.projection,
            })
    }

    /// Finds the projected names in the header.
    pub(crate) fn project(&mut self, names: &[String], header: &Header) {
        self.projection.clear();
        self.projection.extend(
            names
                .iter()
                .map(|name| header.columns.iter().position(|column| column == name)),
        );
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
    /// The cell in the `index`-th column of the file.
    pub(crate) fn get(&self, index: usize) -> Option<&'a str> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 {
            0
        } else {
            *self.ends.get(index - 1)?
        };
        self.text.get(start..end)
    }

    /// The cell of the `index`-th projected column.
    pub(crate) fn projected(&self, index: usize) -> Option<&'a str> {
        self.get((*self.projection.get(index)?)?)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a str> {
        (0..self.ends.len()).filter_map(move |index| self.get(index))
    }
}

fn open_quote(record: &[u8], delimiter: u8) -> Option<usize> {
    enum At {
        Start,
        Plain,
        Quoted(usize),
        AfterQuote(usize),
    }
    let mut at = At::Start;
    for (index, &byte) in record.iter().enumerate() {
        at = match at {
            At::Quoted(opened) if byte == b'"' => At::AfterQuote(opened),
            At::Quoted(opened) => At::Quoted(opened),
            At::AfterQuote(opened) if byte == b'"' => At::Quoted(opened),
            At::Start if byte == b'"' => At::Quoted(index),
            _ if byte == delimiter => At::Start,
            _ => At::Plain,
        };
    }
    match at {
        At::Quoted(opened) => Some(opened),
        At::Start | At::Plain | At::AfterQuote(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::open_quote;

    #[test]
    fn only_a_quote_that_opens_a_cell_and_is_not_closed_is_open() {
        for closed in [
            "",
            "a,b",
            "\"a\",\"b\"",
            "\"a\"\"\"",
            "a\"b",
            "\"a\"b\"",
            "\"\"",
        ] {
            assert_eq!(open_quote(closed.as_bytes(), b','), None, "{closed}");
        }
        assert_eq!(open_quote(b"a,\"b,c", b','), Some(2));
        assert_eq!(open_quote(b"\"a\"\"", b','), Some(0));
        assert_eq!(open_quote(b"\"a\",\"", b','), Some(4));
    }
}
