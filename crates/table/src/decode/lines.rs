//! JSON Lines: objects separated by line feeds.

use super::{Found, Record, RowDecoder};
use crate::error::{TableError, reason};
use crate::header::{Header, MAX_HEADER_BYTES, Newline};
use crate::json_lines::{Fault, MAX_COLUMNS};
use std::ops::Range;
use std::sync::Arc;

impl RowDecoder {
    pub(super) fn advance_json(&mut self) -> Result<bool, TableError> {
        while self.find_line()? {
            let Found {
                start,
                end,
                newline,
                ..
            } = self.found;
            let raw = &self.buffer[start..end];
            let Some(first) = raw.iter().find(|byte| !byte.is_ascii_whitespace()) else {
                continue;
            };
            let Ok(line) = simdutf8::basic::from_utf8(raw) else {
                return Err(self.not_utf8());
            };
            if let Some(found) = other_than_object(*first) {
                return Err(TableError::NotAnObject {
                    place: self.place(start),
                    found,
                });
            }
            let Record::Json(record) = &mut self.record else {
                return Ok(false);
            };
            let header = self.header.get_or_insert_with(|| {
                Arc::new(Header {
                    newline: newline.unwrap_or_default(),
                    ..Header::default()
                })
            });
            if let Err(fault) = record.read(line, header, &self.names) {
                let line = self.found.start..self.found.end;
                return Err(self.json_error(fault, line));
            }
            self.rows += 1;
            return Ok(true);
        }
        Ok(false)
    }

    /// Returns the error for a line of JSON that is in the buffer.
    fn json_error(&self, fault: Fault, line: Range<usize>) -> TableError {
        let start = line.start;
        match fault {
            Fault::Json(source) => {
                // The parser counts columns in bytes, from 1.
                let at = source.column().saturating_sub(1);
                if let Some((at, word, instead)) = word_of_others(&self.buffer[line], at) {
                    return TableError::ForeignWord {
                        place: self.place(start + at),
                        word,
                        instead,
                    };
                }
                TableError::NotJson {
                    place: self.place(start + at),
                    reason: reason(&source),
                }
            }
            Fault::BrokenEscape { at, source } => TableError::BrokenEscape {
                place: self.place(start + at),
                reason: reason(&source),
            },
            Fault::DuplicateKey(key) => TableError::DuplicateKey {
                place: self.place(start),
                key,
            },
            Fault::TooManyColumns => TableError::TooManyColumns {
                place: self.place(start),
                limit: MAX_COLUMNS,
            },
            Fault::KeysTooLong => TableError::HeaderTooLong {
                place: self.place(start),
                limit: MAX_HEADER_BYTES,
            },
        }
    }

    /// Finds the next line, blank or not, and moves after it.
    fn find_line(&mut self) -> Result<bool, TableError> {
        self.scanned = self.scanned.max(self.start);
        let Some(offset) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            self.check_length(self.scanned)?;
            if !self.ended || self.start == self.scanned {
                return Ok(false);
            }
            self.take(self.scanned, None);
            return Ok(true);
        };
        let feed = self.scanned + offset;
        self.scanned = feed + 1;
        let returned = feed > self.start && self.buffer[feed - 1] == b'\r';
        let (end, newline) = if returned {
            (feed - 1, Newline::CrLf)
        } else {
            (feed, Newline::Lf)
        };
        self.check_length(end)?;
        self.take(end, Some(newline));
        Ok(true)
    }
}

/// Names the kind of a JSON text by its first byte, if it is anything but an object. `None` for
/// text that is not JSON, about which the parser can say more.
fn other_than_object(first: u8) -> Option<&'static str> {
    match first {
        b'[' => Some("an array"),
        b'"' => Some("a string"),
        b't' | b'f' => Some("true or false"),
        b'n' => Some("null"),
        b'-' | b'0'..=b'9' => Some("a number"),
        _ => None,
    }
}

/// Words that other languages write and JSON does not have, each with its replacement.
const WORDS_OF_OTHERS: [(&str, &str); 8] = [
    ("NaN", "null"),
    ("nan", "null"),
    ("Infinity", "null"),
    ("-Infinity", "null"),
    ("None", "null"),
    ("undefined", "null"),
    ("True", "true"),
    ("False", "false"),
];

/// Returns the word at which a JSON parser has stopped, with its offset and its replacement.
fn word_of_others(line: &[u8], stopped: usize) -> Option<(usize, &'static str, &'static str)> {
    let begin = (0..=stopped.min(line.len()))
        .rev()
        .take_while(|at| {
            line.get(*at)
                .is_none_or(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
        })
        .last()?;
    let letters = line[begin..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-');
    let found = &line[begin..begin + letters.count()];
    WORDS_OF_OTHERS
        .iter()
        .find(|(word, _)| found == word.as_bytes())
        .map(|(word, instead)| (begin, *word, *instead))
}
