//! `quarry results`: copies a run's results to this machine.

use crate::deployment::DeploymentArguments;
use crate::failure::Failure;
use crate::input::is_standard_input;
use crate::output::{printable_lines, write, write_json};
use crate::retry::publish_merged;
use crate::staging::publish_files;
use clap::Args;
use quarry_remote::{RemoteDeployment, RunReader};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Arguments of `quarry results`.
#[derive(Debug, Args)]
pub(crate) struct ResultsArguments {
    /// The run: its name, the beginning of its name, or - for the newest.
    run: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// The folder for the results; by default one with the run's name.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Copy the run's own rows, if it retries those that failed in another run; by default they are merged
    /// into the result of that run.
    #[arg(long)]
    own: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Copies the results.
pub(crate) async fn results(arguments: ResultsArguments) -> Result<(), Failure> {
    let deployment = arguments.deployment.open().await?;
    let mut run = RunReader::open(&deployment, &arguments.run).await?;
    let files = copy(
        &deployment,
        &mut run,
        arguments.out.as_deref(),
        arguments.own,
    )
    .await?;
    if arguments.json {
        let files: Vec<String> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        write_json(&json!({"run": run.name(), "files": files}))?;
        return Ok(());
    }
    let lines: Vec<String> = files
        .iter()
        .map(|file| format!("wrote {}", file.display()))
        .collect();
    write(printable_lines(&format!("{}\n", lines.join("\n"))).as_bytes())?;
    Ok(())
}

/// Copies the results of a run into a folder; those of a retry are merged into the results of the run that
/// it retries, unless its `own` ones are asked for. Returns the files.
pub(crate) async fn copy(
    deployment: &RemoteDeployment,
    run: &mut RunReader<'_>,
    out: Option<&Path>,
    own: bool,
) -> Result<Vec<PathBuf>, Failure> {
    if out.is_some_and(is_standard_input) {
        return Err(Failure::usage(
            "--out - is not possible: results are several files; give a folder",
        ));
    }
    let folder = out.map_or_else(|| PathBuf::from(run.name()), Path::to_owned);
    if !own && run.retried_run().is_some() {
        return Box::pin(publish_merged(deployment, run, &folder)).await;
    }
    let (_, files) = deployment.results(run).await?;
    let files = files.into_iter().map(|file| (file.object, file.name));
    publish_files(deployment.store(), files.collect(), &folder).await
}
