//! What a run costs: amounts of money, the prices of a run's models, the cost of its tokens, and an estimate
//! of it before anything is sent.
//!
//! Limits: this crate has no list of the prices of models. `plan` takes a run's prices from the table of models and
//! writes them into the plan, so no other function contains that list.

mod charges;
pub mod estimate;
mod rates;
mod tally;
mod tokens;
mod usd;

pub use rates::{ModelRates, RateUsed, RunRates, TokenRate, Way};
pub use tally::{CostTally, NoPrice, SpentBy, SpentCost};
pub use tokens::TokensSpent;
pub use usd::{NotUsd, Usd};
