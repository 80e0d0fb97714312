//! `quarry watch`: follows a run to its end.

use crate::deployment::{DeploymentArguments, now};
use crate::failure::Failure;
use crate::output::{printable_lines, say, write, write_json};
use crate::progress::RunBar;
use crate::results::copy;
use crate::status::ended;
use clap::Args;
use quarry_remote::{RemoteDeployment, RunReader};
use quarry_runs::{RunFacts, RunStatus};
use std::path::PathBuf;
use std::time::Duration;

/// The first pause between two looks. It doubles while nothing changes.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Arguments of `quarry watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    /// The run: its name, the beginning of its name, or - for the newest.
    run: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
    #[command(flatten)]
    following: Following,
    /// Print JSON: one object for each look.
    #[arg(long)]
    json: bool,
}

/// How a run is followed.
#[derive(Debug, Args)]
pub(crate) struct Following {
    /// The seconds between two looks; by default 5, and up to 60 while nothing changes.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) every: Option<u64>,
    /// The folder for the results, which are copied when the run has succeeded.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Follows a run.
pub(crate) async fn watch(arguments: WatchArguments) -> Result<(), Failure> {
    let deployment = arguments.deployment.open().await?;
    let mut run = RunReader::open(&deployment, &arguments.run).await?;
    follow(&deployment, &mut run, &arguments.following, arguments.json).await
}

/// Follows a run to its end, prints how it ended, and copies its results if a folder is given.
pub(crate) async fn follow(
    deployment: &RemoteDeployment,
    run: &mut RunReader<'_>,
    following: &Following,
    json: bool,
) -> Result<(), Failure> {
    let (facts, status) = to_the_end(run, following, json).await?;
    if !json {
        let lines = status.lines(&facts, now()).join("\n");
        write(printable_lines(&format!("{lines}\n")).as_bytes())?;
    }
    ended(&status)?;
    if let Some(out) = &following.out {
        for file in copy(deployment, run, Some(out), false).await? {
            say(&format!("wrote {}", file.display()));
        }
    }
    Ok(())
}

async fn to_the_end(
    run: &mut RunReader<'_>,
    following: &Following,
    json: bool,
) -> Result<(RunFacts, RunStatus), Failure> {
    let bar = if json {
        None
    } else {
        RunBar::of_standard_error()
    };
    let mut pause = FIRST_PAUSE;
    let mut last = String::new();
    loop {
        let facts = run.look_again().await?;
        let status = RunStatus::of(&facts, now());
        let line = status.line();
        if json {
            write_json(&status)?;
        } else if let Some(bar) = &bar {
            bar.draw(&status, &line);
        } else if line != last {
            say(&line);
        }
        if status.execution.has_ended() {
            return Ok((facts, status));
        }
        pause = match following.every {
            Some(seconds) => Duration::from_secs(seconds),
            None if line == last => (pause * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        last = line;
        tokio::time::sleep(pause).await;
    }
}

/// Says that the run goes on if a signal ended the command.
pub(crate) fn interrupted(failure: Failure) -> Failure {
    failure.if_interrupted("watching was ended; the run goes on, and `quarry stop` stops it")
}
