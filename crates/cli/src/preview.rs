//! `quarry preview`: prints the records that a run would upload, made by the functions of a run.

use crate::failure::Failure;
use crate::output::{Lines, OutputReader, say};
use crate::progress::grouped;
use crate::staging::{self, JobArguments, LocalJob};
use crate::workspace::Workspace;
use clap::Args;
use quarry_contract::plan::{Mode, Slice};
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
    let job = LocalJob::read(&arguments.job)?;
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
    let mut total = Total::default();
    for slice in steps.slices() {
        total.add(slice);
    }
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

/// The totals of all slices of a plan.
#[derive(Debug, Default)]
struct Total {
    records: u64,
    bytes: u64,
    jobs: u64,
    on_demand: u64,
}

impl Total {
    fn add(&mut self, slice: &Slice) {
        self.records += slice.records;
        self.bytes += slice.bytes;
        match slice.mode {
            Mode::Batch => self.jobs += u64::from(slice.records > 0),
            Mode::OnDemand => self.on_demand += slice.records,
        }
    }

    /// Returns a text such as `42,049 records, 13.2 MB, 1 job`.
    fn in_words(&self) -> String {
        let mut words = vec![counted(self.records, "record"), size(self.bytes)];
        if self.jobs > 0 {
            words.push(counted(self.jobs, "job"));
        }
        if self.on_demand > 0 {
            words.push(format!("{} on demand", counted(self.on_demand, "call")));
        }
        words.join(", ")
    }
}

/// Returns a text such as `1 job` or `2 jobs`.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(count))
}

/// Returns a size in the largest unit (a power of 1,000 bytes) that is not larger than it.
fn size(bytes: u64) -> String {
    if bytes < 1_000 {
        return counted(bytes, "byte");
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a size is shown with one decimal"
    )]
    let mut size = bytes as f64 / 1_000.0;
    let mut unit = "kB";
    for larger in ["MB", "GB", "TB"] {
        // A size that would be rounded to 1000.0 gets the next unit.
        if size < 999.95 {
            break;
        }
        size /= 1_000.0;
        unit = larger;
    }
    format!("{size:.1} {unit}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_summed_up_in_one_line() {
        let total = Total {
            records: 42_049,
            bytes: 13_180_000,
            jobs: 1,
            on_demand: 0,
        };
        assert_eq!(total.in_words(), "42,049 records, 13.2 MB, 1 job");
        let total = Total {
            records: 1_205,
            bytes: 999,
            jobs: 2,
            on_demand: 5,
        };
        assert_eq!(
            total.in_words(),
            "1,205 records, 999 bytes, 2 jobs, 5 calls on demand"
        );
        assert_eq!(size(999_999), "1.0 MB");
        assert_eq!(size(1_500), "1.5 kB");
    }
}
