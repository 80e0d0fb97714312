//! What the summary of a result says about how it was made.

use quarry_cost::Usd;
use serde::Serialize;
use serde_json::Value;

/// How a result was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResultFacts {
    /// The result's file or folder, for people.
    pub name: String,
    /// The run.
    pub run: Option<String>,
    /// The model's id.
    pub model: Option<String>,
    /// Tokens of all rounds.
    pub tokens: Option<ResultTokens>,
    /// Rows without an answer that the result leaves out.
    pub left_out_rows: Option<u64>,
    /// What the run cost, as the summary has it, such as `6.43 USD`.
    pub cost: Option<String>,
}

/// Tokens of all rounds of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ResultTokens {
    /// Tokens that the model read, without those of the prompt cache.
    pub input: u64,
    /// Tokens that the model wrote.
    pub output: u64,
}

impl ResultFacts {
    /// Reads the facts from a summary. Members that an older summary lacks are left out. Which rows are left out
    /// depends on the tables that are compared, so the caller sets them.
    pub fn new(name: &str, summary: Option<&Value>) -> Self {
        let member = |pointer: &str| summary.and_then(|summary| summary.pointer(pointer));
        let text = |pointer: &str| member(pointer).and_then(Value::as_str).map(str::to_owned);
        let count = |pointer: &str| member(pointer).and_then(Value::as_u64);
        let tokens = || {
            Some(ResultTokens {
                input: count("/tokens/input")?,
                output: count("/tokens/output")?,
            })
        };
        Self {
            name: name.to_owned(),
            run: text("/run"),
            model: text("/effective_model_id"),
            tokens: tokens(),
            left_out_rows: None,
            cost: text("/cost/total").and_then(amount),
        }
    }
}

/// Returns an amount for people.
fn amount(text: String) -> Option<String> {
    Usd::try_from(text).ok().map(Usd::shown)
}
