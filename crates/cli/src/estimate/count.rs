//! `quarry estimate --count`: the tokens of some records, counted by Bedrock.

use crate::failure::Failure;
use bytes::Bytes;
use clap::Args;
use quarry_asking::Asking;
use quarry_contract::plan::{Plan, Slice};
use quarry_cost::estimate::{CountedRecords, RunEstimate};
use quarry_edge::sdk::{SdkOptions, load};
use quarry_local_stack::SingleSteps;
use quarry_model::ModelName;
use quarry_remote::{RemoteError, TokenCounts};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// The most records that are counted.
const MOST_RECORDS: u64 = 30;

/// The number of slices that they are taken from.
const MOST_SLICES: usize = 3;

/// The pause between two calls. The service accepts at least some calls a second of every account.
const PAUSE: Duration = Duration::from_millis(100);

/// Who counts the tokens.
#[derive(Debug, Args)]
pub(super) struct CountArguments {
    /// Let Bedrock count the tokens of at most 30 records (`CountTokens`), which is free of charge and needs AWS
    /// credentials; the other records have as many tokens for each byte.
    #[arg(long)]
    count: bool,
    /// The Region for --count; by default that of `AWS_REGION` or of the AWS profile.
    #[arg(long, value_name = "REGION", requires = "count")]
    region: Option<String>,
}

/// A line of the records.
#[derive(Deserialize)]
struct RecordLine<'a> {
    #[serde(rename = "modelInput", borrow)]
    model_input: &'a RawValue,
}

impl CountArguments {
    /// Whether Bedrock counts.
    pub(super) fn is_wanted(&self) -> bool {
        self.count
    }

    /// Returns the plan with an estimate from Bedrock's counts.
    pub(super) async fn counted(&self, steps: &SingleSteps<'_>) -> Result<Plan, Failure> {
        let mut plan = steps.plan().clone();
        let asking = Asking::of_plan(&plan).map_err(|error| Failure::input(error.to_string()))?;
        let counts = self.open().await?;
        let counted = count(steps, &asking, &counts).await?;
        plan.estimate = plan.estimate.map(|estimate| RunEstimate {
            counted: counted.counted(),
            input: counted.tokens(estimate.all()),
            ..estimate
        });
        Ok(plan)
    }

    async fn open(&self) -> Result<TokenCounts, Failure> {
        let region = self.region.clone();
        let sdk = load(SdkOptions {
            region,
            ..SdkOptions::default()
        });
        let sdk = sdk.await;
        if sdk.region().is_none() {
            return Err(Failure::input(
                "no Region is known for --count; give --region, or set AWS_REGION",
            ));
        }
        TokenCounts::open(sdk).await.map_err(|error| match error {
            RemoteError::Account(error) => {
                Failure::input(format!("{error}; without --count, the estimate needs none"))
            }
            error => error.into(),
        })
    }
}

/// Counts some records of a planned run.
async fn count(
    steps: &SingleSteps<'_>,
    asking: &Asking,
    counts: &TokenCounts,
) -> Result<CountedRecords, Failure> {
    let settings = asking.settings();
    let id = settings.effective_model_id();
    let name = ModelName::of(&id).ok_or_else(|| {
        Failure::input(format!(
            "{id} does not say which model it is, and Bedrock counts tokens only for a model's own id; name the model with \
             --set BEDROCK_PRIMARY_MODEL_ID=…, or make the estimate without --count"
        ))
    })?;
    let converse =
        quarry_asking::converse(settings).map_err(|error| Failure::input(error.to_string()))?;
    let mut counted = CountedRecords::default();
    let slices = chosen_slices(steps.slices());
    let share = MOST_RECORDS / (slices.len().max(1) as u64);
    for slice in slices {
        for line in chosen_lines(steps, slice, share).await? {
            if counted.counted() > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let record: RecordLine<'_> = serde_json::from_slice(&line)
                .map_err(|error| Failure::run(format!("a record is not JSON: {error}")))?;
            let body = Bytes::copy_from_slice(record.model_input.get().as_bytes());
            let tokens = counts.count(name.foundation_model, converse, body).await?;
            // With the end of the line.
            counted.add(tokens, line.len() as u64 + 1);
        }
    }
    Ok(counted)
}

/// Returns slices at equal distances, the first and the last among them.
fn chosen_slices(slices: &[Slice]) -> Vec<&Slice> {
    let asked: Vec<&Slice> = slices.iter().filter(|slice| slice.records > 0).collect();
    let number = asked.len().min(MOST_SLICES);
    let last = asked.len().saturating_sub(1);
    let at = |choice: usize| choice * last / number.saturating_sub(1).max(1);
    (0..number).map(|choice| asked[at(choice)]).collect()
}

/// Returns records at equal distances.
async fn chosen_lines(
    steps: &SingleSteps<'_>,
    slice: &Slice,
    most: u64,
) -> Result<Vec<Bytes>, Failure> {
    let state = steps.split(slice.slice).await?;
    let mut chosen = Vec::new();
    let Some(mut lines) = steps.records(&state).await? else {
        return Ok(chosen);
    };
    let number = most.min(state.records);
    let mut at = 0;
    while (chosen.len() as u64) < number {
        let line = lines
            .next()
            .await
            .map_err(|error| Failure::run(format!("the records cannot be read: {error}")))?;
        let Some(line) = line else { break };
        if at == chosen.len() as u64 * state.records / number {
            chosen.push(line);
        }
        at += 1;
    }
    Ok(chosen)
}
