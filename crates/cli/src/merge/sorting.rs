//! Sorting answer files by slice.

use super::answers::AnswerFile;
use crate::failure::Failure;
use quarry_contract::plan::{Plan, Slice};
use quarry_result::given::GivenAnswers;
use quarry_result::given::numbering::{NumberingEvidence, OriginalJob, original_jobs};
use quarry_result::given::rounds::RoundsEvidence;
use quarry_table::quote;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The most answer files that a message names.
const MOST_NAMED: usize = 3;

/// The summary's notes about several answer files.
const COUNTS_BY_FILE: &str = "record ids were read as counting from 0 in each answer file, as the \
    original step numbered them: the files are its jobs, in the order given";
const COUNTS_BY_TABLE: &str = "record ids were read as those of the whole table";
const ARE_ROUNDS: &str = "the answer files have more records than there are rows, so they were read \
    as rounds: of several answers to a record, the first good one counts";

/// Sorts the answers by slice. Returns the files in `folder` for each slice, and notes. Files of a
/// slice hold the answers of different calls, in the order given.
pub(super) fn sort(
    files: &[PathBuf],
    plan: &Plan,
    slices: Vec<Slice>,
    folder: &Path,
) -> Result<(Vec<Vec<PathBuf>>, Vec<String>), Failure> {
    let files = AnswerFile::all(files, folder)?;
    let mut sorted = SortedFiles::new(slices.len(), folder)?;
    let answers = GivenAnswers::new(plan, slices);
    let rows: u64 = plan.tables.iter().map(|table| table.rows).sum();
    let mut notes = Vec::new();
    if let Some(jobs) = jobs(plan, &files)? {
        for (file, job) in files.iter().zip(&jobs) {
            add_job(&mut sorted, &answers, file, job)?;
        }
        notes.push(COUNTS_BY_FILE.to_owned());
    } else {
        let are_rounds = are_rounds(&answers, &files, rows)?;
        add_table(&mut sorted, &answers, &files, are_rounds)?;
        if files.len() > 1 {
            notes.push(COUNTS_BY_TABLE.to_owned());
        }
        if are_rounds {
            notes.push(ARE_ROUNDS.to_owned());
        }
    }
    if sorted.matches_nothing(rows) {
        return Err(no_line_matched(&files));
    }
    Ok((sorted.finish()?, notes))
}

fn no_line_matched(files: &[AnswerFile]) -> Failure {
    Failure::input(format!(
        "no line matched a row: {}; give the output files of Bedrock (*.jsonl.out) for this table",
        quote::first_of(files.iter().map(AnswerFile::name), MOST_NAMED)
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

fn are_rounds(answers: &GivenAnswers, files: &[AnswerFile], rows: u64) -> Result<bool, Failure> {
    // A single file needs no additional reading.
    if files.len() < 2 {
        return Ok(false);
    }
    let mut evidence = RoundsEvidence::new(answers);
    for (number, file) in files.iter().enumerate() {
        for line in file.lines()? {
            evidence.add(number, &line?);
        }
    }
    Ok(evidence.are_rounds(rows))
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

/// Adds answers whose ids are those of the whole table.
fn add_table(
    sorted: &mut SortedFiles,
    answers: &GivenAnswers,
    files: &[AnswerFile],
    are_rounds: bool,
) -> Result<(), Failure> {
    for file in files {
        if are_rounds {
            sorted.begin_round()?;
        }
        for line in file.lines()? {
            let line = line?;
            sorted.add(answers.of_table(&line), &line)?;
        }
    }
    Ok(())
}

/// Answer lines by slice, with a file for each slice and round. A line that belongs to no slice goes
/// to the first one, which counts it.
struct SortedFiles {
    /// The files of the round that is being sorted.
    files: Vec<Option<BufWriter<File>>>,
    /// The files of each slice, round by round.
    paths: Vec<Vec<PathBuf>>,
    round: usize,
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
            paths: vec![Vec::new(); slices],
            round: 0,
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
        let file = if let Some(file) = file {
            file
        } else {
            self.paths[slice].push(path.clone());
            file.insert(BufWriter::new(File::create(&path).map_err(unwritable)?))
        };
        file.write_all(line)
            .and_then(|()| file.write_all(b"\n"))
            .map_err(unwritable)
    }

    /// Begins another round: the lines that follow come from other calls than those before.
    fn begin_round(&mut self) -> Result<(), Failure> {
        for (file, paths) in self.files.iter_mut().zip(&self.paths) {
            if let (Some(mut file), Some(path)) = (file.take(), paths.last()) {
                file.flush().map_err(|error| unwritable(path, &error))?;
            }
        }
        self.round += 1;
        Ok(())
    }

    fn path(&self, slice: usize) -> PathBuf {
        let name = format!("{slice:06}-{:06}.jsonl.out", self.round);
        self.folder.join(name)
    }

    /// Whether none of the lines belongs to one of the `rows` rows, which means that these are the
    /// wrong files.
    fn matches_nothing(&self, rows: u64) -> bool {
        self.matched == 0 && (self.lines > 0 || rows > 0)
    }

    /// Returns the files of each slice: an empty one for a slice without a line.
    fn finish(mut self) -> Result<Vec<Vec<PathBuf>>, Failure> {
        self.begin_round()?;
        for slice in 0..self.paths.len() {
            if self.paths[slice].is_empty() {
                let path = self.path(slice);
                File::create(&path).map_err(|error| unwritable(&path, &error))?;
                self.paths[slice].push(path);
            }
        }
        Ok(self.paths)
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::input(format!("{} cannot be written: {error}", path.display()))
}
