//! What came back for the rows of a result.

use crate::value::value;

/// The status columns that say what came back for a row, without prefix, in the order in which
/// [`RowAnswer::of`] takes their cells.
pub const ANSWER_COLUMNS: [&str; 3] = ["parse_status", "validation_passed", "status"];

/// What came back for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowAnswer {
    /// No model answered.
    Missing,
    /// An answer that nothing checks, because the run has no schema.
    Unchecked,
    /// An answer that breaks the schema.
    Invalid,
    /// An answer that satisfies the schema.
    Valid,
}

impl RowAnswer {
    /// Reads the cells of [`ANSWER_COLUMNS`]. A cell that is not there has no value.
    pub fn of(cells: &[Option<String>]) -> Self {
        let text = |index: usize| cells.get(index).and_then(|cell| value(cell.as_deref()));
        match (text(0), text(1), text(2)) {
            (_, Some("true"), Some("success")) => Self::Valid,
            (Some("json_only" | "json_failed"), _, Some("success")) => Self::Unchecked,
            (_, _, Some("success")) => Self::Invalid,
            _ => Self::Missing,
        }
    }
}

/// Rows by what came back for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnswerCounts {
    /// Rows without an answer.
    pub failed: u64,
    /// Rows with an answer that nothing checks.
    pub unchecked: u64,
    /// Rows with an answer that breaks the schema.
    pub invalid: u64,
    /// Rows with an answer that satisfies the schema.
    pub valid: u64,
}

impl AnswerCounts {
    /// Counts a row.
    pub fn add(&mut self, answer: RowAnswer) {
        let count = match answer {
            RowAnswer::Missing => &mut self.failed,
            RowAnswer::Unchecked => &mut self.unchecked,
            RowAnswer::Invalid => &mut self.invalid,
            RowAnswer::Valid => &mut self.valid,
        };
        *count += 1;
    }

    /// All rows.
    pub fn rows(&self) -> u64 {
        self.failed + self.answered()
    }

    /// Rows with an answer.
    pub fn answered(&self) -> u64 {
        self.unchecked + self.invalid + self.valid
    }

    /// Rows with an answer that satisfies the schema; `None` if no schema checks the answers.
    pub fn checked_valid(&self) -> Option<u64> {
        (self.unchecked == 0).then_some(self.valid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_valid_invalid_unchecked_or_without_an_answer() {
        for (cells, expected) in [
            (["success", "True", "success"], RowAnswer::Valid),
            (["success", "true", "success"], RowAnswer::Valid),
            (
                ["validation_failed", "False", "success"],
                RowAnswer::Invalid,
            ),
            (["json_only", "False", "success"], RowAnswer::Unchecked),
            (["json_failed", "false", "success"], RowAnswer::Unchecked),
            (["error", "False", "error"], RowAnswer::Missing),
            (["success", "True", ""], RowAnswer::Missing),
        ] {
            let cells = cells.map(|cell| Some(cell.to_owned()));
            assert_eq!(RowAnswer::of(&cells), expected, "{cells:?}");
        }
        assert_eq!(RowAnswer::of(&[None, None, None]), RowAnswer::Missing);
        assert_eq!(RowAnswer::of(&[]), RowAnswer::Missing);
    }

    #[test]
    fn counts_of_valid_answers_are_known_only_where_a_schema_checks_them() {
        let mut counts = AnswerCounts::default();
        for answer in [RowAnswer::Missing, RowAnswer::Invalid, RowAnswer::Valid] {
            counts.add(answer);
        }
        assert_eq!((counts.rows(), counts.answered()), (3, 2));
        assert_eq!(counts.checked_valid(), Some(1));
        counts.add(RowAnswer::Unchecked);
        assert_eq!((counts.rows(), counts.answered()), (4, 3));
        assert_eq!(counts.checked_valid(), None);
    }
}
