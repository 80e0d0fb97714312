//! `quarry run`: the main job on the local stack.

use crate::failure::Failure;
use crate::report;
use crate::show::Show;
use crate::staging::{self, JobArguments, LocalJob};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// The execution's name; the stack is new for every run.
pub(crate) const EXECUTION: &str = "local-run";

/// Arguments of `quarry run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    job: JobArguments,
    /// Where the results go.
    #[arg(long, value_name = "DIR", default_value = "quarry-out")]
    out: PathBuf,
    /// What goes wrong, for a rehearsal: see docs/local-stack.md.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Answers of the simulated model, one a line; made from the schema when absent.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Print JSON: one line a step, then the report.
    #[arg(long)]
    json: bool,
    /// Keep the stack's S3 directory, with job files and intermediate results.
    #[arg(long)]
    keep: bool,
}

/// Runs the job.
pub(crate) async fn run(arguments: RunArguments) -> Result<(), Failure> {
    let job = LocalJob::read(&arguments.job)?;
    let directory = staging::stack_directory(&arguments.out)?;
    let mut config = staging::stack_config(
        directory.path(),
        &job,
        arguments.faults.as_deref(),
        arguments.answers.as_deref(),
    )?;
    let show = Arc::new(Show::new(arguments.json));
    let sink = Arc::clone(&show);
    config.progress = Arc::new(move |progress| sink.step(progress));
    let began = Instant::now();
    let stack = staging::start(config).await?;
    let request = job.stage(stack.store()).await?;
    let result = stack.run(EXECUTION, &request).await;
    show.end();
    if arguments.keep {
        let kept = directory.keep();
        show.note(&format!("the stack's S3 directory is {}", kept.display()));
    }
    let finished = result.map_err(|error| job.in_local_names(error))?;
    let files = staging::download(stack.store(), &request.output, &arguments.out).await?;
    let counters = stack.counters();
    stack.stop();
    report::print(&report::Report {
        finished: &finished,
        counters: &counters,
        files: &files,
        took: began.elapsed(),
        json: arguments.json,
    });
    Ok(())
}
