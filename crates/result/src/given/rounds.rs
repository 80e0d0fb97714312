//! Which of several answers to one record counts.

use super::{GivenAnswers, TableRow};
use quarry_answer::{LineBody, read_line};
use std::collections::{HashMap, HashSet};

/// The last file with an answer to each record, where the files are rounds of asking.
///
/// They are if they hold more records than there are rows. Files that hold fewer could also be jobs of the
/// original step whose ids were not recognised, and taking the last answer would take that of another row.
#[derive(Debug, Clone, Default)]
pub struct LastAnswers {
    last: HashMap<TableRow, usize>,
}

impl LastAnswers {
    /// Whether a file after this one has an answer to the record.
    pub(super) fn is_after(&self, record: TableRow, file: usize) -> bool {
        self.last.get(&record).is_some_and(|last| *last > file)
    }
}

/// Finds the last answers, line by line.
#[derive(Debug, Clone)]
pub struct LastAnswersSearch<'a> {
    answers: &'a GivenAnswers,
    last: HashMap<TableRow, usize>,
    of_file: HashSet<TableRow>,
    file: usize,
    records: u64,
}

impl<'a> LastAnswersSearch<'a> {
    /// No line has been seen yet.
    pub fn new(answers: &'a GivenAnswers) -> Self {
        Self {
            answers,
            last: HashMap::new(),
            of_file: HashSet::new(),
            file: 0,
            records: 0,
        }
    }

    /// Looks at a line of the file of this number. Files come one after another, in their order.
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

    /// The last answers over tables with `rows` rows in all; none if the files are no rounds.
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
