//! What a whole data set would take, from what its sample took.

use super::Totals;
use crate::summary::{ProjectionSummary, SampleSummary, SampledTable};
use quarry_contract::plan::{Plan, PlannedSample};
use quarry_cost::{CostTally, RunRates, SpentCost, TokensSpent, Usd, Way};

/// Returns the part of the summary about the sample; `None` for a run over all rows.
pub(super) fn summary(totals: &Totals, plan: &Plan) -> Option<SampleSummary> {
    let sample = plan.sample.as_ref()?;
    let whole = sample.tables.iter();
    let tables: Vec<SampledTable> = plan
        .tables
        .iter()
        .zip(whole.clone())
        .map(|(table, whole)| SampledTable {
            split: table.split.clone(),
            rows: table.rows,
            of: whole.rows,
        })
        .collect();
    Some(SampleSummary {
        rows: tables.iter().map(|table| table.rows).sum(),
        of: tables.iter().map(|table| table.of).sum(),
        seed: plan.request.sample.and_then(|sample| sample.seed),
        tables,
        projection: projection(&totals.cost, sample, plan.rates.as_ref()),
    })
}

fn projection(
    spent: &CostTally,
    sample: &PlannedSample,
    rates: Option<&RunRates>,
) -> Option<ProjectionSummary> {
    let mut unknown = sample.tables.iter();
    if unknown.any(|whole| whole.sampled_records == 0 && whole.records > 0) {
        return None;
    }
    let (mut as_sampled, mut in_jobs) = (CostTally::default(), CostTally::default());
    let (mut input_tokens, mut output_tokens) = (0, 0);
    for (mut by, tokens) in spent.spent() {
        let whole = sample.tables.get(by.table)?;
        let times = |tokens: u64| times(tokens, whole.records, whole.sampled_records);
        let tokens = TokensSpent {
            input: times(tokens.input),
            output: times(tokens.output),
        };
        input_tokens += tokens.input;
        output_tokens += tokens.output;
        as_sampled.add(by, tokens);
        if !by.by_fallback {
            by.way = Way::Job;
        }
        in_jobs.add(by, tokens);
    }
    let cost = |tally: &CostTally| -> Option<Usd> {
        let rates = rates.filter(|rates| rates.primary.has_price())?;
        let spent = tally.cost(rates).ok()?;
        Some(spent.iter().map(SpentCost::total).sum())
    };
    Some(ProjectionSummary {
        records: sample.tables.iter().map(|whole| whole.records).sum(),
        input_tokens,
        output_tokens,
        in_jobs: sample.takes_jobs.then(|| cost(&in_jobs)).flatten(),
        on_demand: cost(&as_sampled),
    })
}

/// Returns the tokens of `all` records, in proportion to those of some of them, rounded.
fn times(tokens: u64, all: u64, of: u64) -> u64 {
    let of = u128::from(of.max(1));
    let tokens = (u128::from(tokens) * u128::from(all) + of / 2) / of;
    u64::try_from(tokens).unwrap_or(u64::MAX)
}
