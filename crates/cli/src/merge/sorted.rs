//! Answer lines by the slice that they belong to.

use super::answers::AnswerFile;
use super::numbering::OriginalJob;
use crate::failure::Failure;
use indexmap::IndexMap;
use quarry_answer::{LineBody, read_line};
use quarry_contract::plan::{Plan, Slice};
use quarry_contract::record_id::RecordIds;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Answer lines sorted by slice, each in a file of its own. A line that belongs to no slice goes
/// to the first one, which counts it.
pub(super) struct Sorted {
    ids: Vec<RecordIds>,
    slices: Vec<Slice>,
    files: Vec<Option<BufWriter<File>>>,
    folder: PathBuf,
    /// Lines, and those of them that belong to a row.
    lines: u64,
    matched: u64,
}

impl Sorted {
    pub(super) fn new(plan: &Plan, slices: Vec<Slice>, directory: &Path) -> Result<Self, Failure> {
        let folder = directory.join("sorted-answers");
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::input(format!("{} cannot be written: {error}", folder.display()))
        })?;
        Ok(Self {
            ids: plan
                .tables
                .iter()
                .map(|table| RecordIds::new(table.split.as_deref()))
                .collect(),
            files: slices.iter().map(|_| None).collect(),
            slices,
            folder,
            lines: 0,
            matched: 0,
        })
    }

    /// Adds the answers of one of the original step's jobs, whose ids count from 0.
    pub(super) fn add_job(&mut self, file: &AnswerFile, job: &OriginalJob) -> Result<(), Failure> {
        for line in file.lines()? {
            let line = line?;
            let found = read_line(&line)
                .ok()
                .map(|read| self.find_in_job(&read.record_id, job, file));
            let (slice, line) = match found {
                // Only what is no line of an answer cannot be renamed, and that has no record.
                Some((slice, id)) => (slice, renamed(&line, &id).unwrap_or(line)),
                None => (None, line),
            };
            self.lines += 1;
            self.matched += u64::from(slice.is_some());
            self.write(slice.unwrap_or(0), &line)?;
        }
        Ok(())
    }

    /// Adds answers whose ids are those of the whole table, which has `rows` rows. Returns how many of them were left
    /// out for one in a later file.
    pub(super) fn add_table(&mut self, files: &[AnswerFile], rows: u64) -> Result<u64, Failure> {
        let last_answered = self.last_answers(files, rows)?;
        let mut replaced = 0;
        for (number, file) in files.iter().enumerate() {
            for line in file.lines()? {
                let line = line?;
                let read = read_line(&line).ok();
                let record = read.as_ref().and_then(|read| self.record(&read.record_id));
                let is_replaced = record
                    .and_then(|record| last_answered.get(&record))
                    .is_some_and(|last| *last > number);
                self.lines += 1;
                if is_replaced {
                    self.matched += 1;
                    replaced += u64::from(
                        read.is_some_and(|read| matches!(read.body, LineBody::Output(_))),
                    );
                    continue;
                }
                let slice = record.and_then(|(table, row)| self.slice_of(table, row));
                self.matched += u64::from(slice.is_some());
                self.write(slice.unwrap_or(0), &line)?;
            }
        }
        Ok(replaced)
    }

    /// The last file with an answer to each record, where the files are rounds of asking.
    ///
    /// They are if they hold more records than there are rows. Files that hold fewer could also be jobs of the
    /// original step whose ids were not recognised, and taking the last answer would take that of another row.
    fn last_answers(
        &self,
        files: &[AnswerFile],
        rows: u64,
    ) -> Result<HashMap<(usize, u64), usize>, Failure> {
        let mut last_answered = HashMap::new();
        if files.len() < 2 {
            return Ok(last_answered);
        }
        let mut records = 0;
        for (number, file) in files.iter().enumerate() {
            let mut of_file = HashSet::new();
            for line in file.lines()? {
                let line = line?;
                let Ok(read) = read_line(&line) else { continue };
                let record = self.record(&read.record_id);
                let is_there = |&(table, row): &(usize, u64)| self.slice_of(table, row).is_some();
                let Some(record) = record.filter(is_there) else {
                    continue;
                };
                of_file.insert(record);
                if matches!(read.body, LineBody::Output(_)) {
                    last_answered.insert(record, number);
                }
            }
            records += of_file.len() as u64;
        }
        if records <= rows {
            last_answered.clear();
        }
        Ok(last_answered)
    }

    /// The table and the row of a record id.
    fn record(&self, id: &str) -> Option<(usize, u64)> {
        self.ids
            .iter()
            .enumerate()
            .find_map(|(table, ids)| Some((table, ids.row(id)?)))
    }

    /// The slice of an id that counts from 0 in its file, and the id in this run's numbering. An
    /// id beyond the job gets one that is nobody's, and names the file in the summary.
    fn find_in_job(
        &self,
        id: &str,
        job: &OriginalJob,
        file: &AnswerFile,
    ) -> (Option<usize>, String) {
        let row = RecordIds::new(None)
            .row(id)
            .filter(|row| *row < job.rows)
            .map(|row| job.first_row + row);
        match row {
            Some(row) => (self.slice_of(job.table, row), self.ids[job.table].id(row)),
            None => (None, format!("{id} in {}", file.name())),
        }
    }

    fn slice_of(&self, table: usize, row: u64) -> Option<usize> {
        self.slices.iter().position(|slice| {
            slice.table == table && (slice.first_row..slice.first_row + slice.rows).contains(&row)
        })
    }

    fn path(&self, slice: usize) -> PathBuf {
        self.folder.join(format!("{slice:06}.jsonl.out"))
    }

    fn write(&mut self, slice: usize, line: &[u8]) -> Result<(), Failure> {
        let path = self.path(slice);
        let unwritable = |error: std::io::Error| {
            Failure::input(format!("{} cannot be written: {error}", path.display()))
        };
        let Some(file) = self.files.get_mut(slice) else {
            return Ok(());
        };
        let file = match file {
            Some(file) => file,
            None => file.insert(BufWriter::new(File::create(&path).map_err(unwritable)?)),
        };
        file.write_all(line)
            .and_then(|()| file.write_all(b"\n"))
            .map_err(unwritable)
    }

    /// Whether there are lines, and none of them belongs to a row: then the files are others than those that were meant.
    pub(super) fn matches_nothing(&self) -> bool {
        self.lines > 0 && self.matched == 0
    }

    /// The file of each slice; empty for a slice without a line.
    pub(super) fn finish(self) -> Result<Vec<PathBuf>, Failure> {
        let paths: Vec<PathBuf> = (0..self.files.len())
            .map(|slice| self.path(slice))
            .collect();
        for (file, path) in self.files.into_iter().zip(&paths) {
            match file {
                Some(mut file) => file.flush(),
                None => File::create(path).map(drop),
            }
            .map_err(|error| {
                Failure::input(format!("{} cannot be written: {error}", path.display()))
            })?;
        }
        Ok(paths)
    }
}

/// The line with another record id; everything else stays as it is.
fn renamed(line: &[u8], id: &str) -> Option<Vec<u8>> {
    let members: IndexMap<String, &RawValue> = serde_json::from_slice(line).ok()?;
    let id = RawValue::from_string(serde_json::to_string(id).ok()?).ok()?;
    let renamed: IndexMap<&str, &RawValue> = members
        .iter()
        .map(|(key, value)| (key.as_str(), if key == "recordId" { &*id } else { *value }))
        .collect();
    serde_json::to_vec(&renamed).ok()
}
