//! The errors of a table, each with its place and its remedy.

use crate::format::Quoting;
use crate::quote;
use std::fmt;

/// A place in a file, precise enough to open the file there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name that the decoder was given for the file.
    pub file: String,
    /// The data row, counted from 0; `None` for the header.
    pub row: Option<u64>,
    /// The line in the file, counted from 1, where the row starts. `None` if reading started in the
    /// middle of the file.
    pub line: Option<u64>,
    /// The offset in the (uncompressed) file, counted from 0.
    pub byte: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            // People count rows from one.
            Some(row) => write!(f, "{}, row {} (", self.file, row + 1)?,
            None => write!(f, "{}, header (", self.file)?,
        }
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        write!(f, "byte {})", self.byte)
    }
}

/// A table that cannot be read. Reading stops at the error, because later rows cannot be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A row has more or fewer cells than the header has names.
    #[error(
        "{place}: the row has {found} cells but the header has {expected}; quote cells that contain the separator or a \
         line break, or write every cell even if it is empty"
    )]
    CellCount {
        /// The start of the row.
        place: Place,
        /// Number of columns in the header.
        expected: usize,
        /// Number of cells in the row.
        found: usize,
    },
    /// A quoted cell is still open at the end of the file.
    #[error(
        "{place}: a quoted cell starts here and is never closed; add the closing quote, or double the quote if it is part \
         of the text{}",
        other_quoting(*quoting)
    )]
    OpenQuote {
        /// The opening quote.
        place: Place,
        /// The quoting with which the file was read.
        quoting: Quoting,
    },
    /// A closing quote is not followed by a separator or a line ending.
    #[error(
        "{place}: text follows the closing quote of the cell that begins at byte {opened}; put a separator or a line break \
         behind the quote, or double the quote if it is part of the text{}",
        other_quoting(*quoting)
    )]
    BehindQuote {
        /// The first byte of the text.
        place: Place,
        /// Offset in the file of the opening quote.
        opened: u64,
        /// The quoting with which the file was read.
        quoting: Quoting,
    },
    /// The header has one column, whose name contains another separator.
    #[error(
        "{place}: the header is one column, and holds {found}; save the file with {expected} between the cells, or put the \
         name in quotes if it is that of the only column"
    )]
    OtherSeparator {
        /// The header.
        place: Place,
        /// The separator in the header, in words.
        found: &'static str,
        /// The separator of this format, in words.
        expected: &'static str,
    },
    /// The first line is a note that tells Excel the separator.
    #[error("{place}: the line `sep=` is a note for Excel and no header; delete it")]
    SeparatorNote {
        /// The header.
        place: Place,
    },
    /// The header, or all keys of JSON Lines together, are longer than
    /// [`MAX_HEADER_BYTES`](crate::MAX_HEADER_BYTES).
    #[error(
        "{place}: the column names take more than {limit} bytes; shorten them, or look for a missing line break or closing \
         quote"
    )]
    HeaderTooLong {
        /// The header, or the row with the key that exceeds the limit.
        place: Place,
        /// The limit in bytes.
        limit: usize,
    },
    /// The first bytes show that the file is not text.
    #[error("{} is {found}; {remedy}", place.file)]
    NotText {
        /// The start of the file.
        place: Place,
        /// What the file is.
        found: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// One row is longer than [`MAX_ROW_BYTES`](crate::MAX_ROW_BYTES).
    #[error(
        "{place}: the row is longer than {limit} bytes{}; shorten the row, or look for a missing line break or closing quote",
        quote.map_or_else(String::new, |byte| format!(" and a quote opened at byte {byte} is still open"))
    )]
    RowTooLong {
        /// The start of the row.
        place: Place,
        /// The limit in bytes.
        limit: usize,
        /// Offset in the file of a quote that is open at the limit.
        quote: Option<u64>,
    },
    /// The bytes are not UTF-8.
    #[error("{place}: not UTF-8 text; save the file as UTF-8")]
    NotUtf8 {
        /// The first invalid byte.
        place: Place,
    },
    /// The name of a column has a character that is not text. At the start of a file it would make the
    /// result look like another kind of file.
    #[error(
        "{place}: the name of column {column} has the character U+{:04X}, which is not text; delete it from the header",
        u32::from(*character)
    )]
    NameNotText {
        /// The header.
        place: Place,
        /// The column, counted from 1.
        column: usize,
        /// The character.
        character: char,
    },
    /// Two columns of a header have the same name.
    #[error(
        "{place}: columns {first} and {second} are both named {}; give each column its own name",
        quote::name(name)
    )]
    DuplicateColumn {
        /// The header.
        place: Place,
        /// The name.
        name: String,
        /// The first column of that name, counted from 1.
        first: usize,
        /// The second column of that name, counted from 1.
        second: usize,
    },
    /// A line of JSON Lines is not JSON.
    #[error("{place}: not valid JSON: {reason}; every line must be one complete JSON object")]
    NotJson {
        /// Where the parser stopped.
        place: Place,
        /// The parser's message.
        reason: String,
    },
    /// A line of JSON Lines has a word of another language that JSON does not have.
    #[error("{place}: {word} is not JSON; write {instead} in its place, or leave the key out")]
    ForeignWord {
        /// Where the word is.
        place: Place,
        /// The word.
        word: &'static str,
        /// Its replacement in JSON.
        instead: &'static str,
    },
    /// A JSON string has an escape that is not a character. Found only in projected columns.
    #[error(
        "{place}: the string that begins here is not text: {reason}; write characters beyond U+FFFF as both halves of a surrogate pair"
    )]
    BrokenEscape {
        /// The start of the string.
        place: Place,
        /// The parser's message.
        reason: String,
    },
    /// A line of JSON Lines is JSON but not an object.
    #[error(
        "{place}: the line is {found}, not a JSON object; write each row as {{\"column\": value, ...}} on a line of its own"
    )]
    NotAnObject {
        /// The start of the row.
        place: Place,
        /// The kind of value: `an array`, `a string` and so on.
        found: &'static str,
    },
    /// The objects of one file have too many different keys.
    #[error(
        "{place}: the file has more than {limit} different keys; keys must be column names, not data"
    )]
    TooManyColumns {
        /// The row with one key too many.
        place: Place,
        /// The limit.
        limit: usize,
    },
    /// An object has the same key twice.
    #[error(
        "{place}: the key {} appears twice; keep one of them",
        quote::name(key)
    )]
    DuplicateKey {
        /// The start of the row.
        place: Place,
        /// The key.
        key: String,
    },
}

