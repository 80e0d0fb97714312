//! `quarry merge`: makes the result table from existing answers.

mod answers;
mod sorting;

use crate::failure::Failure;
use crate::report;
use crate::staging::{self, JobArguments, LocalJob};
use crate::workspace::Workspace;
use clap::Args;
use quarry_contract::plan::{Plan, Slice};
use quarry_local_stack::LocalStack;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Arguments of `quarry merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    #[command(flatten)]
    job: JobArguments,
    /// Answer files as Bedrock writes them (`*.jsonl.out`), in the order of their jobs; also pipes,
    /// and - for standard input.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    answers: Vec<PathBuf>,
    /// The folder for the results.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// The outcome of a merge.
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
    job.take_cost_cap()?;
    // Rows without a good answer are not sent again.
    job.settings
        .insert("BEDROCK_MAX_RETRIES".to_owned(), "0".to_owned());
    // No job is created, so Bedrock's minimum of records does not matter. The maximum does, because
    // the original step numbered its records by it.
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
    let mut steps = job.plan(stack, request.clone()).await?;
    let (files, notes) = sort(
        arguments.answers.clone(),
        steps.plan().clone(),
        steps.slices().to_vec(),
        folder.to_owned(),
    )
    .await?;
    steps.add_notes(notes).await?;
    for (slice, answers) in (0..).zip(files) {
        let state = steps.split(slice).await?;
        for (number, answers) in answers.iter().enumerate() {
            let at = steps.given_answers(&state, number);
            staging::upload(stack.store(), answers, at, &|_| {}).await?;
        }
        steps.merge(&state).await?;
    }
    let summary = steps.finish().await?;
    let files = staging::publish(stack.store(), &request.output, &arguments.out).await?;
    Ok(Merged {
        summary,
        plan: steps.plan().clone(),
        files,
    })
}

/// Sorts the answers by slice on a separate thread, because files of many gigabytes take time, and
/// a signal must not wait for them. Returns the files of each slice, and notes.
async fn sort(
    files: Vec<PathBuf>,
    plan: Plan,
    slices: Vec<Slice>,
    folder: PathBuf,
) -> Result<(Vec<Vec<PathBuf>>, Vec<String>), Failure> {
    tokio::task::spawn_blocking(move || sorting::sort(&files, &plan, slices, &folder))
        .await
        .map_err(|error| Failure::run(format!("the answers could not be sorted: {error}")))?
}
