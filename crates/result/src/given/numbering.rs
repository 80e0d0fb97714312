//! Decides whether answer files are jobs of the original step, whose record ids count from 0 in
//! each file.

use quarry_answer::read_line;
use quarry_contract::plan::Plan;
use quarry_contract::record_id::RecordIds;
use std::collections::HashMap;

/// One job of the original step: consecutive rows of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalJob {
    /// The table's number.
    pub table: usize,
    /// The first row of the job in the table.
    pub first_row: u64,
    /// Number of rows.
    pub rows: u64,
}

impl OriginalJob {
    /// Returns the row of the table for an id of the job; `None` for an id beyond its rows.
    pub(super) fn row(&self, id: &str) -> Option<u64> {
        let row = RecordIds::new(None).row(id)?;
        (row < self.rows).then(|| self.first_row + row)
    }
}

/// Returns the original step's jobs over the plan's tables, if there are as many of them as answer
/// files. Each job took as many rows of one input file as a job may have. `None` if the ids can
/// only be those of the whole table.
pub fn original_jobs(plan: &Plan, files: usize) -> Option<Vec<OriginalJob>> {
    // For a single table without splits the ids are the same in both numberings.
    if files < 2 && plan.tables.iter().all(|table| table.split.is_none()) {
        return None;
    }
    [false, true]
        .into_iter()
        .map(|with_empty_files| jobs(plan, with_empty_files))
        .find(|jobs| jobs.len() == files)
}

/// Returns the jobs of the original step, with or without those of files without rows.
fn jobs(plan: &Plan, with_empty_files: bool) -> Vec<OriginalJob> {
    let most = plan
        .settings
        .get("BEDROCK_MAX_RECORDS_PER_JOB")
        .and_then(|text| text.parse().ok())
        .unwrap_or(45_000)
        .max(1);
    let mut jobs = Vec::new();
    for (table, entry) in plan.tables.iter().enumerate() {
        let mut first_row = 0;
        for file in &entry.files {
            if file.rows == 0 && with_empty_files {
                jobs.push(OriginalJob {
                    table,
                    first_row,
                    rows: 0,
                });
            }
            let end = first_row + file.rows;
            while first_row < end {
                let rows = most.min(end - first_row);
                jobs.push(OriginalJob {
                    table,
                    first_row,
                    rows,
                });
                first_row += rows;
            }
        }
    }
    jobs
}

/// The evidence in the files' ids for one of the numberings. A few lines do not decide, because any
/// file may have ids that nobody sent. Ids that occur in several files are evidence for counting
/// from 0 in each file; ids beyond the rows of the file's job that the whole table has are evidence
/// against it.
#[derive(Debug, Clone)]
pub struct NumberingEvidence<'a> {
    jobs: &'a [OriginalJob],
    /// The ids of each table, and its number of rows.
    tables: Vec<(RecordIds, u64)>,
    first_seen_in: HashMap<u64, usize>,
    pro: u64,
    contra: u64,
}

impl<'a> NumberingEvidence<'a> {
    /// Starts without evidence. `jobs` are the jobs that the files would be.
    pub fn new(plan: &Plan, jobs: &'a [OriginalJob]) -> Self {
        let tables = plan.tables.iter();
        Self {
            jobs,
            tables: tables
                .map(|table| (RecordIds::new(table.split.as_deref()), table.rows))
                .collect(),
            first_seen_in: HashMap::new(),
            pro: 0,
            contra: 0,
        }
    }

    /// Adds a line of the file with this number, counted from 0.
    pub fn add(&mut self, file: usize, line: &[u8]) {
        let (Some(job), Ok(line)) = (self.jobs.get(file), read_line(line)) else {
            return;
        };
        if let Some(row) = RecordIds::new(None)
            .row(&line.record_id)
            .filter(|row| *row < job.rows)
        {
            let first = *self.first_seen_in.entry(row).or_insert(file);
            self.pro += u64::from(first != file);
        } else {
            let is_in_run = |(ids, rows): &(RecordIds, u64)| {
                ids.row(&line.record_id).is_some_and(|row| row < *rows)
            };
            self.contra += u64::from(self.tables.iter().any(is_in_run));
        }
    }

    /// Whether the ids count from 0 in each file.
    pub fn counts_by_file(&self) -> bool {
        self.pro > self.contra || self.contra == 0
    }
}
