//! `quarry redrive`: resumes a run that failed or was stopped.

use crate::deployment::{DeploymentArguments, now};
use crate::failure::Failure;
use crate::output::{printable, say, write, write_json};
use crate::question::confirm;
use clap::Args;
use quarry_remote::RunReader;
use quarry_runs::{RunStatus, before_redrive};
use serde_json::json;

/// Arguments of `quarry redrive`.
#[derive(Debug, Args)]
pub(crate) struct RedriveArguments {
    /// The run: its name, the beginning of its name, or - for the newest.
    run: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// Redrive without a question.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Redrives a run.
pub(crate) async fn redrive(arguments: RedriveArguments) -> Result<(), Failure> {
    let deployment = arguments.deployment.open().await?;
    let mut run = RunReader::open(&deployment, &arguments.run).await?;
    run.check_redrivable()?;
    let status = RunStatus::of(&run.facts().await?, now());
    for line in before_redrive(&status) {
        say(&line);
    }
    confirm(&format!("Redrive the run {}?", status.run), arguments.yes).await?;
    run.redrive().await?;
    if arguments.json {
        write_json(&json!({"run": status.run, "redrives": status.redrives + 1}))?;
        return Ok(());
    }
    write(format!("redriven {}\n", printable(&status.run)).as_bytes())?;
    say(&format!(
        "next: quarry watch {}{}",
        status.run,
        arguments.deployment.as_text()
    ));
    Ok(())
}
