//! `quarry preview`: prints the records that a run would upload, made by the functions of a run.

use crate::failure::Failure;
use crate::output::{Lines, OutputReader, say};
use crate::plan_total::PlanTotal;
use crate::staging::{self, JobArguments, LocalJob};
use crate::workspace::Workspace;
use clap::Args;
use quarry_local_stack::{LocalStack, SingleSteps};
use serde_json::Value;

/// Arguments of `quarry preview`.
#[derive(Debug, Args)]
pub(crate) struct PreviewArguments {
    #[command(flatten)]
    job: JobArguments,
    /// The number of records to print.
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "all")]
    limit: u64,
    /// Print all records.
    #[arg(long)]
    all: bool,
    /// Print each record over several lines, for reading.
    #[arg(long)]
    pretty: bool,
}

/// Prints records to standard output, and to standard error their number and the notes of planning.
pub(crate) async fn preview(arguments: PreviewArguments) -> Result<(), Failure> {
    let mut job = LocalJob::read(&arguments.job)?;
    job.take_cost_cap()?;
    let workspace = Workspace::temporary()?;
    let stack = staging::start(staging::stack_config(workspace.path(), &job, None, None)?).await?;
    let printed = Box::pin(preview_on(&stack, &job, &arguments)).await;
    let printed = printed.map_err(|failure| staging::explained(&stack, workspace.path(), failure));
    stack.stop();
    printed
}

async fn preview_on(
    stack: &LocalStack,
    job: &LocalJob,
    arguments: &PreviewArguments,
) -> Result<(), Failure> {
    let request = job.stage(stack.store(), &|_| {}).await?;
    let steps = job.plan(stack, request).await?;
    let total = PlanTotal::of(steps.slices());
    let mut output = Lines::new();
    let mut left = if arguments.all {
        u64::MAX
    } else {
        arguments.limit
    };
    for (slice, _) in (0..).zip(steps.slices()) {
        if left == 0
            || print_slice(&steps, slice, arguments.pretty, &mut left, &mut output).await?
                == OutputReader::Gone
        {
            break;
        }
    }
    output.finish()?;
    let names = job.names();
    for note in &steps.plan().notes {
        say(&format!("note: {}", names.in_text(note)));
    }
    say(&total.in_words());
    Ok(())
}

/// Prints at most `left` of a slice's records.
async fn print_slice(
    steps: &SingleSteps<'_>,
    slice: u32,
    pretty: bool,
    left: &mut u64,
    output: &mut Lines,
) -> Result<OutputReader, Failure> {
    let state = steps.split(slice).await?;
    let Some(mut lines) = steps.records(&state).await? else {
        return Ok(OutputReader::There);
    };
    while *left > 0 {
        let line = lines
            .next()
            .await
            .map_err(|error| Failure::run(format!("the records cannot be read: {error}")))?;
        let Some(line) = line else { break };
        if print_record(&line, pretty, output)? == OutputReader::Gone {
            return Ok(OutputReader::Gone);
        }
        *left -= 1;
    }
    Ok(OutputReader::There)
}

fn print_record(line: &[u8], pretty: bool, output: &mut Lines) -> Result<OutputReader, Failure> {
    if !pretty {
        return output.write(line);
    }
    let text = serde_json::from_slice::<Value>(line)
        .and_then(|record| serde_json::to_string_pretty(&record))
        .map_err(|error| Failure::run(format!("a record is not JSON: {error}")))?;
    output.write(text.as_bytes())
}
