//! What became of the rows of a merged result.

use quarry_contract::plan::Plan;
use quarry_result::retried::MergedCounts;
use std::collections::{BTreeMap, BTreeSet};

/// Counts the rows of a merged result by the input files of the first run.
pub(super) struct MergedTally {
    /// The rows of each file, and what became of those seen so far.
    files: Vec<(u64, MergedCounts)>,
    current: usize,
    /// Rows of the retry whose number in the first table is wanted.
    wanted: BTreeSet<u64>,
    pub(super) numbers: BTreeMap<u64, u64>,
}

impl MergedTally {
    /// Begins with the files of a plan. `wanted` are rows of the retry that its summary names.
    pub(super) fn new(plan: &Plan, wanted: impl Iterator<Item = u64>) -> Self {
        let files = plan.tables.iter().flat_map(|table| &table.files);
        // With several tables, the number of a row does not tell which table it is in.
        let wanted = wanted.filter(|_| plan.tables.len() == 1);
        Self {
            files: files
                .map(|file| (file.rows, MergedCounts::default()))
                .collect(),
            current: 0,
            wanted: wanted.collect(),
            numbers: BTreeMap::new(),
        }
    }

    /// Counts the next row.
    pub(super) fn add(&mut self, failed: bool, valid: bool) {
        while let Some((rows, counts)) = self.files.get_mut(self.current) {
            if counts.rows < *rows {
                counts.add_row(failed, valid);
                return;
            }
            self.current += 1;
        }
    }

    /// Notes that a row of the retry is that of the first table.
    pub(super) fn note(&mut self, again: u64, first: u64) {
        if self.wanted.contains(&again) {
            self.numbers.insert(again, first);
        }
    }

    pub(super) fn files(&self) -> Vec<MergedCounts> {
        self.files.iter().map(|(_, counts)| *counts).collect()
    }
}
