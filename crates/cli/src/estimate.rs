//! `quarry estimate`: says what a run would cost, before anything is sent.

mod planned;
mod words;

use crate::failure::Failure;
use crate::output::{printable_lines, say, write, write_json};
use crate::staging::{self, JobArguments, LocalJob};
use crate::workspace::Workspace;
use clap::Args;
use quarry_cost::{TokenRate, Usd};

/// Arguments of `quarry estimate`.
#[derive(Debug, Args)]
pub(crate) struct EstimateArguments {
    #[command(flatten)]
    job: JobArguments,
    /// USD for a million tokens that the model reads, in place of the price in `quarry models`.
    #[arg(long, value_name = "USD", requires = "price_out")]
    price_in: Option<Usd>,
    /// USD for a million tokens that the model writes.
    #[arg(long, value_name = "USD", requires = "price_in")]
    price_out: Option<Usd>,
    /// Exit with code 5 if the model is expected to cost more.
    #[arg(long, value_name = "USD")]
    max_cost: Option<Usd>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Plans the run here and prints what it would cost.
pub(crate) async fn estimate(arguments: EstimateArguments) -> Result<(), Failure> {
    let job = LocalJob::read(&arguments.job)?;
    let rate = arguments.price_in.zip(arguments.price_out);
    let rate = rate.map(|(input, output)| TokenRate { input, output });
    let workspace = Workspace::temporary()?;
    let stack = staging::start(staging::stack_config(workspace.path(), &job, None, None)?).await?;
    let estimated = Box::pin(planned::estimate(&stack, &job, rate)).await;
    let estimated =
        estimated.map_err(|failure| staging::explained(&stack, workspace.path(), failure));
    stack.stop();
    let cost = estimated?;
    if arguments.json {
        write_json(&cost.json())?;
    } else {
        for note in &cost.notes {
            say(&format!("note: {note}"));
        }
        write(printable_lines(&cost.text()).as_bytes())?;
    }
    let expected = cost.expected();
    match arguments.max_cost {
        Some(most) if expected > most => Err(Failure::findings(format!(
            "the run is expected to cost {}, more than --max-cost, {}",
            expected.shown(),
            most.shown()
        ))),
        _ => Ok(()),
    }
}
