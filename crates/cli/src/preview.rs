//! `quarry preview`: the records that would be uploaded, made by the functions that make them.

use crate::failure::Failure;
use crate::run::EXECUTION;
use crate::staging::{self, JobArguments, LocalJob};
use clap::Args;
use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::{PlanInput, PlanOutput, SliceState};
use quarry_contract::plan::Asked;
use quarry_contract::request::Request;
use quarry_edge::documents;
use quarry_edge::s3::lines::Lines;
use quarry_local_stack::LocalStack;
use std::io::Write;
use std::sync::Arc;

/// Arguments of `quarry preview`.
#[derive(Debug, Args)]
pub(crate) struct PreviewArguments {
    #[command(flatten)]
    job: JobArguments,
    /// How many records to print.
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "all")]
    limit: u64,
    /// Print all records.
    #[arg(long)]
    all: bool,
}

/// Prints records.
pub(crate) async fn preview(arguments: PreviewArguments) -> Result<(), Failure> {
    let job = LocalJob::read(&arguments.job)?;
    let directory = staging::stack_directory(&std::env::temp_dir())?;
    let stack = staging::start(staging::stack_config(directory.path(), &job, None, None)?).await?;
    let request = job.stage(stack.store()).await?;
    let planned = plan(&stack, &job, request).await?;
    let mut left = if arguments.all {
        u64::MAX
    } else {
        arguments.limit
    };
    for slice in 0..planned.slices {
        if left == 0 || !print_slice(&stack, &planned, slice, &mut left).await? {
            break;
        }
    }
    stack.stop();
    Ok(())
}

/// Plans a job's request on the stack.
pub(crate) async fn plan(
    stack: &LocalStack,
    job: &LocalJob,
    request: Request,
) -> Result<PlanOutput, Failure> {
    let mut input = PlanInput {
        version: VERSION,
        execution: EXECUTION.to_owned(),
        started: jiff::Timestamp::now().to_string(),
        turn: 0,
        request,
    };
    loop {
        let output: PlanOutput = stack
            .call("plan", &input)
            .await
            .map_err(|error| job.in_local_names(error))?;
        if output.done {
            return Ok(output);
        }
        input.turn = output.turn;
    }
}

/// Prints a slice's records; `false` when nobody reads them any more.
async fn print_slice(
    stack: &LocalStack,
    planned: &PlanOutput,
    slice: u32,
    left: &mut u64,
) -> Result<bool, Failure> {
    let state: SliceState = stack
        .call("split", &SliceState::first(planned.run.clone(), slice))
        .await?;
    if state.records == 0 {
        return Ok(true);
    }
    let round = RunFolder::at(planned.run.clone()).slice(slice).round(0);
    let failed = |error: String| Failure::run(format!("the records cannot be read: {error}"));
    let asked: Asked = documents::read(&**stack.store(), &round.asked())
        .await
        .map_err(|error| failed(error.full_message()))?;
    let mut lines = Lines::open(
        Arc::clone(stack.store()),
        round.input(),
        0..asked.bytes,
        asked.etag,
    );
    while *left > 0 {
        let Some(line) = lines
            .next()
            .await
            .map_err(|error| failed(error.to_string()))?
        else {
            break;
        };
        let mut output = std::io::stdout().lock();
        if output
            .write_all(&line)
            .and_then(|()| output.write_all(b"\n"))
            .is_err()
        {
            return Ok(false);
        }
        *left -= 1;
    }
    Ok(true)
}
