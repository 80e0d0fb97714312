//! What the service charges for: the tokens of every answer, by model and by how it was asked.
//!
//! The prices are a list of the simulator's own, `prices.json`, so that a mistake in the product's list, or
//! in how it adds up, shows.

use crate::faults::FaultTier;
use crate::models::plain_id;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How an answer was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BilledWay {
    /// In a batch job.
    Batch,
    /// With a call in the tier `default`.
    OnDemand,
    /// With a call in the tier `flex`.
    Flex,
    /// With a call in the tier `priority`.
    Priority,
}

impl BilledWay {
    pub(crate) fn of_call(tier: Option<FaultTier>) -> Self {
        match tier {
            None | Some(FaultTier::Default) => Self::OnDemand,
            Some(FaultTier::Flex) => Self::Flex,
            Some(FaultTier::Priority) => Self::Priority,
        }
    }
}

/// The answers of one model in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BillLine {
    /// The model's id, as it was sent, without an ARN around it.
    pub model: String,
    /// How the answers were asked for.
    pub way: BilledWay,
    /// Answers.
    pub answers: u64,
    /// Tokens of the questions.
    pub input_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
    /// In 10⁻¹² USD; `None` if the list has no price for the id.
    pub cost: Option<u128>,
}

/// Everything that is charged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// The lines, by model and way.
    pub lines: Vec<BillLine>,
}

impl Bill {
    /// The sum in 10⁻¹² USD; `None` if the price of a line is not known.
    pub fn total(&self) -> Option<u128> {
        self.lines.iter().map(|line| line.cost).sum()
    }

    /// The sum of the lines of one way, in 10⁻¹² USD.
    pub fn total_of(&self, way: BilledWay) -> Option<u128> {
        let lines = self.lines.iter().filter(|line| line.way == way);
        lines.map(|line| line.cost).sum()
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Billed {
    answers: u64,
    input_tokens: u64,
    output_tokens: u64,
}

/// What was answered so far.
#[derive(Debug, Default)]
pub(crate) struct Billing {
    answered: BTreeMap<(String, BilledWay), Billed>,
}

impl Billing {
    pub(crate) fn add(
        &mut self,
        model_id: &str,
        way: BilledWay,
        input_tokens: u64,
        output_tokens: u64,
    ) {
        let key = (plain_id(model_id).to_owned(), way);
        let billed = self.answered.entry(key).or_default();
        billed.answers += 1;
        billed.input_tokens += input_tokens;
        billed.output_tokens += output_tokens;
    }

    pub(crate) fn bill(&self) -> Bill {
        let prices = PriceList::read();
        let lines = self.answered.iter().map(|((model, way), billed)| {
            let cost = prices.of(model, *way).map(|[input, output]| {
                u128::from(input) * u128::from(billed.input_tokens)
                    + u128::from(output) * u128::from(billed.output_tokens)
            });
            BillLine {
                model: model.clone(),
                way: *way,
                answers: billed.answers,
                input_tokens: billed.input_tokens,
                output_tokens: billed.output_tokens,
                cost,
            }
        });
        Bill {
            lines: lines.collect(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceList {
    /// The day on which the source was read.
    #[serde(rename = "read")]
    _read: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "unit")]
    _unit: String,
    prices: Vec<BilledPrices>,
}

/// 10⁻¹² USD for a token that is read, and for one that is written.
type PerToken = [u64; 2];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BilledPrices {
    id: String,
    on_demand: PerToken,
    batch: Option<PerToken>,
    flex: Option<PerToken>,
    priority: Option<PerToken>,
}

impl PriceList {
    fn read() -> Self {
        serde_json::from_str(include_str!("../prices.json")).expect("a test reads this very text")
    }

    /// A way without a price of its own costs what AWS says of it: a job half of a call, a tier as much
    /// as any call.
    fn of(&self, model: &str, way: BilledWay) -> Option<PerToken> {
        let row = self.prices.iter().find(|row| row.id == model)?;
        let own = match way {
            BilledWay::Batch => {
                let [input, output] = row.on_demand;
                return Some(row.batch.unwrap_or([input / 2, output / 2]));
            }
            BilledWay::OnDemand => Some(row.on_demand),
            BilledWay::Flex => row.flex,
            BilledWay::Priority => row.priority,
        };
        Some(own.unwrap_or(row.on_demand))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_has_a_line_for_each_model_and_way() {
        let mut billing = Billing::default();
        let haiku = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
        let arn = format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{haiku}");
        billing.add(haiku, BilledWay::Batch, 100, 10);
        billing.add(&arn, BilledWay::Batch, 100, 10);
        billing.add(haiku, BilledWay::OnDemand, 1, 0);
        let bill = billing.bill();
        assert_eq!(bill.lines.len(), 2);
        assert_eq!(bill.lines[0].answers, 2);
        let in_jobs = 200 * 550_000 + 20 * 2_750_000;
        assert_eq!(bill.total_of(BilledWay::Batch), Some(in_jobs));
        assert_eq!(bill.total(), Some(in_jobs + 1_100_000));
        billing.add("my-own-name", BilledWay::Batch, 1, 1);
        assert_eq!(billing.bill().total(), None);
    }
}
