//! The cost of a run, from the tokens of its rounds and the prices in its plan.

use crate::receipt::Round;
use crate::summary::{CostSummary, ModelCost, PriceSummary, RoundCost, TableCost, WayCost};
use quarry_contract::plan::Plan;
use quarry_cost::{CostTally, RunRates, SpentBy, SpentCost, TokensSpent, Usd, Way};

/// Adds the tokens of a round of a slice.
pub(super) fn add(tally: &mut CostTally, table: usize, number: usize, round: &Round) {
    for spent in round.spent() {
        let by = SpentBy {
            table,
            round: number,
            by_fallback: spent.by_fallback,
            way: spent.way,
        };
        tally.add(by, spent.tokens);
    }
}

/// Returns the cost of a run, or `None` if a price is not known.
pub(super) fn summary(
    tally: &CostTally,
    plan: &Plan,
    rows: u64,
    valid: u64,
) -> Option<CostSummary> {
    let rates = plan.rates.as_ref()?;
    // A run that sent nothing has a cost only if its price is known, like any other.
    if !rates.primary.has_price() {
        return None;
    }
    let spent = tally.cost(rates).ok()?;
    let total: Usd = spent.iter().map(SpentCost::total).sum();
    let on_demand: Option<Usd> = spent.iter().map(|one| one.on_demand).sum();
    Some(CostSummary {
        total,
        input: spent.iter().map(|one| one.input).sum(),
        output: spent.iter().map(|one| one.output).sum(),
        on_demand_would_be: on_demand,
        per_row: total.shared_by(rows),
        per_valid_answer: total.shared_by(valid),
        by_table: by_table(&spent, plan),
        by_model: by_model(&spent, rates),
        by_round: by_round(&spent),
        by_way: by_way(&spent),
        prices: prices(&spent, rates),
    })
}

fn by_table(spent: &[SpentCost], plan: &Plan) -> Vec<TableCost> {
    let tables = plan.tables.iter().enumerate();
    tables
        .map(|(number, table)| TableCost {
            split: table.split.clone(),
            total: sum(spent, |by| by.table == number).1,
        })
        .collect()
}

fn by_model(spent: &[SpentCost], rates: &RunRates) -> Vec<ModelCost> {
    let models = [false, true].into_iter();
    models
        .filter_map(|by_fallback| {
            let model = rates.of(by_fallback)?.model.clone();
            let (tokens, total) = sum(spent, |by| by.by_fallback == by_fallback);
            (!by_fallback || total != Usd::default()).then_some(ModelCost {
                model,
                input_tokens: tokens.input,
                output_tokens: tokens.output,
                total,
            })
        })
        .collect()
}

fn by_round(spent: &[SpentCost]) -> Vec<RoundCost> {
    let rounds = spent.iter().map(|one| one.by.round + 1).max().unwrap_or(0);
    (0..rounds)
        .map(|round| RoundCost {
            round,
            total: sum(spent, |by| by.round == round).1,
        })
        .collect()
}

const WAYS: [Way; 4] = [Way::Job, Way::OnDemand, Way::Flex, Way::Priority];

fn by_way(spent: &[SpentCost]) -> Vec<WayCost> {
    let used = WAYS
        .into_iter()
        .filter(|way| spent.iter().any(|one| one.by.way == *way));
    used.map(|way| {
        let (tokens, total) = sum(spent, |by| by.way == way);
        WayCost {
            way,
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            total,
        }
    })
    .collect()
}

/// Returns each price that was used, once.
fn prices(spent: &[SpentCost], rates: &RunRates) -> Vec<PriceSummary> {
    let mut prices = Vec::new();
    for by_fallback in [false, true] {
        for way in WAYS {
            let used = spent
                .iter()
                .find(|one| one.by.by_fallback == by_fallback && one.by.way == way);
            let (Some(used), Some(model)) = (used, rates.of(by_fallback)) else {
                continue;
            };
            prices.push(PriceSummary {
                model: model.model.clone(),
                way,
                input: used.rate.rate.input,
                output: used.rate.rate.output,
                assumed: used.rate.assumed.map(str::to_owned),
                source: model.source.clone(),
                checked: Some(model.checked.clone()).filter(|day| !day.is_empty()),
            });
        }
    }
    prices
}

fn sum(spent: &[SpentCost], wanted: impl Fn(&SpentBy) -> bool) -> (TokensSpent, Usd) {
    let mut sum = (TokensSpent::default(), Usd::default());
    for one in spent.iter().filter(|one| wanted(&one.by)) {
        sum.0 += one.tokens;
        sum.1 += one.total();
    }
    sum
}
