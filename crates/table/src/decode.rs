//! Bytes in, rows out.

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

/// The longest row that is read, in bytes as they stand in the file: 64 MiB.
///
/// A decoder keeps one row in memory, so this bounds what a missing closing quote can cost. It is far above what fits a
/// model's context or a record of a batch job.
pub const MAX_ROW_BYTES: usize = 64 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A place between two rows of a file.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Position {
    /// Offset in the (uncompressed) file at which the next row is looked for.
    pub byte: u64,
    /// The number the next row will have, counted from 0.
    pub row: u64,
}

/// Reads the rows of one file, or of a part of it.
///
/// Give it bytes with [`push`](Self::push), take rows with [`next_row`](Self::next_row) until there is none, and say
/// [`end`](Self::end) behind the last byte. Rows are the same however the bytes are cut. Take all rows before the next
/// `push`: what was pushed is kept until its rows are taken.
///
/// Blank lines are not rows: lines without any byte and, in tables of more than one column, lines of nothing but spaces
/// and tabs. A byte order mark at the start of the file is not part of the table. After an error there are no more rows.
pub struct RowDecoder {
    dialect: Dialect,
    file: String,
    header: Option<Arc<Header>>,
    names: Vec<String>,
    record: Record,

    buffer: Vec<u8>,
    /// Offset in the file of the buffer's first byte.
    base: u64,
    /// The buffer's first byte that belongs to no row taken so far.
    start: usize,
    /// How far the row that begins at `start` has been looked through.
    scanned: usize,
    state: State,
    /// No more input will come.
    ended: bool,
    /// Where the row that was found last stands in the buffer.
    found: Found,

    /// Rows found so far, and rows before the place where reading started.
    rows: u64,
    /// The line, from 1, that begins at `start`; `None` if reading started in the middle of the file.
    line: Option<u64>,
}

enum Record {
    Csv(Box<CsvRecord>),
    Json(JsonRecord),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of the file, where a byte order mark may stand.
    FileStart,
    /// At `start`, between two rows.
    Between,
    /// In a row that began at `start`.
    Inside,
    /// At `scanned`, behind the line ending of a record or the first half of it.
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
    /// A decoder at the first byte of a file. The name appears in errors.
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

    /// A decoder in the middle of a file: the first byte pushed is the one at `at.byte`, which must lie between two rows.
    ///
    /// `header` is what an earlier decoder of the same file found. For JSON Lines it may hold more columns than the
    /// part that is read.
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

    /// Chooses the columns that [`Row::cell`] gives, in this order. Without it there are none.
    pub fn project(&mut self, names: &[String]) {
        self.names = names.to_vec();
        self.resolve_projection();
    }

    /// The format that is read.
    pub fn format(&self) -> Format {
        self.dialect.format
    }

    /// The columns, once they are known.
    ///
    /// CSV: from the first call of [`next_row`](Self::next_row) that had the whole header row. `None` at the end of the
    /// file means that the file is empty; a header alone is a table of no rows. JSON Lines: from the first row on.
    pub fn header(&self) -> Option<&Arc<Header>> {
        self.header.as_ref()
    }

    /// The place behind the last row that was taken: behind the header if there was none, and at the start of reading
    /// before that. Blank lines that follow may have been passed; the end of a file always has been once there is no
    /// more row.
    pub fn position(&self) -> Position {
        Position {
            byte: self.offset(self.start),
            row: self.rows,
        }
    }

    /// Takes in the next bytes of the file.
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

    /// Says that the last byte has been pushed.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next row. `None`: more input is needed or, after [`end`](Self::end), there are no more rows.
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

    /// Moves to the next row. `false`: there is none yet, or none any more.
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
            Start::Other(signature) => {
                return Err(TableError::NotText {
                    place: self.place(0),
                    found: signature.what,
                    remedy: signature.remedy,
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

    /// Has errors name the row that begins at `start`.
    fn note_place(&mut self) {
        self.found = Found {
            number: self.rows,
            line: self.line,
            ..Found::default()
        };
    }

    /// Notes the record from `start` to `end` as found, and moves to `scanned`, behind its line ending.
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

    /// Refuses a row that begins at `start` and reaches beyond the limit.
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

    /// The row that was found last.
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
            Record::Json(record) => std::str::from_utf8(raw)
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

    /// The error for a found record that is not text.
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

    /// The place of a byte of the buffer, in the record that was found last.
    fn place(&self, index: usize) -> Place {
        let is_header = self.header.is_none() && self.dialect.format != Format::JsonLines;
        Place {
            file: self.file.clone(),
            row: (!is_header).then_some(self.found.number),
            line: self.found.line,
            byte: self.offset(index),
        }
    }

    /// The offset in the file of a byte of the buffer.
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

/// Where it is; what it holds of the file is left out.
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
