//! The columns of a file, which are known before its first row.

use crate::format::{Dialect, Format, Quoting};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The most bytes of a header row, and of all keys of JSON Lines together: 1 MiB.
///
/// A header becomes part of the run's plan, which every step reads, and columns of the result.
pub const MAX_HEADER_BYTES: usize = 1 << 20;

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
/// It can be stored and passed to [`RowDecoder::resume`](crate::RowDecoder::resume), so that a part
/// of a file can be read without its beginning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// Column names in file order. CSV: from the header row. Names may be empty, because pandas
    /// writes its index so and spreadsheets write empty columns after the last used one, but no two
    /// other names are equal. JSON Lines: keys in order of first appearance; the list grows while
    /// rows are read.
    pub columns: Vec<String>,
    /// The header row as it is in the file, without byte order mark and line ending. Empty for JSON
    /// Lines.
    pub raw: String,
    /// How the header row ends; for JSON Lines, how the first row ends. `Lf` if the file ends
    /// before that.
    pub newline: Newline,
}

impl Header {
    /// Returns for each name its index among the columns.
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

    /// Returns the first column whose name has a character that is not text, and the character: a
    /// control character other than those of white space, or a byte order mark before the name. The name
    /// of any column may be the first text of a result, where such characters would be taken for a sign
    /// of another kind of file.
    pub(crate) fn name_that_is_no_text(&self) -> Option<(usize, char)> {
        let is_no_text = |one: &char| one.is_ascii_control() && !matches!(one, '\t' | '\n' | '\r');
        self.columns.iter().enumerate().find_map(|(index, name)| {
            let mark = name.chars().next().filter(|first| *first == '\u{feff}');
            Some((index, mark.or_else(|| name.chars().find(is_no_text))?))
        })
    }

    /// Returns the indices of two columns with the same name. Columns without a name do not count.
    pub(crate) fn twins(&self) -> Option<(usize, usize)> {
        let mut places = HashMap::new();
        let named = self.columns.iter().enumerate();
        named
            .filter(|(_, name)| !name.is_empty())
            .find_map(|(second, name)| Some((places.insert(name.as_str(), second)?, second)))
    }

    /// Returns the separator that a header of one column seems to use instead of the format's. A
    /// name in quotes is taken literally.
    pub(crate) fn other_separator(&self, dialect: Dialect) -> Option<Separators> {
        let (others, expected): (&[_], _) = match dialect.format {
            Format::Csv => (
                &[(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")],
                "commas",
            ),
            Format::Tsv => (&[(',', "commas"), (';', "semicolons")], "tabs"),
            Format::JsonLines => return None,
        };
        // Without quoting there would be no way to say that the name is meant literally.
        let can_be_quoted = dialect.quoting != Quoting::None;
        if self.columns.len() != 1 || self.raw.starts_with('"') || !can_be_quoted {
            return None;
        }
        let (_, found) = others
            .iter()
            .find(|(separator, _)| self.raw.contains(*separator))?;
        Some(Separators { found, expected })
    }

    /// Whether the line is a note that tells Excel the separator: `sep=;`.
    pub(crate) fn is_separator_note(&self) -> bool {
        let line = self.raw.to_ascii_lowercase();
        line.strip_prefix("sep=")
            .is_some_and(|separator| separator.len() <= 1)
    }
}

/// The separator in a header and the one of its format, in words.
pub(crate) struct Separators {
    pub(crate) found: &'static str,
    pub(crate) expected: &'static str,
}
