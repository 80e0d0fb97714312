//! Decides whether answer files are rounds over the same rows.

use super::{GivenAnswers, TableRow};
use quarry_answer::read_line;
use std::collections::HashSet;

/// What the lines of several answer files say about whether the files are rounds.
///
/// They are rounds if they have more records than there are rows. Files with fewer records could
/// also be jobs of the original step whose ids were not recognised. Then two answers to one record
/// may be those of two rows, so they contradict each other.
#[derive(Debug, Clone)]
pub struct RoundsEvidence<'a> {
    answers: &'a GivenAnswers,
    of_file: HashSet<TableRow>,
    file: usize,
    records: u64,
}

impl<'a> RoundsEvidence<'a> {
    /// Starts before the first line.
    pub fn new(answers: &'a GivenAnswers) -> Self {
        Self {
            answers,
            of_file: HashSet::new(),
            file: 0,
            records: 0,
        }
    }

    /// Adds a line of the file with this number. The files must come one after the other, in their
    /// order.
    pub fn add(&mut self, file: usize, line: &[u8]) {
        if file != self.file {
            self.end_file();
            self.file = file;
        }
        let Ok(read) = read_line(line) else { return };
        let record = self.answers.record(&read.record_id);
        self.of_file
            .extend(record.filter(|record| self.answers.slice_of(*record).is_some()));
    }

    /// Whether the files are rounds over tables with `rows` rows in total.
    pub fn are_rounds(mut self, rows: u64) -> bool {
        self.end_file();
        self.records > rows
    }

    fn end_file(&mut self) {
        self.records += self.of_file.len() as u64;
        self.of_file.clear();
    }
}
