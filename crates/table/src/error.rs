//! What can be wrong with a table, with its place and the remedy.

use crate::format::Quoting;
use crate::quote;
use std::fmt;

/// Where in a file something is: enough to open the file there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as named to the decoder.
    pub file: String,
    /// The data row, counted from 0; `None` for the header.
    pub row: Option<u64>,
    /// The line in the file, counted from 1, where the row starts. `None` if reading started in the middle of the file.
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

/// A table that cannot be read. Reading stops here: rows after it cannot be trusted.
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
    /// A quoted cell is still open where the file ends.
    #[error(
        "{place}: a quoted cell starts here and is never closed; add the closing quote, or double the quote if it is part \
         of the text{}",
        other_quoting(*quoting)
    )]
    OpenQuote {
        /// The opening quote.
        place: Place,
        /// How the file was read.
        quoting: Quoting,
    },
    /// A closing quote is followed by something else than a separator or a line ending.
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
        /// How the file was read.
        quoting: Quoting,
    },
    /// The header has one column whose name holds another separator.
    #[error(
        "{place}: the header is one column, and holds {found}; save the file with {expected} between the cells, or put the \
         name in quotes if it is that of the only column"
    )]
    OtherSeparator {
        /// The header.
        place: Place,
        /// The separator that is there, in words.
        found: &'static str,
        /// What separates cells in this format, in words.
        expected: &'static str,
    },
    /// The first line tells Excel the separator.
    #[error("{place}: the line `sep=` is a note for Excel and no header; delete it")]
    SeparatorNote {
        /// The header.
        place: Place,
    },
    /// The header, or the keys of JSON Lines together, are longer than [`MAX_HEADER_BYTES`](crate::MAX_HEADER_BYTES).
    #[error(
        "{place}: the column names take more than {limit} bytes; shorten them, or look for a missing line break or closing \
         quote"
    )]
    HeaderTooLong {
        /// The header, or the row with the key that is too much.
        place: Place,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file is not text, by its first bytes.
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
        /// The first byte that cannot be read.
        place: Place,
    },
    /// Two columns of a header have one name.
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
        /// What the parser says.
        reason: String,
    },
    /// A line of JSON Lines has a word that JSON does not have, as other languages write it.
    #[error("{place}: {word} is not JSON; write {instead} in its place, or leave the key out")]
    ForeignWord {
        /// The word.
        place: Place,
        /// The word.
        word: &'static str,
        /// What JSON has for it.
        instead: &'static str,
    },
    /// A JSON string holds an escape that is no character. Found only in columns that are looked at.
    #[error(
        "{place}: the string that begins here is not text: {reason}; write characters beyond U+FFFF as both halves of a surrogate pair"
    )]
    BrokenEscape {
        /// The start of the string.
        place: Place,
        /// What the parser says.
        reason: String,
    },
    /// A line of JSON Lines is JSON but not an object.
    #[error(
        "{place}: the line is {found}, not a JSON object; write each row as {{\"column\": value, ...}} on a line of its own"
    )]
    NotAnObject {
        /// The start of the row.
        place: Place,
        /// What it is: `an array`, `a string` and so on.
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
    /// An object has one key twice.
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
    /// Where it is.
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

/// The quoting that the file may have instead, as the end of a remedy.
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

/// What the JSON parser says, without its line and column: they count within the row, and the place of the error says
/// where that is.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
