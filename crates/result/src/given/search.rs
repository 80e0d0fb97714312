//! Searches several answer files for the last answer to each record.

use super::GivenAnswers;
use super::rounds::{LastAnswers, TableRow};
use quarry_answer::{LineBody, read_line};
use std::collections::{HashMap, HashSet};

/// Searches the last answers, line by line.
#[derive(Debug, Clone)]
pub struct LastAnswersSearch<'a> {
    answers: &'a GivenAnswers,
    last: HashMap<TableRow, usize>,
    of_file: HashSet<TableRow>,
    file: usize,
    records: u64,
}

impl<'a> LastAnswersSearch<'a> {
    /// Starts before the first line.
    pub fn new(answers: &'a GivenAnswers) -> Self {
        Self {
            answers,
            last: HashMap::new(),
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
        let Some(record) = record.filter(|record| self.answers.slice_of(*record).is_some()) else {
            return;
        };
        self.of_file.insert(record);
        if matches!(read.body, LineBody::Output(_)) {
            self.last.insert(record, file);
        }
    }

    /// Returns the last answers over tables with `rows` rows in total; none if the files are not
    /// rounds.
    pub fn finish(mut self, rows: u64) -> LastAnswers {
        self.end_file();
        if self.records <= rows {
            return LastAnswers::default();
        }
        LastAnswers { last: self.last }
    }

    fn end_file(&mut self) {
        self.records += self.of_file.len() as u64;
        self.of_file.clear();
    }
}
