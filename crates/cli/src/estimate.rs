//! `quarry estimate`: says what a run would cost, before anything is sent.

mod count;
mod planned;
mod words;

pub(crate) use planned::{MissingPrice, PlannedCost};

use crate::failure::Failure;
use crate::output::{printable_lines, say, write, write_json};
use crate::staging::{self, JobArguments, LocalJob};
use crate::workspace::Workspace;
use clap::Args;
use count::CountArguments;
use quarry_cost::{TokenRate, Usd};
use quarry_local_stack::LocalStack;

/// Arguments of `quarry estimate`.
#[derive(Debug, Args)]
pub(crate) struct EstimateArguments {
    #[command(flatten)]
    job: JobArguments,
    #[command(flatten)]
    cost: CostArguments,
    #[command(flatten)]
    count: CountArguments,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The prices of a run, and how much of them is too much.
#[derive(Debug, Args)]
pub(crate) struct CostArguments {
    /// USD for a million tokens that the model reads, in place of the price in `quarry models`.
    #[arg(
        long,
        value_name = "USD",
        requires = "price_out",
        allow_negative_numbers = true
    )]
    price_in: Option<Usd>,
    /// USD for a million tokens that the model writes.
    #[arg(
        long,
        value_name = "USD",
        requires = "price_in",
        allow_negative_numbers = true
    )]
    price_out: Option<Usd>,
    /// Exit with code 5 if the model is expected to cost more.
    #[arg(long, value_name = "USD", allow_negative_numbers = true)]
    max_cost: Option<Usd>,
}

impl CostArguments {
    /// Returns the prices that replace those of the table of models.
    pub(crate) fn rate(&self) -> Option<TokenRate> {
        let rate = self.price_in.zip(self.price_out);
        rate.map(|(input, output)| TokenRate { input, output })
    }

    /// Whether the user gave a limit.
    pub(crate) fn has_limit(&self) -> bool {
        self.max_cost.is_some()
    }

    /// Refuses an expected cost above the limit.
    pub(crate) fn check(&self, expected: Usd) -> Result<(), Failure> {
        check("--max-cost", self.max_cost, expected)
    }
}

/// Plans the run here and prints what it would cost.
pub(crate) async fn estimate(arguments: EstimateArguments) -> Result<(), Failure> {
    let mut job = LocalJob::read(&arguments.job)?;
    // Planning would refuse a run above its cap before anything of the estimate could be shown.
    let cap = job.take_cost_cap()?;
    let workspace = Workspace::temporary()?;
    let stack = staging::start(staging::stack_config(workspace.path(), &job, None, None)?).await?;
    let estimated = Box::pin(plan_and_estimate(&stack, &job, &arguments)).await;
    let estimated =
        estimated.map_err(|failure| staging::explained(&stack, workspace.path(), failure));
    stack.stop();
    let estimated = estimated?;
    let (work, text, json) = match &estimated {
        Ok(cost) => (&cost.work, cost.text(), cost.json()),
        Err(no_price) => (&*no_price.0, no_price.text(), no_price.json()),
    };
    if arguments.json {
        write_json(&json)?;
    } else {
        for note in &work.notes {
            say(&format!("note: {note}"));
        }
        write(printable_lines(&text).as_bytes())?;
    }
    match estimated {
        Ok(cost) => {
            arguments.cost.check(cost.expected())?;
            check("BEDROCK_MAX_COST", cap, cost.expected())
        }
        // Nothing can say whether the run is too expensive.
        Err(no_price) if arguments.cost.has_limit() || cap.is_some() => {
            Err(Failure::input(no_price.to_string()).shown())
        }
        Err(_) => Ok(()),
    }
}

/// Refuses an expected cost above a limit that has this name.
fn check(name: &str, most: Option<Usd>, expected: Usd) -> Result<(), Failure> {
    match most {
        Some(most) if expected > most => Err(Failure::findings(format!(
            "the run is expected to cost {}, more than {name}, {}",
            expected.shown_beside(most),
            most.as_given()
        ))),
        _ => Ok(()),
    }
}

async fn plan_and_estimate(
    stack: &LocalStack,
    job: &LocalJob,
    arguments: &EstimateArguments,
) -> Result<Result<PlannedCost, MissingPrice>, Failure> {
    let request = job.stage(stack.store(), &|_| {}).await?;
    let steps = job.plan(stack, request).await?;
    let is_counted = arguments.count.is_wanted();
    let plan = if is_counted {
        arguments.count.counted(&steps).await?
    } else {
        steps.plan().clone()
    };
    let mut cost = PlannedCost::of(&plan, steps.slices(), job, arguments.cost.rate())?;
    match &mut cost {
        Ok(cost) => cost.work.is_counted = is_counted,
        Err(no_price) => no_price.0.is_counted = is_counted,
    }
    Ok(cost)
}
