//! Decodes rows from the bytes of a file.

mod delimited;
mod lines;

use crate::csv::CsvRecord;
use crate::error::{Place, TableError};
use crate::format::{Dialect, Format};
use crate::header::{Header, Newline};
use crate::json_lines::JsonRecord;
use crate::row::{Content, Row};
use crate::signature::{Start, look};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The longest row that is read, in bytes of the file: 64 MiB.
///
/// A decoder keeps one row in memory, so this bounds the cost of a missing closing quote. It is far
/// above what fits into a model's context or a record of a batch job.
pub const MAX_ROW_BYTES: usize = 64 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A position between two rows of a file.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Position {
    /// Offset in the (uncompressed) file from which the next row is searched.
    pub byte: u64,
    /// The number of the next row, counted from 0.
    pub row: u64,
}

/// Decodes the rows of one file, or of a part of it.
///
/// Feed it bytes with [`push`](Self::push), take rows with [`next_row`](Self::next_row) until there
/// are none, and call [`end`](Self::end) after the last byte. The rows do not depend on how the
/// bytes are cut. Take all rows before the next `push`, because pushed bytes are kept until their
/// rows are taken.
///
/// Blank lines are not rows. A line is blank if it is empty or, in tables of more than one column,
/// if it has only spaces and tabs. A byte order mark at the start of the file is skipped. After an
/// error there are no more rows.
pub struct RowDecoder {
    dialect: Dialect,
    file: String,
    header: Option<Arc<Header>>,
    names: Vec<String>,
    record: Record,

    buffer: Vec<u8>,
    /// Offset in the file of the buffer's first byte.
    base: u64,
    /// The buffer's first byte that does not belong to a row taken so far.
    start: usize,
    /// The row that begins at `start` has been scanned up to here.
    scanned: usize,
    state: State,
    /// No more input will come.
    ended: bool,
    /// The range in the buffer of the row that was found last.
    found: Found,

    /// Rows found so far, plus the rows before the position where reading started.
    rows: u64,
    /// The line, from 1, that begins at `start`; `None` if reading started in the middle of the
    /// file.
    line: Option<u64>,
}

enum Record {
    Csv(Box<CsvRecord>),
    Json(JsonRecord),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of the file, which may have a byte order mark.
    FileStart,
    /// At `start`, between two rows.
    Between,
    /// In a row that began at `start`.
    Inside,
    /// At `scanned`, after the line ending of a record or after its first half.
    Complete,
    /// An error was reported.
    Failed,
}

#[derive(Clone, Copy, Default)]
struct Found {
    start: usize,
    end: usize,
    newline: Option<Newline>,
    number: u64,
    line: Option<u64>,
}

impl RowDecoder {
    /// Starts a decoder at the first byte of a file. Errors use the name.
    pub fn start(dialect: impl Into<Dialect>, file_name: impl Into<String>) -> Self {
        Self::new(
            dialect.into(),
            file_name.into(),
            None,
            Position::default(),
            State::FileStart,
            Some(1),
        )
    }

    /// Starts a decoder in the middle of a file. The first byte to push is the one at `at.byte`,
    /// which must be between two rows.
    ///
    /// `header` is the header that an earlier decoder of the same file found. For JSON Lines it may
    /// have more columns than the part to read.
    pub fn resume(
        dialect: impl Into<Dialect>,
        file_name: impl Into<String>,
        header: Arc<Header>,
        at: Position,
    ) -> Self {
        Self::new(
            dialect.into(),
            file_name.into(),
            Some(header),
            at,
            State::Between,
            None,
        )
    }

    fn new(
        dialect: Dialect,
        file: String,
        header: Option<Arc<Header>>,
        at: Position,
        state: State,
        line: Option<u64>,
    ) -> Self {
        let record = if let Some(delimiter) = dialect.format.delimiter() {
            Record::Csv(Box::new(CsvRecord::new(delimiter, dialect.quoting)))
        } else {
            let mut record = JsonRecord::default();
            if let Some(header) = &header {
                record.know(header);
            }
            Record::Json(record)
        };
        Self {
            dialect,
            file,
            header,
            names: Vec::new(),
            record,
            buffer: Vec::new(),
            base: at.byte,
            start: 0,
            scanned: 0,
            state,
            ended: false,
            found: Found::default(),
            rows: at.row,
            line,
        }
    }

    /// Chooses the columns that [`Row::cell`] returns, in this order. Without it there are none.
    pub fn project(&mut self, names: &[String]) {
        self.names = names.to_vec();
        self.resolve_projection();
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        self.dialect.format
    }

    /// The columns, once they are known.
    ///
    /// CSV: known from the first call of [`next_row`](Self::next_row) that saw the whole header
    /// row. `None` at the end means that the file is empty; a table of no rows has a header. JSON
    /// Lines: known from the first row on.
    pub fn header(&self) -> Option<&Arc<Header>> {
        self.header.as_ref()
    }

    /// The position after the last row that was taken. Before the first row it is the position
    /// after the header, and before the header it is where reading started. Blank lines that follow
    /// may be skipped; at the end of the file they always are.
    pub fn position(&self) -> Position {
        Position {
            byte: self.offset(self.start),
            row: self.rows,
        }
    }

