//! CSV and TSV: records separated by line endings; the first is the header.

use super::{BYTE_ORDER_MARK, Record, RowDecoder, State};
use crate::csv::Fed;
use crate::error::TableError;
use crate::header::{Header, MAX_HEADER_BYTES, Newline};
use std::sync::Arc;

impl RowDecoder {
    pub(super) fn advance_csv(&mut self) -> Result<bool, TableError> {
        while self.find_csv_record()? {
            let Record::Csv(record) = &mut self.record else {
                return Ok(false);
            };
            let cells = record.len();
            let Some(columns) = self.header.as_ref().map(|header| header.columns.len()) else {
                self.read_header()?;
                continue;
            };
            if cells != columns {
                let raw = &self.buffer[self.found.start..self.found.end];
                if cells == 1 && raw.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
                    continue;
                }
                let place = self.place(self.found.start);
                return Err(TableError::CellCount {
                    place,
                    expected: columns,
                    found: cells,
                });
            }
            self.rows += 1;
            return Ok(true);
        }
        Ok(false)
    }

    /// Finds the next record of any kind and moves after it.
    fn find_csv_record(&mut self) -> Result<bool, TableError> {
        if self.state == State::Between {
            if !self.pass_line_ends() {
                return Ok(false);
            }
            self.state = State::Inside;
            self.scanned = self.start;
            if let Record::Csv(record) = &mut self.record {
                record.begin();
            }
        }
        let mut at_end = false;
        while self.state == State::Inside {
            let Record::Csv(record) = &mut self.record else {
                return Ok(false);
            };
            let input = &self.buffer[self.scanned..];
            if input.is_empty() {
                if !self.ended {
                    self.check_length(self.scanned)?;
                    return Ok(false);
                }
                at_end = true;
                if !record.finish() {
                    let quote = record.last_quote();
                    self.note_place();
                    return Err(TableError::OpenQuote {
                        place: self.place(self.start + quote),
                        quoting: self.dialect.quoting,
                    });
                }
                self.state = State::Complete;
                continue;
            }
            let (fed, read) = record.feed(input);
            let opened = record.last_quote();
            self.scanned += read;
            match fed {
                Fed::More => {}
                Fed::Complete => self.state = State::Complete,
                Fed::Stray(at) => {
                    self.note_place();
                    return Err(TableError::BehindQuote {
                        place: self.place(self.start + at),
                        opened: self.offset(self.start + opened),
                        quoting: self.dialect.quoting,
                    });
                }
            }
        }

        let (end, newline) = if at_end {
            (self.scanned, None)
        } else if self.buffer[self.scanned - 1] == b'\n' {
            (self.scanned - 1, Some(Newline::Lf))
        } else {
            let end = self.scanned - 1;
            match self.buffer.get(self.scanned) {
                Some(b'\n') => {
                    self.scanned += 1;
                    (end, Some(Newline::CrLf))
                }
                None if !self.ended => return Ok(false),
                Some(_) | None => (end, Some(Newline::Cr)),
            }
        };
        self.check_length(end)?;
        self.take(end, newline);
        Ok(true)
    }

    /// Skips line endings between two rows, and byte order marks before the header: a table that begins
    /// with blank lines or was put behind another mark would have a column whose name begins with one.
    /// Returns `false` if there is nothing else.
    fn pass_line_ends(&mut self) -> bool {
        loop {
            let rest = &self.buffer[self.start..];
            if self.header.is_none() && rest.starts_with(BYTE_ORDER_MARK) {
                self.start += BYTE_ORDER_MARK.len();
                continue;
            }
            let may_be_mark = !rest.is_empty() && BYTE_ORDER_MARK.starts_with(rest);
            if self.header.is_none() && may_be_mark && !self.ended {
                return false;
            }
            let length = match rest {
                [] => return false,
                [b'\r'] if !self.ended => return false,
                [b'\r', b'\n', ..] => 2,
                [b'\r' | b'\n', ..] => 1,
                _ => return true,
            };
            self.start += length;
            self.line = self.line.map(|line| line + 1);
        }
    }

    fn read_header(&mut self) -> Result<(), TableError> {
        let Record::Csv(record) = &mut self.record else {
            return Ok(());
        };
        let raw = std::str::from_utf8(&self.buffer[self.found.start..self.found.end]);
        let (Ok(raw), Some(fields)) = (raw, record.fields()) else {
            return Err(self.not_utf8());
        };
        let header = Header {
            columns: fields.iter().map(str::to_owned).collect(),
            raw: raw.to_owned(),
            newline: self.found.newline.unwrap_or_default(),
        };
        self.check_header(&header)?;
        self.header = Some(Arc::new(header));
        self.resolve_projection();
        Ok(())
    }

    fn check_header(&self, header: &Header) -> Result<(), TableError> {
        let place = self.place(self.found.start);
        if header.raw.len() > MAX_HEADER_BYTES {
            return Err(TableError::HeaderTooLong {
                place,
                limit: MAX_HEADER_BYTES,
            });
        }
        if let Some((column, character)) = header.name_that_is_no_text() {
            return Err(TableError::NameNotText {
                place,
                column: column + 1,
                character,
            });
        }
        if header.is_separator_note() {
            return Err(TableError::SeparatorNote { place });
        }
        if let Some(separators) = header.other_separator(self.dialect) {
            return Err(TableError::OtherSeparator {
                place,
                found: separators.found,
                expected: separators.expected,
            });
        }
        match header.twins() {
            None => Ok(()),
            Some((first, second)) => Err(TableError::DuplicateColumn {
                place,
                name: header.columns[second].clone(),
                first: first + 1,
                second: second + 1,
            }),
        }
    }
}
