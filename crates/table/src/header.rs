//! What a file says about its columns before the first row.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Newline {
    /// `\n`.
    #[default]
    Lf,
    /// `\r\n`.
    CrLf,
    /// `\r` alone, as very old Macintosh programs wrote it.
    Cr,
}

impl Newline {
    /// The bytes of the line ending.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Cr => b"\r",
        }
    }
}

/// The columns of a file and the text that named them.
///
/// It can be stored and given to [`RowDecoder::resume`](crate::RowDecoder::resume), so that a part of a file is read
/// without its beginning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// Column names in file order. CSV: from the header row; a name may be empty (pandas writes its index so), but no
    /// two are equal. JSON Lines: keys in order of first appearance; the list grows while rows are read.
    pub columns: Vec<String>,
    /// The header row as it stands in the file, without byte order mark and line ending. Empty for JSON Lines.
    pub raw: String,
    /// How the header row ends; for JSON Lines, how the first row ends. `Lf` where the file ends before that.
    pub newline: Newline,
}

impl Header {
    /// For each name its place among the columns.
    pub(crate) fn places(&self, names: &[String]) -> Vec<Option<usize>> {
        let mut wanted: HashMap<&str, Option<usize>> =
            names.iter().map(|name| (name.as_str(), None)).collect();
        for (place, column) in self.columns.iter().enumerate() {
            if let Some(found) = wanted.get_mut(column.as_str()) {
                found.get_or_insert(place);
            }
        }
        names
            .iter()
            .map(|name| wanted.get(name.as_str()).copied().flatten())
            .collect()
    }
}
