//! `quarry status`: says how far a run is.

use crate::deployment::{DeploymentArguments, now};
use crate::failure::Failure;
use crate::output::{printable_lines, write, write_json};
use clap::Args;
use quarry_contract::execution_status::ExecutionStatus;
use quarry_remote::RunReader;
use quarry_runs::{RunStatus, end_in_words};

/// Arguments of `quarry status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// The run: its name, the beginning of its name, or - for the newest.
    run: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// Exit with 0 if the run succeeded, with 4 if it failed or was stopped, and with 6 if it has not
    /// ended.
    #[arg(long)]
    exit_code: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Prints the status.
pub(crate) async fn status(arguments: StatusArguments) -> Result<(), Failure> {
    let deployment = arguments.deployment.open().await?;
    let mut run = RunReader::open(&deployment, &arguments.run).await?;
    let facts = run.facts().await?;
    let now = now();
    let status = RunStatus::of(&facts, now);
    if arguments.json {
        write_json(&status)?;
    } else {
        let lines = status.lines(&facts, now).join("\n");
        write(printable_lines(&format!("{lines}\n")).as_bytes())?;
    }
    if arguments.exit_code {
        return ended(&status);
    }
    Ok(())
}

/// Returns how the run ended as the outcome of the command.
pub(crate) fn ended(status: &RunStatus) -> Result<(), Failure> {
    match status.execution {
        ExecutionStatus::Succeeded => Ok(()),
        other if other.has_ended() => Err(Failure::run(end_in_words(status)).shown()),
        _ => Err(Failure::not_yet(format!("the run {} has not ended", status.run)).shown()),
    }
}
