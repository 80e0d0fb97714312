//! `quarry stop`: stops a run and its jobs.

use crate::deployment::{DeploymentArguments, now};
use crate::failure::Failure;
use crate::output::{printable, say, write, write_json};
use crate::question::confirm;
use clap::Args;
use quarry_contract::job_status::JobStatus;
use quarry_remote::RunReader;
use quarry_runs::{RunStatus, before_stop, counted};
use std::time::Duration;

/// The pause between two looks at the jobs.
const PAUSE: Duration = Duration::from_secs(5);
/// How long the command waits for the jobs. The deployment stops them within minutes.
const LONGEST_WAIT: Duration = Duration::from_mins(4);

/// Arguments of `quarry stop`.
#[derive(Debug, Args)]
pub(crate) struct StopArguments {
    /// The run: its name, the beginning of its name, or - for the newest.
    run: String,
    #[command(flatten)]
    deployment: DeploymentArguments,
    /// Why, for those who look at the run later.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Stop without a question.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object: the run's status after the stop.
    #[arg(long)]
    json: bool,
}

/// Stops a run.
pub(crate) async fn stop(arguments: StopArguments) -> Result<(), Failure> {
    let deployment = arguments.deployment.open().await?;
    let mut run = RunReader::open(&deployment, &arguments.run).await?;
    let mut status = RunStatus::of(&run.facts().await?, now());
    let had_ended = status.execution.has_ended();
    if !had_ended {
        for line in before_stop(&status) {
            say(&line);
        }
        confirm(&format!("Stop the run {}?", status.run), arguments.yes).await?;
        let cause = match &arguments.reason {
            Some(reason) => format!("stopped with quarry stop: {reason}"),
            None => "stopped with quarry stop".to_owned(),
        };
        run.stop(&cause).await?;
        status = jobs_ended(&mut run).await?;
    }
    if arguments.json {
        write_json(&status)?;
    } else {
        write(format!("{} {}\n", printable(&status.run), status.state).as_bytes())?;
    }
    if let Some(stopping) = stopping_jobs(&status) {
        say(&stopping);
    }
    let Some(live) = live_jobs(&status) else {
        return Ok(());
    };
    if had_ended {
        say(&format!(
            "the deployment keeps jobs of a failed run for a redrive, and stops them later; {live}"
        ));
        return Ok(());
    }
    Err(Failure::run(live))
}

/// Returns how many jobs Bedrock is stopping, which takes it up to some minutes; `None` if there are none.
fn stopping_jobs(status: &RunStatus) -> Option<String> {
    let jobs = status.jobs.iter();
    match jobs.filter(|job| job.status == JobStatus::Stopping).count() as u64 {
        0 => None,
        jobs => Some(format!("Bedrock is stopping {}", counted(jobs, "job"))),
    }
}

/// Returns which jobs have neither ended nor been told to stop, and how to stop them; `None` if there are none.
fn live_jobs(status: &RunStatus) -> Option<String> {
    let commands: Vec<String> = status
        .jobs
        .iter()
        .filter(|job| job.status != JobStatus::Stopping)
        .map(|job| {
            format!(
                "aws bedrock stop-model-invocation-job --job-identifier {}",
                job.arn
            )
        })
        .collect();
    let count = match commands.len() as u64 {
        0 => return None,
        1 => "1 job has".to_owned(),
        live => format!("{} have", counted(live, "job")),
    };
    Some(format!(
        "{count} not ended; to stop now: {}",
        commands.join("; ")
    ))
}

/// Waits until the run has ended and all jobs of it have ended or are being stopped, but not forever.
async fn jobs_ended(run: &mut RunReader<'_>) -> Result<RunStatus, Failure> {
    let until = now() + LONGEST_WAIT;
    loop {
        let status = RunStatus::of(&run.look_again().await?, now());
        let is_over = status.execution.has_ended() && live_jobs(&status).is_none();
        if is_over || now() >= until {
            return Ok(status);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
