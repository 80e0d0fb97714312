//! Sorting answer files by slice.

use super::answers::AnswerFile;
use crate::failure::Failure;
use quarry_contract::plan::{Plan, Slice};
use quarry_result::given::numbering::{NumberingEvidence, OriginalJob, original_jobs};
use quarry_result::given::rounds::LastAnswers;
use quarry_result::given::search::LastAnswersSearch;
use quarry_result::given::{GivenAnswers, TableLine};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The summary's notes about several answer files.
const COUNTS_BY_FILE: &str = "record ids were read as counting from 0 in each answer file, as the \
    original step numbered them: the files are its jobs, in the order given";
const COUNTS_BY_TABLE: &str = "record ids were read as those of the whole table";

/// Sorts the answers by slice. Returns a file in `folder` for each slice, and notes.
pub(super) fn sort(
    files: &[PathBuf],
    plan: &Plan,
    slices: Vec<Slice>,
    folder: &Path,
) -> Result<(Vec<PathBuf>, Vec<String>), Failure> {
    let files = AnswerFile::all(files, folder)?;
    let mut sorted = SortedFiles::new(slices.len(), folder)?;
    let answers = GivenAnswers::new(plan, slices);
    let mut notes = Vec::new();
    if let Some(jobs) = jobs(plan, &files)? {
        for (file, job) in files.iter().zip(&jobs) {
            add_job(&mut sorted, &answers, file, job)?;
        }
        notes.push(COUNTS_BY_FILE.to_owned());
    } else {
        let rows = plan.tables.iter().map(|table| table.rows).sum();
        let last = last_answers(&answers, &files, rows)?;
        let replaced = add_table(&mut sorted, &answers, &files, &last)?;
        if files.len() > 1 {
            notes.push(COUNTS_BY_TABLE.to_owned());
        }
        if replaced > 0 {
            notes.push(format!(
                "{replaced} answers were left out: a later answer file has one to the same record"
            ));
        }
    }
    if sorted.matches_nothing() {
        return Err(no_line_matched(&files));
    }
    Ok((sorted.finish()?, notes))
}

fn no_line_matched(files: &[AnswerFile]) -> Failure {
    let names: Vec<&str> = files.iter().map(AnswerFile::name).take(3).collect();
    let more = if files.len() > names.len() {
        ", …"
    } else {
        ""
    };
    Failure::input(format!(
        "no line matched a row: {}{more}; give the output files of Bedrock (*.jsonl.out) for this table",
        names.join(", ")
    ))
}

/// Returns the original step's jobs, one for each file; `None` if the ids are those of the whole
/// table.
fn jobs(plan: &Plan, files: &[AnswerFile]) -> Result<Option<Vec<OriginalJob>>, Failure> {
    let Some(jobs) = original_jobs(plan, files.len()) else {
        return Ok(None);
    };
    let mut evidence = NumberingEvidence::new(plan, &jobs);
    for (number, file) in files.iter().enumerate() {
        for line in file.lines()? {
            evidence.add(number, &line?);
        }
    }
    Ok(evidence.counts_by_file().then_some(jobs))
}

fn last_answers(
    answers: &GivenAnswers,
    files: &[AnswerFile],
    rows: u64,
) -> Result<LastAnswers, Failure> {
    // A single file needs no additional reading.
    if files.len() < 2 {
        return Ok(LastAnswers::default());
    }
    let mut search = LastAnswersSearch::new(answers);
    for (number, file) in files.iter().enumerate() {
        for line in file.lines()? {
            search.add(number, &line?);
        }
    }
    Ok(search.finish(rows))
}

/// Adds the answers of one of the original step's jobs.
fn add_job(
    sorted: &mut SortedFiles,
    answers: &GivenAnswers,
    file: &AnswerFile,
    job: &OriginalJob,
) -> Result<(), Failure> {
    for line in file.lines()? {
        let line = line?;
        let found = answers.of_job(&line, job, file.name());
        sorted.add(found.slice, &found.line)?;
    }
    Ok(())
}

/// Adds answers whose ids are those of the whole table. Returns how many were left out because a
/// later file has an answer to the same record.
fn add_table(
    sorted: &mut SortedFiles,
    answers: &GivenAnswers,
    files: &[AnswerFile],
    last: &LastAnswers,
) -> Result<u64, Failure> {
    let mut replaced = 0;
    for (number, file) in files.iter().enumerate() {
        for line in file.lines()? {
            let line = line?;
            match answers.of_table(&line, number, last) {
                TableLine::Slice(slice) => sorted.add(Some(slice), &line)?,
                TableLine::NoRow => sorted.add(None, &line)?,
                TableLine::Replaced { is_answer } => {
                    sorted.leave_out();
                    replaced += u64::from(is_answer);
                }
            }
        }
    }
    Ok(replaced)
}

/// Answer lines by slice, with a file for each slice. A line that belongs to no slice goes to the
/// first one, which counts it.
struct SortedFiles {
    files: Vec<Option<BufWriter<File>>>,
    folder: PathBuf,
    /// The number of lines, and of those that belong to a row.
    lines: u64,
    matched: u64,
}

impl SortedFiles {
    fn new(slices: usize, directory: &Path) -> Result<Self, Failure> {
        let folder = directory.join("sorted-answers");
        std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
        Ok(Self {
            files: (0..slices).map(|_| None).collect(),
            folder,
            lines: 0,
            matched: 0,
        })
    }

    fn add(&mut self, slice: Option<usize>, line: &[u8]) -> Result<(), Failure> {
        self.lines += 1;
        self.matched += u64::from(slice.is_some());
        let slice = slice.unwrap_or(0);
        let path = self.path(slice);
        let unwritable = |error: std::io::Error| unwritable(&path, &error);
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

    /// Counts a line that belongs to a row and is replaced by another line.
    fn leave_out(&mut self) {
        self.lines += 1;
        self.matched += 1;
    }

    fn path(&self, slice: usize) -> PathBuf {
        self.folder.join(format!("{slice:06}.jsonl.out"))
    }

    /// Whether there are lines but none of them belongs to a row, which means that these are the
    /// wrong files.
    fn matches_nothing(&self) -> bool {
        self.lines > 0 && self.matched == 0
    }

    /// Returns the file of each slice; empty for a slice without a line.
    fn finish(self) -> Result<Vec<PathBuf>, Failure> {
        let paths: Vec<PathBuf> = (0..self.files.len())
            .map(|slice| self.path(slice))
            .collect();
        for (file, path) in self.files.into_iter().zip(&paths) {
            match file {
                Some(mut file) => file.flush(),
                None => File::create(path).map(drop),
            }
            .map_err(|error| unwritable(path, &error))?;
        }
        Ok(paths)
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::input(format!("{} cannot be written: {error}", path.display()))
}
