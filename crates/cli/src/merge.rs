//! `quarry merge`: the result table from answers that are already at hand.

use crate::failure::Failure;
use crate::preview::plan;
use crate::report;
use crate::staging::{self, JobArguments, LocalJob};
use clap::Args;
use indexmap::IndexMap;
use quarry_answer::{LineBody, read_line};
use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::{FinishInput, FinishOutput, SliceState};
use quarry_contract::plan::{Plan, Slice};
use quarry_contract::record_id::RecordIds;
use quarry_edge::documents;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Arguments of `quarry merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    #[command(flatten)]
    job: JobArguments,
    /// Answer files as Bedrock writes them (`*.jsonl.out`), in the order of their jobs.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    answers: Vec<PathBuf>,
    /// Where the results go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// Merges answers.
pub(crate) async fn merge(arguments: MergeArguments) -> Result<(), Failure> {
    let mut job = LocalJob::read(&arguments.job)?;
    // What has no good answer among those at hand is not asked again.
    job.settings
        .insert("BEDROCK_MAX_RETRIES".to_owned(), "0".to_owned());
    // No job is created, so the least that Bedrock takes does not matter; the most does, it is how
    // the original step numbered its records.
    job.settings
        .insert("BEDROCK_MIN_RECORDS_PER_JOB".to_owned(), "1".to_owned());
    let directory = staging::stack_directory(&arguments.out)?;
    let stack = staging::start(staging::stack_config(directory.path(), &job, None, None)?).await?;
    let request = job.stage(stack.store()).await?;
    let planned = plan(&stack, &job, request.clone()).await?;
    let run = RunFolder::at(planned.run.clone());
    let failed = |error: quarry_edge::error::StepError| Failure::run(error.full_message());
    let mut plan: Plan = documents::read(&**stack.store(), &run.plan())
        .await
        .map_err(failed)?;

    let mut slices = Vec::new();
    for slice in 0..planned.slices {
        slices.push(
            documents::read::<Slice>(&**stack.store(), &run.slice(slice).spec())
                .await
                .map_err(failed)?,
        );
    }
    let mut sorted = Sorted::new(&plan, slices, directory.path())?;
    let numbering = original_numbering(&plan, &arguments.answers)?;
    if let Some(jobs) = &numbering {
        for (file, job) in arguments.answers.iter().zip(jobs) {
            sorted.add_job(file, job)?;
        }
        plan.notes.push(COUNTS_BY_FILE.to_owned());
    } else {
        let rows = plan.tables.iter().map(|table| table.rows).sum();
        let replaced = sorted.add_table(&arguments.answers, rows)?;
        if arguments.answers.len() > 1 {
            plan.notes.push(COUNTS_BY_TABLE.to_owned());
        }
        if replaced > 0 {
            plan.notes.push(format!(
                "{replaced} answers were left out: a later answer file has one to the same record"
            ));
        }
    }
    documents::write(&**stack.store(), &run.plan(), &plan)
        .await
        .map_err(failed)?;
    for (slice, answers) in sorted.finish()?.into_iter().enumerate() {
        let slice = u32::try_from(slice).map_err(|error| Failure::run(error.to_string()))?;
        let state: SliceState = stack
            .call("split", &SliceState::first(planned.run.clone(), slice))
            .await?;
        let at = run
            .slice(slice)
            .round(0)
            .given_output()
            .join("answers.jsonl.out");
        staging::upload(stack.store(), &answers, at).await?;
        stack.call::<_, SliceState>("merge", &state).await?;
    }
    let mut input = FinishInput {
        version: VERSION,
        run: planned.run.clone(),
        turn: 0,
    };
    let output: FinishOutput = loop {
        let output: FinishOutput = stack.call("finish", &input).await?;
        if output.done {
            break output;
        }
        input.turn = output.turn;
    };
    let files = staging::download(stack.store(), &request.output, &arguments.out).await?;
    let summary = documents::read_plain(&**stack.store(), &output.summary)
        .await
        .map_err(failed)?;
    stack.stop();
    report::print_merge(&summary, &files, arguments.json);
    Ok(())
}

/// What the summary notes of several answer files.
const COUNTS_BY_FILE: &str = "record ids were read as counting from 0 in each answer file, as the \
    original step numbered them: the files are its jobs, in the order given";
const COUNTS_BY_TABLE: &str = "record ids were read as those of the whole table";

/// One job of the original step: rows of one file that follow each other.
#[derive(Debug, Clone)]
struct OriginalJob {
    table: usize,
    first_row: u64,
    rows: u64,
}

/// The jobs to which the files belong, when record ids count from 0 in every file, as the original
/// step numbered them: each of its jobs had as many rows of one input file as a job may have.
/// None when the ids are those of the whole table.
fn original_numbering(plan: &Plan, files: &[PathBuf]) -> Result<Option<Vec<OriginalJob>>, Failure> {
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
fn restarts(plan: &Plan, jobs: &[OriginalJob], files: &[PathBuf]) -> Result<bool, Failure> {
    let tables: Vec<RecordIds> = plan
        .tables
        .iter()
        .map(|table| RecordIds::new(table.split.as_deref()))
        .collect();
    let ids_of_file = RecordIds::new(None);
    let (mut pro, mut contra) = (0_u64, 0_u64);
    let mut seen_in: HashMap<u64, usize> = HashMap::new();
    for (number, (job, file)) in jobs.iter().zip(files).enumerate() {
        for line in lines(file)? {
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

/// The lines of a file, without their terminators.
fn lines(file: &Path) -> Result<impl Iterator<Item = Result<Vec<u8>, Failure>>, Failure> {
    let unreadable = {
        let name = file.display().to_string();
        move |error: std::io::Error| Failure::input(format!("{name} cannot be read: {error}"))
    };
    let reader = BufReader::new(File::open(file).map_err(&unreadable)?);
    Ok(reader
        .split(b'\n')
        .map(move |line| line.map_err(&unreadable))
        .filter(|line| {
            !line
                .as_ref()
                .is_ok_and(|line| line.iter().all(u8::is_ascii_whitespace))
        }))
}

/// Answer lines sorted by slice, each in a file of its own. A line that belongs to no slice goes
/// to the first one, which counts it.
struct Sorted {
    ids: Vec<RecordIds>,
    slices: Vec<Slice>,
    files: Vec<Option<BufWriter<File>>>,
    folder: PathBuf,
}

impl Sorted {
    fn new(plan: &Plan, slices: Vec<Slice>, directory: &Path) -> Result<Self, Failure> {
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
        })
    }

    /// Adds the answers of one of the original step's jobs, whose ids count from 0.
    fn add_job(&mut self, file: &Path, job: &OriginalJob) -> Result<(), Failure> {
        for line in lines(file)? {
            let line = line?;
            let found = read_line(&line)
                .ok()
                .map(|read| self.find_in_job(&read.record_id, job, file));
            let (slice, line) = match found {
                // Only what is no line of an answer cannot be renamed, and that has no record.
                Some((slice, id)) => (slice, renamed(&line, &id).unwrap_or(line)),
                None => (None, line),
            };
            self.write(slice.unwrap_or(0), &line)?;
        }
        Ok(())
    }

    /// Adds answers whose ids are those of the whole table, which has `rows` rows. Returns how many of them were left
    /// out for one in a later file.
    fn add_table(&mut self, files: &[PathBuf], rows: u64) -> Result<u64, Failure> {
        let last_answered = self.last_answers(files, rows)?;
        let mut replaced = 0;
        for (number, file) in files.iter().enumerate() {
            for line in lines(file)? {
                let line = line?;
                let read = read_line(&line).ok();
                let record = read.as_ref().and_then(|read| self.record(&read.record_id));
                let is_replaced = record
                    .and_then(|record| last_answered.get(&record))
                    .is_some_and(|last| *last > number);
                if is_replaced {
                    replaced += u64::from(
                        read.is_some_and(|read| matches!(read.body, LineBody::Output(_))),
                    );
                    continue;
                }
                let slice = record.and_then(|(table, row)| self.slice_of(table, row));
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
        files: &[PathBuf],
        rows: u64,
    ) -> Result<HashMap<(usize, u64), usize>, Failure> {
        let mut last_answered = HashMap::new();
        if files.len() < 2 {
            return Ok(last_answered);
        }
        let mut records = 0;
        for (number, file) in files.iter().enumerate() {
            let mut of_file = HashSet::new();
            for line in lines(file)? {
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
    fn find_in_job(&self, id: &str, job: &OriginalJob, file: &Path) -> (Option<usize>, String) {
        let row = RecordIds::new(None)
            .row(id)
            .filter(|row| *row < job.rows)
            .map(|row| job.first_row + row);
        match row {
            Some(row) => (self.slice_of(job.table, row), self.ids[job.table].id(row)),
            None => (None, format!("{id} in {}", file.display())),
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

    /// The file of each slice; empty for a slice without a line.
    fn finish(self) -> Result<Vec<PathBuf>, Failure> {
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
