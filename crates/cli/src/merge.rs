//! `quarry merge`: the result table from answers that are already at hand.

mod answers;
mod numbering;
mod sorted;

use crate::failure::Failure;
use crate::preview::plan;
use crate::report;
use crate::staging::{self, JobArguments, LocalJob};
use crate::workspace::Workspace;
use answers::AnswerFile;
use clap::Args;
use numbering::original_numbering;
use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::{FinishInput, FinishOutput, SliceState};
use quarry_contract::plan::{Plan, Slice};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_local_stack::LocalStack;
use serde_json::Value;
use sorted::Sorted;
use std::path::{Path, PathBuf};

/// Arguments of `quarry merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    #[command(flatten)]
    job: JobArguments,
    /// Answer files as Bedrock writes them (`*.jsonl.out`), in the order of their jobs; pipes, and -
    /// for standard input, too.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    answers: Vec<PathBuf>,
    /// Where the results go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// What a merge came to.
struct Merged {
    summary: Value,
    plan: Plan,
    files: Vec<PathBuf>,
}

/// Merges answers.
pub(crate) async fn merge(arguments: MergeArguments) -> Result<(), Failure> {
    let mut job = LocalJob::read(&arguments.job)?;
    let answers: Vec<&Path> = arguments.answers.iter().map(PathBuf::as_path).collect();
    job.check_output(&arguments.out, &answers)?;
    // What has no good answer among those at hand is not asked again.
    job.settings
        .insert("BEDROCK_MAX_RETRIES".to_owned(), "0".to_owned());
    // No job is created, so the least that Bedrock takes does not matter; the most does, it is how
    // the original step numbered its records.
    job.settings
        .insert("BEDROCK_MIN_RECORDS_PER_JOB".to_owned(), "1".to_owned());
    let workspace = Workspace::in_output(&arguments.out, false)?;
    let stack = staging::start(staging::stack_config(workspace.path(), &job, None, None)?).await?;
    let merged = Box::pin(merge_on(&stack, &job, &arguments, workspace.path())).await;
    let merged = merged.map_err(|failure| staging::explained(&stack, workspace.path(), failure));
    stack.stop();
    drop(workspace);
    let merged = merged?;
    report::print_merge(&merged.summary, &merged.plan, &merged.files, arguments.json)
}

async fn merge_on(
    stack: &LocalStack,
    job: &LocalJob,
    arguments: &MergeArguments,
    folder: &Path,
) -> Result<Merged, Failure> {
    let request = job.stage(stack.store(), &|_| {}).await?;
    let planned = plan(stack, job, request.clone()).await?;
    let run = RunFolder::at(planned.run.clone());
    let mut plan: Plan = documents::read(&**stack.store(), &run.plan())
        .await
        .map_err(|error| failed(&error))?;
    let mut slices = Vec::new();
    for slice in 0..planned.slices {
        let spec = run.slice(slice).spec();
        let slice: Slice = documents::read(&**stack.store(), &spec)
            .await
            .map_err(|error| failed(&error))?;
        slices.push(slice);
    }
    let (files, notes) = sort(
        arguments.answers.clone(),
        plan.clone(),
        slices,
        folder.to_owned(),
    )
    .await?;
    plan.notes.extend(notes);
    documents::write(&**stack.store(), &run.plan(), &plan)
        .await
        .map_err(|error| failed(&error))?;
    for (slice, answers) in files.into_iter().enumerate() {
        let slice = u32::try_from(slice).map_err(|error| Failure::run(error.to_string()))?;
        let state: SliceState = stack
            .call("split", &SliceState::first(planned.run.clone(), slice))
            .await?;
        let at = run
            .slice(slice)
            .round(0)
            .given_output()
            .join("answers.jsonl.out");
        staging::upload(stack.store(), &answers, at, &|_| {}).await?;
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
    let summary = documents::read_plain(&**stack.store(), &output.summary)
        .await
        .map_err(|error| failed(&error))?;
    let files = staging::publish(stack.store(), &request.output, &arguments.out).await?;
    Ok(Merged {
        summary,
        plan,
        files,
    })
}

fn failed(error: &StepError) -> Failure {
    Failure::run(error.full_message())
}

/// What the summary notes of several answer files.
const COUNTS_BY_FILE: &str = "record ids were read as counting from 0 in each answer file, as the \
    original step numbered them: the files are its jobs, in the order given";
const COUNTS_BY_TABLE: &str = "record ids were read as those of the whole table";

/// Sorts the answers by slice, on a thread of its own: files of many gigabytes take their time, and a signal does not
/// wait for them. Returns a file for each slice, and notes.
async fn sort(
    files: Vec<PathBuf>,
    plan: Plan,
    slices: Vec<Slice>,
    folder: PathBuf,
) -> Result<(Vec<PathBuf>, Vec<String>), Failure> {
    tokio::task::spawn_blocking(move || sort_files(&files, &plan, slices, &folder))
        .await
        .map_err(|error| Failure::run(format!("sorting the answers broke off: {error}")))?
}

fn sort_files(
    files: &[PathBuf],
    plan: &Plan,
    slices: Vec<Slice>,
    folder: &Path,
) -> Result<(Vec<PathBuf>, Vec<String>), Failure> {
    let files = AnswerFile::all(files, folder)?;
    let mut sorted = Sorted::new(plan, slices, folder)?;
    let mut notes = Vec::new();
    if let Some(jobs) = original_numbering(plan, &files)? {
        for (file, job) in files.iter().zip(&jobs) {
            sorted.add_job(file, job)?;
        }
        notes.push(COUNTS_BY_FILE.to_owned());
    } else {
        let rows = plan.tables.iter().map(|table| table.rows).sum();
        let replaced = sorted.add_table(&files, rows)?;
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
        let names: Vec<&str> = files.iter().map(AnswerFile::name).take(3).collect();
        let more = if files.len() > names.len() {
            ", …"
        } else {
            ""
        };
        return Err(Failure::input(format!(
            "no line matched a row: {}{more}; give the output files of Bedrock (*.jsonl.out) for this table",
            names.join(", ")
        )));
    }
    Ok((sorted.finish()?, notes))
}
