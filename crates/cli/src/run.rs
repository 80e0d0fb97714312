//! `quarry run`: does a whole run on the local stack.

use crate::failure::Failure;
use crate::progress::Show;
use crate::report::{self, Report};
use crate::staging::{self, JobArguments, LocalJob, SampleArguments};
use crate::unused_script;
use crate::workspace::Workspace;
use clap::Args;
use quarry_bedrock_simulator::{Counters, UnusedScript};
use quarry_contract::layout::RunFolder;
use quarry_contract::plan::Plan;
use quarry_edge::documents;
use quarry_local_stack::{Finished, FunctionUse, LocalStack};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Arguments of `quarry run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    job: JobArguments,
    #[command(flatten)]
    sample: SampleArguments,
    /// The folder for the results.
    #[arg(long, value_name = "DIR", default_value = "quarry-out")]
    out: PathBuf,
    /// The script of faults for a rehearsal: see docs/local-stack.md.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Answers of the simulated model, one on each line; by default they are made from the schema.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Print JSON: one line for each step, then the report.
    #[arg(long)]
    json: bool,
    /// Keep the stack's S3 directory, with job files and intermediate results, even if the run
    /// fails.
    #[arg(long)]
    keep: bool,
    /// Also report what the state machine did.
    #[arg(long, short)]
    verbose: bool,
}

impl RunArguments {
    /// Returns the arguments for a folder with a `request.json`, as a user would give them.
    pub(crate) fn of_example(folder: &Path, out: PathBuf) -> Self {
        Self {
            job: JobArguments::of_folder(folder),
            sample: SampleArguments::default(),
            out,
            faults: None,
            answers: None,
            json: false,
            keep: false,
            verbose: false,
        }
    }
}

/// The outcome of a run.
struct Ran {
    finished: Finished,
    counters: Counters,
    unused: UnusedScript,
    uses: BTreeMap<&'static str, FunctionUse>,
    plan: Plan,
    files: Vec<PathBuf>,
}

/// Runs the job.
pub(crate) async fn run(arguments: RunArguments) -> Result<(), Failure> {
    let job = LocalJob::read(&arguments.job)?.sampled(arguments.sample)?;
    let more: Vec<&Path> = [&arguments.faults, &arguments.answers]
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    job.check_output(&arguments.out, &more)?;
    let began = Instant::now();
    let mut workspace = Workspace::in_output(&arguments.out, arguments.keep)?;
    let mut config = staging::stack_config(
        workspace.path(),
        &job,
        arguments.faults.as_deref(),
        arguments.answers.as_deref(),
    )?;
    let show = Show::new(arguments.json, job.data_bytes(), Arc::clone(&config.work));
    config.progress = Arc::new(show.sink());
    let stack = staging::start(config).await?;
    let ran = Box::pin(run_on(&stack, &job, &arguments.out, &show))
        .await
        .map_err(|failure| staging::explained(&stack, workspace.path(), failure));
    stack.stop();
    if let Some(folder) = workspace.kept() {
        show.note(&format!("the stack's S3 directory is {}", folder.display()));
    }
    let shown = show.end();
    let ran = ran?;
    report::print(&Report {
        finished: &ran.finished,
        counters: &ran.counters,
        unused: &ran.unused,
        unused_notes: unused_script::notes(
            &ran.unused,
            arguments.answers.as_deref(),
            arguments.faults.as_deref(),
        ),
        uses: &ran.uses,
        plan: &ran.plan,
        files: &ran.files,
        took: began.elapsed(),
        json: arguments.json,
        verbose: arguments.verbose,
    })?;
    shown
}

async fn run_on(
    stack: &LocalStack,
    job: &LocalJob,
    out: &Path,
    show: &Show,
) -> Result<Ran, Failure> {
    let request = job
        .stage(stack.store(), &|bytes| show.copied(bytes))
        .await?;
    show.planning();
    let finished = job.run(stack, &request).await?;
    let plan = RunFolder::at(finished.output.run.clone()).plan();
    let plan = documents::read(&**stack.store(), &plan)
        .await
        .map_err(|error| Failure::run(error.full_message()))?;
    let files = staging::publish(stack.store(), &request.output, out).await?;
    Ok(Ran {
        counters: stack.counters(),
        unused: stack.simulator().unused_script(),
        uses: stack.uses(),
        finished,
        plan,
        files,
    })
}
