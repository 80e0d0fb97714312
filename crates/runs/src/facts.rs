//! The facts about a run, as they were read.

use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::layout::RunFolder;
use quarry_contract::listed_job::ListedJob;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::FinishOutput;
use quarry_cost::{CostTally, RunRates, SpentBy, SpentCost, Usd};
use quarry_result::receipt::Round;
use quarry_result::summary::SampleSummary;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// A run. Times are since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone)]
pub struct RunFacts {
    /// Its name: that of its execution.
    pub name: String,
    /// Its execution's status.
    pub status: ExecutionStatus,
    /// When it began.
    pub started: Duration,
    /// When it ended, if it did.
    pub ended: Option<Duration>,
    /// How often it was redriven.
    pub redrives: u32,
    /// Why it failed or was stopped.
    pub failure: Option<RunFailure>,
    /// What it returned, if it succeeded.
    pub output: Option<FinishOutput>,
    /// What the summary of a run over a sample says about the sample.
    pub sample: Option<SampleSummary>,
    /// The run whose failed rows it asks again, if it is a retry.
    pub retries: Option<String>,
    /// Its folder.
    pub folder: RunFolder,
    /// Its plan; `None` before it is planned, and after its folder has expired.
    pub plan: Option<PlanFacts>,
    /// The objects of its slices.
    pub objects: Vec<S3Uri>,
    /// The rounds whose answers are read.
    pub counted: Vec<Round>,
    /// Records of the rounds whose records are written and whose answers are not read.
    pub records_asked: u64,
    /// Its jobs.
    pub jobs: Vec<ListedJob>,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunFailure {
    /// The error's name.
    pub error: String,
    /// The message.
    pub message: String,
}

impl RunFailure {
    /// Reads the cause of an execution: a function's error response as JSON, or any other text.
    pub fn new(error: &str, cause: &str) -> Self {
        let message = serde_json::from_str::<Value>(cause)
            .ok()
            .and_then(|response| response.get("errorMessage")?.as_str().map(str::to_owned));
        Self {
            error: error.to_owned(),
            message: message.unwrap_or_else(|| cause.to_owned()),
        }
    }
}

/// What the plan says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFacts {
    /// Rows of all tables.
    pub rows: u64,
    /// Number of slices.
    pub slices: u32,
    /// The model that is asked.
    pub model: String,
    /// The prices of its models, if the plan has them.
    pub rates: Option<RunRates>,
}

/// Returns what the tokens of these rounds cost, if the prices are known.
pub fn cost_of<'a>(
    rounds: impl IntoIterator<Item = &'a Round>,
    rates: Option<&RunRates>,
) -> Option<Usd> {
    let rates = rates.filter(|rates| rates.primary.has_price())?;
    let mut tally = CostTally::default();
    for spent in rounds.into_iter().flat_map(Round::spent) {
        let by = SpentBy {
            table: 0,
            round: 0,
            by_fallback: spent.by_fallback,
            way: spent.way,
        };
        tally.add(by, spent.tokens);
    }
    let cost = tally.cost(rates).ok()?;
    Some(cost.iter().map(SpentCost::total).sum())
}
