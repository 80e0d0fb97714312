//! Decides which of several answers to a record counts.

use std::collections::HashMap;

/// A row of a run: the table's number and the row's number in it.
pub type TableRow = (usize, u64);

/// The last file with an answer to each record, if the files are rounds.
///
/// They are rounds if they have more records than there are rows. Files with fewer records could
/// also be jobs of the original step whose ids were not recognised, and then the last answer could
/// be that of another row.
#[derive(Debug, Clone, Default)]
pub struct LastAnswers {
    pub(super) last: HashMap<TableRow, usize>,
}

impl LastAnswers {
    /// Whether a file after this one has an answer to the record.
    pub(super) fn is_after(&self, record: TableRow, file: usize) -> bool {
        self.last.get(&record).is_some_and(|last| *last > file)
    }
}