impl TableError {
    /// The place of the error.
    pub fn place(&self) -> &Place {
        match self {
            Self::CellCount { place, .. }
            | Self::OpenQuote { place, .. }
            | Self::BehindQuote { place, .. }
            | Self::OtherSeparator { place, .. }
            | Self::SeparatorNote { place }
            | Self::HeaderTooLong { place, .. }
            | Self::RowTooLong { place, .. }
            | Self::NotUtf8 { place }
            | Self::NameNotText { place, .. }
            | Self::DuplicateColumn { place, .. }
            | Self::NotJson { place, .. }
            | Self::ForeignWord { place, .. }
            | Self::BrokenEscape { place, .. }
            | Self::NotText { place, .. }
            | Self::NotAnObject { place, .. }
            | Self::TooManyColumns { place, .. }
            | Self::DuplicateKey { place, .. } => place,
        }
    }
}

/// The other quotings that the file may have, as the end of a remedy.
fn other_quoting(quoting: Quoting) -> &'static str {
    match quoting {
        Quoting::Standard => {
            "; if the file writes quotes inside cells as \\\", set BEDROCK_CSV_QUOTING to `backslash`; if quotes are plain \
             text in it, to `none`"
        }
        Quoting::Backslash => {
            "; if quotes are plain text in the file, set BEDROCK_CSV_QUOTING to `none`"
        }
        Quoting::None => "",
    }
}

/// Returns the JSON parser's message without its line and column. They count within the row, and
/// the error has its own place.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
