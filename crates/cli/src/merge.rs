//! `quarry merge`: the result table from answers that are already at hand.

use crate::failure::Failure;
use crate::preview::{first_state, plan};
use crate::report;
use crate::staging::{self, JobArguments, LocalJob};
use clap::Args;
use indexmap::IndexMap;
use quarry_answer::read_line;
use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::{FinishInput, FinishOutput, SliceState};
use quarry_contract::plan::{Plan, Slice};
use quarry_contract::record_id::RecordIds;
use quarry_edge::documents;
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions};
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    let directory = staging::stack_directory(&arguments.out)?;
    let stack = staging::start(staging::stack_config(directory.path(), &job, None, None)?).await?;
    let request = job.stage(stack.store()).await?;
    let planned = plan(&stack, request.clone()).await?;
    let run = RunFolder::at(planned.run.clone());
    let failed = |error: quarry_edge::error::StepError| Failure::run(error.full_message());
    let plan: Plan = documents::read(&**stack.store(), &run.plan())
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
    for (number, file) in arguments.answers.iter().enumerate() {
        sorted.add(file, numbering.as_ref().and_then(|jobs| jobs.get(number)))?;
    }
    for (slice, answers) in sorted.finish()?.into_iter().enumerate() {
        let slice = u32::try_from(slice).map_err(|error| Failure::run(error.to_string()))?;
        let state: SliceState = stack.call("split", &first_state(&planned, slice)).await?;
        let at = run
            .slice(slice)
            .round(0)
            .on_demand_output()
            .join("answers.jsonl.out");
        match answers {
            Some(file) => staging::upload(stack.store(), &file, at).await?,
            None => {
                let writer =
                    ObjectWriter::new(Arc::clone(stack.store()), at, WriteOptions::default());
                writer
                    .finish()
                    .await
                    .map_err(|error| Failure::run(error.to_string()))?;
            }
        }
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
    if files.len() < 2 {
        return Ok(None);
    }
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
    if jobs.len() != files.len() {
        return Ok(None);
    }
    let ids = RecordIds::new(None);
    for (job, file) in jobs.iter().zip(files) {
        for line in lines(file)? {
            let line = line?;
            let fits = read_line(&line).map_or(true, |line| {
                ids.row(&line.record_id).is_some_and(|row| row < job.rows)
            });
            if !fits {
                return Ok(None);
            }
        }
    }
    Ok(Some(jobs))
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

    fn add(&mut self, file: &Path, job: Option<&OriginalJob>) -> Result<(), Failure> {
        for line in lines(file)? {
            let line = line?;
            let found = read_line(&line)
                .ok()
                .and_then(|read| self.find(&read.record_id, job));
            let (slice, line) = match found {
                Some((slice, None)) => (slice, line),
                Some((slice, Some(id))) => (slice, renamed(&line, &id).unwrap_or(line)),
                None => (0, line),
            };
            self.write(slice, &line)?;
        }
        Ok(())
    }

    /// The slice of a record id; with the id in this run's numbering when that differs.
    fn find(&self, id: &str, job: Option<&OriginalJob>) -> Option<(usize, Option<String>)> {
        let (table, row, renamed) = match job {
            Some(job) => {
                let row = job.first_row + RecordIds::new(None).row(id)?;
                (job.table, row, Some(self.ids[job.table].id(row)))
            }
            None => {
                let (table, row) = self
                    .ids
                    .iter()
                    .enumerate()
                    .find_map(|(table, ids)| Some((table, ids.row(id)?)))?;
                (table, row, None)
            }
        };
        let slice = self.slices.iter().position(|slice| {
            slice.table == table && (slice.first_row..slice.first_row + slice.rows).contains(&row)
        })?;
        Some((slice, renamed))
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

    /// The file of each slice, if it has any line.
    fn finish(self) -> Result<Vec<Option<PathBuf>>, Failure> {
        let paths: Vec<PathBuf> = (0..self.files.len())
            .map(|slice| self.path(slice))
            .collect();
        self.files
            .into_iter()
            .zip(paths)
            .map(|(file, path)| match file {
                Some(mut file) => file.flush().map(|()| Some(path)).map_err(|error| {
                    Failure::input(format!("the sorted answers cannot be written: {error}"))
                }),
                None => Ok(None),
            })
            .collect()
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
