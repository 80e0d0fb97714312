//! Limits the length of values, and counts the cuts.

use crate::error::RenderError;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The end of a value that was cut. It counts towards the limit.
const MARKER: &str = "\n... [TRUNCATED DUE TO LENGTH]";
/// Length of the marker in characters, which are single bytes.
const MARKER_CHARS: usize = MARKER.len();

/// The greatest length of one value in a prompt, in Unicode code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldLimit(usize);

impl FieldLimit {
    /// The smallest limit: one character and the text that marks the cut.
    pub const MIN: usize = MARKER_CHARS + 1;

    /// Returns an error if the limit, in code points, is too small.
    pub fn new(chars: usize) -> Result<Self, RenderError> {
        if chars < Self::MIN {
            return Err(RenderError::FieldLimitTooSmall {
                limit: chars,
                least: Self::MIN,
            });
        }
        Ok(Self(chars))
    }

    /// The limit in code points.
    pub fn chars(self) -> usize {
        self.0
    }

    /// Returns the part of a too long text that precedes the marker, and the marker; `None` if the
    /// text is within the limit.
    pub(crate) fn cut(self, text: &str) -> Option<(&str, &'static str)> {
        // A code point is at least one byte, so most texts need no counting.
        if text.len() <= self.0 || text.char_indices().nth(self.0).is_none() {
            return None;
        }
        let (end, _) = text.char_indices().nth(self.0 - MARKER_CHARS)?;
        Some((&text[..end], MARKER))
    }
}

/// Counts of the values that were cut.
///
/// Only values that a prompt uses count, and a value counts once for a row, however often the
/// prompt repeats it. (The program that Quarry replaces looked at every text column and counted
/// again with each rendering of a row.)
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Truncation {
    /// Number of values cut.
    pub total: u64,
    /// Number of rows with at least one value cut.
    pub records: u64,
    /// Number of values cut by column.
    pub fields: IndexMap<String, u64>,
}

impl Truncation {
    /// Adds the counts of other rows.
    pub fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.records += other.records;
        for (name, count) in &other.fields {
            self.count_field(name, *count);
        }
    }

    /// Counts one row with the columns whose values were cut.
    pub(crate) fn count_row<'a>(&mut self, names: impl Iterator<Item = &'a String>) {
        let before = self.total;
        for name in names {
            self.total += 1;
            self.count_field(name, 1);
        }
        self.records += u64::from(self.total > before);
    }

    fn count_field(&mut self, name: &str, count: u64) {
        if let Some(sum) = self.fields.get_mut(name) {
            *sum += count;
        } else {
            self.fields.insert(name.to_owned(), count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FieldLimit, MARKER, Truncation};

    #[test]
    fn the_result_has_exactly_the_limit_in_code_points() {
        let limit = FieldLimit::new(40).unwrap();
        assert_eq!(limit.cut(&"ü".repeat(40)), None);
        let long = "ü".repeat(41);
        let (head, marker) = limit.cut(&long).unwrap();
        assert_eq!(head, "ü".repeat(10));
        assert_eq!(head.chars().count() + marker.chars().count(), 40);
    }

    #[test]
    fn a_limit_without_room_for_the_marker_is_refused() {
        assert_eq!(MARKER.chars().count(), 30);
        assert!(
            FieldLimit::new(30)
                .unwrap_err()
                .to_string()
                .contains("at least 31")
        );
        let head = FieldLimit::new(31)
            .unwrap()
            .cut(&"x".repeat(32))
            .map(|(head, _)| head.len());
        assert_eq!(head, Some(1));
    }

    #[test]
    fn counts_add_up() {
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let mut sum = Truncation::default();
        sum.count_row([&a, &b].into_iter());
        sum.count_row([].into_iter());
        let mut more = Truncation::default();
        more.count_row([&b].into_iter());
        sum.add(&more);
        assert_eq!((sum.total, sum.records), (3, 2));
        assert_eq!(sum.fields.get("b"), Some(&2));
    }
}
