//! Whether the header of a result can be read again as that of a table.

use crate::encode::RowEncoder;
use crate::header::{Header, MAX_HEADER_BYTES};

/// Why a header that is written could not be read. Columns are counted from 0, in the order in which they
/// are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadableHeader {
    /// The name of a column has a character that is not text.
    NotText {
        /// The column.
        column: usize,
        /// The character.
        character: char,
    },
    /// Two columns have the same name, as it is written: without quoting, separators and line breaks are
    /// replaced.
    SameName {
        /// The first column.
        first: usize,
        /// The second one.
        second: usize,
    },
    /// The names take more than [`MAX_HEADER_BYTES`].
    TooLong,
}

impl RowEncoder {
    /// Returns why a reader would refuse the header row that this encoder writes; `None` if it would read
    /// it.
    pub fn unreadable_header(&mut self) -> Option<UnreadableHeader> {
        let columns = self.written_names()?;
        let header = Header {
            columns,
            ..Header::default()
        };
        if let Some((column, character)) = header.name_that_is_no_text() {
            return Some(UnreadableHeader::NotText { column, character });
        }
        if let Some((first, second)) = header.twins() {
            return Some(UnreadableHeader::SameName { first, second });
        }
        let mut line = Vec::new();
        self.header_line(&mut line);
        (line.len() > MAX_HEADER_BYTES).then_some(UnreadableHeader::TooLong)
    }
}
