//! The tokens of a run by what they were spent on, and their cost.

use crate::rates::{RateUsed, RunRates, Way};
use crate::tokens::TokensSpent;
use crate::usd::Usd;
use std::collections::BTreeMap;

/// What tokens were spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpentBy {
    /// The number of the table.
    pub table: usize,
    /// The round, from 0.
    pub round: usize,
    /// Whether the fallback model answered.
    pub by_fallback: bool,
    /// How the tokens are paid for.
    pub way: Way,
}

/// Tokens with their cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpentCost {
    /// What they were spent on.
    pub by: SpentBy,
    /// How many there are.
    pub tokens: TokensSpent,
    /// The price.
    pub rate: RateUsed,
    /// The cost of the tokens that were read.
    pub input: Usd,
    /// The cost of the tokens that were written.
    pub output: Usd,
    /// What the same tokens cost with calls in the tier `default`, if that price is known.
    pub on_demand: Option<Usd>,
}

impl SpentCost {
    /// The cost of all the tokens.
    pub fn total(&self) -> Usd {
        self.input + self.output
    }
}

/// Tokens of a model whose price is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no price is known for some of the tokens")]
pub struct NoPrice;

/// Adds up the tokens of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CostTally {
    spent: BTreeMap<SpentBy, TokensSpent>,
}

impl CostTally {
    /// Adds tokens; none add nothing.
    pub fn add(&mut self, by: SpentBy, tokens: TokensSpent) {
        if tokens != TokensSpent::default() {
            *self.spent.entry(by).or_default() += tokens;
        }
    }

    /// Returns all tokens by what they were spent on, in the order of tables, rounds, models and ways.
    pub fn spent(&self) -> impl Iterator<Item = (SpentBy, TokensSpent)> {
        self.spent.iter().map(|(by, tokens)| (*by, *tokens))
    }

    /// Returns the cost of all tokens by what they were spent on, in the order of tables, rounds, models
    /// and ways.
    pub fn cost(&self, rates: &RunRates) -> Result<Vec<SpentCost>, NoPrice> {
        let cost = |(by, tokens): (&SpentBy, &TokensSpent)| {
            let model = rates.of(by.by_fallback)?;
            let rate = model.of(by.way)?;
            let (input, output) = rate.rate.cost(*tokens);
            let on_demand = model.of(Way::OnDemand).map(|on_demand| {
                let (input, output) = on_demand.rate.cost(*tokens);
                input + output
            });
            Some(SpentCost {
                by: *by,
                tokens: *tokens,
                rate,
                input,
                output,
                on_demand,
            })
        };
        let all: Option<Vec<SpentCost>> = self.spent.iter().map(cost).collect();
        all.ok_or(NoPrice)
    }
}
