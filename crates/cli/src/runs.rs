//! `quarry runs`: lists the newest runs of a deployment.

use crate::deployment::{DeploymentArguments, now};
use crate::failure::Failure;
use crate::output::{Lines, OutputReader, write_json};
use clap::{Args, ValueEnum};
use quarry_contract::execution_status::ExecutionStatus;
use quarry_runs::{RunLine, table};
use serde_json::Value;

/// Arguments of `quarry runs`.
#[derive(Debug, Args)]
pub(crate) struct RunsArguments {
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// The most runs to list, the newest first.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// List only the runs in this state.
    #[arg(long, value_name = "STATE", value_enum)]
    state: Option<ListedState>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The states that can be listed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ListedState {
    Running,
    Succeeded,
    Failed,
    Stopped,
    TimedOut,
}

impl From<ListedState> for ExecutionStatus {
    fn from(state: ListedState) -> Self {
        match state {
            ListedState::Running => Self::Running,
            ListedState::Succeeded => Self::Succeeded,
            ListedState::Failed => Self::Failed,
            ListedState::Stopped => Self::Aborted,
            ListedState::TimedOut => Self::TimedOut,
        }
    }
}

/// Lists runs.
pub(crate) async fn runs(arguments: RunsArguments) -> Result<(), Failure> {
    let deployment = arguments.deployment.open().await?;
    let status = arguments.state.map(ExecutionStatus::from);
    let runs = deployment
        .newest(status, usize::from(arguments.limit))
        .await?;
    if arguments.json {
        let runs: Vec<Value> = runs.iter().map(RunLine::json).collect();
        write_json(&serde_json::json!({"stack": deployment.name(), "runs": runs}))?;
        return Ok(());
    }
    let mut lines = Lines::new();
    for line in table(&runs, now()) {
        if lines.write(crate::output::printable(&line).as_bytes())? == OutputReader::Gone {
            break;
        }
    }
    lines.finish()?;
    Ok(())
}