    /// Adds the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            let kept = self.buffer.len() - self.start;
            self.buffer.copy_within(self.start.., 0);
            self.buffer.truncate(kept);
            self.base = self.offset(self.start);
            self.scanned = self.scanned.saturating_sub(self.start);
            self.start = 0;
        }
        if self.state != State::Failed {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Declares that the last byte has been pushed.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Returns the next row. `None` means that more input is needed or, after [`end`](Self::end),
    /// that there are no more rows.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, TableError> {
        if self.state == State::Failed {
            return Ok(None);
        }
        match self.advance() {
            Ok(true) => self.row().map(Some),
            Ok(false) => Ok(None),
            Err(error) => {
                self.state = State::Failed;
                Err(error)
            }
        }
    }

    /// Moves to the next row. Returns `false` if there is none yet, or no more.
    fn advance(&mut self) -> Result<bool, TableError> {
        if self.state == State::FileStart && !self.pass_byte_order_mark()? {
            return Ok(false);
        }
        match self.record {
            Record::Csv(_) => self.advance_csv(),
            Record::Json(_) => self.advance_json(),
        }
    }

    fn pass_byte_order_mark(&mut self) -> Result<bool, TableError> {
        match look(&self.buffer, self.ended) {
            Start::Open => return Ok(false),
            Start::Text => {}
            Start::Other(kind) => {
                return Err(TableError::NotText {
                    place: self.place(0),
                    found: kind.what,
                    remedy: kind.remedy,
                });
            }
        }
        if !self.ended
            && self.buffer.len() < BYTE_ORDER_MARK.len()
            && BYTE_ORDER_MARK.starts_with(&self.buffer)
        {
            return Ok(false);
        }
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.start = BYTE_ORDER_MARK.len();
        }
        self.state = State::Between;
        Ok(true)
    }

    /// Makes errors name the row that begins at `start`.
    fn note_place(&mut self) {
        self.found = Found {
            number: self.rows,
            line: self.line,
            ..Found::default()
        };
    }

    /// Notes the record from `start` to `end` as found, and moves to `scanned`, after its line
    /// ending.
    fn take(&mut self, end: usize, newline: Option<Newline>) {
        self.found = Found {
            start: self.start,
            end,
            newline,
            number: self.rows,
            line: self.line,
        };
        if let Some(line) = &mut self.line {
            let inside = memchr::memchr_iter(b'\n', &self.buffer[self.start..end]).count();
            *line += inside as u64 + u64::from(newline.is_some());
        }
        self.start = self.scanned;
        self.state = State::Between;
    }

    /// Refuses a row that begins at `start` and is longer than the limit.
    fn check_length(&mut self, end: usize) -> Result<(), TableError> {
        if end - self.start <= MAX_ROW_BYTES {
            return Ok(());
        }
        let quote = match &self.record {
            Record::Csv(record) => record.open_quote(),
            Record::Json(_) => None,
        };
        self.note_place();
        Err(TableError::RowTooLong {
            place: self.place(self.start),
            limit: MAX_ROW_BYTES,
            quote: quote.map(|at| self.offset(self.start + at)),
        })
    }

    /// Returns the row that was found last.
    fn row(&mut self) -> Result<Row<'_>, TableError> {
        let Found {
            start,
            end,
            newline,
            number,
            ..
        } = self.found;
        let raw = &self.buffer[start..end];
        let content = match &self.record {
            Record::Csv(record) => record.fields().map(Content::Fields),
            Record::Json(record) => simdutf8::basic::from_utf8(raw)
                .ok()
                .map(|line| Content::Object(record.object(line))),
        };
        let (Some(content), Some(header)) = (content, self.header.as_deref()) else {
            self.state = State::Failed;
            return Err(self.not_utf8());
        };
        Ok(Row {
            raw,
            newline,
            number,
            byte: self.offset(start),
            header,
            content,
        })
    }

    /// Returns the error for a found record that is not UTF-8.
    fn not_utf8(&self) -> TableError {
        let Found { start, end, .. } = self.found;
        let valid = match std::str::from_utf8(&self.buffer[start..end]) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        TableError::NotUtf8 {
            place: self.place(start + valid),
        }
    }

    /// Returns the place of a byte of the buffer, in the record that was found last.
    fn place(&self, index: usize) -> Place {
        let is_header = self.header.is_none() && self.dialect.format != Format::JsonLines;
        Place {
            file: self.file.clone(),
            row: (!is_header).then_some(self.found.number),
            line: self.found.line,
            byte: self.offset(index),
        }
    }

    /// Returns the offset in the file of a byte of the buffer.
    fn offset(&self, index: usize) -> u64 {
        self.base + index as u64
    }

    fn resolve_projection(&mut self) {
        match (&mut self.record, &self.header) {
            (Record::Csv(record), Some(header)) => record.project(&self.names, header),
            (Record::Csv(_), None) => {}
            (Record::Json(record), _) => record.project(&self.names),
        }
    }
}

/// Shows the position, but not the contents of the file.
impl fmt::Debug for RowDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut decoder = f.debug_struct("RowDecoder");
        decoder
            .field("dialect", &self.dialect)
            .field("file", &self.file);
        decoder
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}
