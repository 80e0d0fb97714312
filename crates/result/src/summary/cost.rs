//! The part of the summary about money.

use quarry_cost::{Usd, Way};
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run's tokens cost. Amounts are USD, as texts with at least six decimals, so that no reader
/// rounds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct CostSummary {
    /// All tokens.
    #[cfg_attr(test, schemars(with = "String"))]
    pub total: Usd,
    /// The tokens that the models read.
    #[cfg_attr(test, schemars(with = "String"))]
    pub input: Usd,
    /// The tokens that the models wrote.
    #[cfg_attr(test, schemars(with = "String"))]
    pub output: Usd,
    /// What the same tokens would have cost with calls in the tier `default`; null if that price is not
    /// known.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub on_demand_would_be: Option<Usd>,
    /// `total` for each input row; null without rows.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub per_row: Option<Usd>,
    /// `total` for each row whose answer satisfies the schema, or without a schema for each answered row;
    /// null without such rows.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub per_valid_answer: Option<Usd>,
    /// The tables, in the order of `tables`.
    pub by_table: Vec<TableCost>,
    /// The run's model, and the fallback model if it answered.
    pub by_model: Vec<ModelCost>,
    /// The rounds, in order.
    pub by_round: Vec<RoundCost>,
    /// Jobs, calls and service tiers, as far as they were used.
    pub by_way: Vec<WayCost>,
    /// The prices that were used.
    pub prices: Vec<PriceSummary>,
}

/// The cost of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct TableCost {
    /// The training split; null if there are none.
    pub split: Option<String>,
    /// The cost.
    #[cfg_attr(test, schemars(with = "String"))]
    pub total: Usd,
}

/// The cost of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ModelCost {
    /// The id that was sent to Bedrock.
    pub model: String,
    /// Tokens that the model read, with those of the prompt cache.
    pub input_tokens: u64,
    /// Tokens that the model wrote.
    pub output_tokens: u64,
    /// The cost.
    #[cfg_attr(test, schemars(with = "String"))]
    pub total: Usd,
}

/// The cost of one round, over all slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RoundCost {
    /// The round, from 0.
    pub round: usize,
    /// The cost.
    #[cfg_attr(test, schemars(with = "String"))]
    pub total: Usd,
}

/// The cost of one way to send records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct WayCost {
    /// `job`; or the service tier of calls: `on_demand` for the tier `default`, `flex`, `priority`.
    #[cfg_attr(test, schemars(with = "String", extend("enum" = ["job", "on_demand", "flex", "priority"])))]
    pub way: Way,
    /// Tokens that the models read, with those of the prompt cache.
    pub input_tokens: u64,
    /// Tokens that the models wrote.
    pub output_tokens: u64,
    /// The cost.
    #[cfg_attr(test, schemars(with = "String"))]
    pub total: Usd,
}

/// A price that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct PriceSummary {
    /// The id that was sent to Bedrock.
    pub model: String,
    /// As in `by_way`.
    #[cfg_attr(test, schemars(with = "String", extend("enum" = ["job", "on_demand", "flex", "priority"])))]
    pub way: Way,
    /// USD for a million tokens that the model reads.
    #[cfg_attr(test, schemars(with = "String"))]
    pub input: Usd,
    /// USD for a million tokens that the model writes.
    #[cfg_attr(test, schemars(with = "String"))]
    pub output: Usd,
    /// What was assumed, if the source has no price for this way; null otherwise.
    pub assumed: Option<String>,
    /// Where the price was read.
    pub source: String,
    /// The day on which it was read there; null for a price of the settings, which has none.
    pub checked: Option<String>,
}
