//! Whether answer files are jobs of the original step, whose record ids count from 0 in each.

use super::answers::AnswerFile;
use crate::failure::Failure;
use quarry_answer::read_line;
use quarry_contract::plan::Plan;
use quarry_contract::record_id::RecordIds;
use std::collections::HashMap;

/// One job of the original step: rows of one file that follow each other.
#[derive(Debug, Clone)]
pub(super) struct OriginalJob {
    pub(super) table: usize,
    pub(super) first_row: u64,
    pub(super) rows: u64,
}

/// The jobs to which the files belong, when record ids count from 0 in every file, as the original
/// step numbered them: each of its jobs had as many rows of one input file as a job may have.
/// None when the ids are those of the whole table.
pub(super) fn original_numbering(
    plan: &Plan,
    files: &[AnswerFile],
) -> Result<Option<Vec<OriginalJob>>, Failure> {
    // Of a single table without splits the ids are the same either way.
    if files.len() < 2 && plan.tables.iter().all(|table| table.split.is_none()) {
        return Ok(None);
    }
    for with_empty_files in [false, true] {
        let jobs = original_jobs(plan, with_empty_files);
        if jobs.len() == files.len() {
            return Ok(restarts(plan, &jobs, files)?.then_some(jobs));
        }
    }
    Ok(None)
}

/// The jobs that the original step made; of a file without rows, too, where it went that far.
fn original_jobs(plan: &Plan, with_empty_files: bool) -> Vec<OriginalJob> {
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

/// Whether the ids of each file count from 0. A few lines are not enough to tell, since any file
/// may hold ids that nobody sent: ids that come in several files speak for it, ids beyond the rows
/// of the file's job that the whole table has speak against it.
fn restarts(plan: &Plan, jobs: &[OriginalJob], files: &[AnswerFile]) -> Result<bool, Failure> {
    let tables: Vec<RecordIds> = plan
        .tables
        .iter()
        .map(|table| RecordIds::new(table.split.as_deref()))
        .collect();
    let ids_of_file = RecordIds::new(None);
    let (mut pro, mut contra) = (0_u64, 0_u64);
    let mut seen_in: HashMap<u64, usize> = HashMap::new();
    for (number, (job, file)) in jobs.iter().zip(files).enumerate() {
        for line in file.lines()? {
            let line = line?;
            let Ok(line) = read_line(&line) else { continue };
            let row = ids_of_file.row(&line.record_id);
            if let Some(row) = row.filter(|row| *row < job.rows) {
                let first = *seen_in.entry(row).or_insert(number);
                pro += u64::from(first != number);
            } else {
                let of_run = tables.iter().zip(&plan.tables).any(|(ids, table)| {
                    ids.row(&line.record_id).is_some_and(|row| row < table.rows)
                });
                contra += u64::from(of_run);
            }
        }
    }
    Ok(pro > contra || contra == 0)
}
