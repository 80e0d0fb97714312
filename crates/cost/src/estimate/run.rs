//! What the first round of a run is expected to take and to cost, and which part of it a slice has.

use super::{Estimated, ExpectedTokens};
use crate::rates::{ModelRates, Way};
use crate::usd::Usd;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Records and their bytes as lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSums {
    /// Records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl AddAssign for RecordSums {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
    }
}

/// What the first round of a run is expected to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEstimate {
    /// Records whose texts were counted.
    pub counted: u64,
    /// Records that are sent in jobs.
    pub in_jobs: RecordSums,
    /// Records that are sent on demand.
    pub on_demand: RecordSums,
    /// Tokens that the model reads for all records.
    pub input: Estimated<u64>,
    /// Tokens of one answer.
    pub answer: Estimated<u64>,
    /// Whether the limit on tokens can cut an answer off.
    pub reaches_limit: bool,
}

impl RunEstimate {
    /// All records.
    pub fn all(&self) -> RecordSums {
        let mut all = self.in_jobs;
        all += self.on_demand;
        all
    }

    /// The tokens of all records.
    pub fn tokens(&self) -> ExpectedTokens {
        self.tokens_of(self.all())
    }

    /// The tokens of some of the records: those that are read by the records' bytes, and those that are
    /// written by their number.
    pub fn tokens_of(&self, part: RecordSums) -> ExpectedTokens {
        let bytes = self.all().bytes.max(1);
        let share = |tokens: u64| {
            let tokens = u128::from(tokens) * u128::from(part.bytes) / u128::from(bytes);
            u64::try_from(tokens).unwrap_or(u64::MAX)
        };
        ExpectedTokens {
            input: Estimated {
                low: share(self.input.low),
                expected: share(self.input.expected),
                high: share(self.input.high),
            },
            output: self.answer.times(part.records),
        }
    }

    /// What the run costs as it was planned. `tier` is the way of its calls. `None` if no price is known.
    pub fn cost(&self, rates: &ModelRates, tier: Way) -> Option<Estimated<Usd>> {
        let in_jobs = self.tokens_of(self.in_jobs).cost(rates, Way::Job)?;
        let on_demand = self.tokens_of(self.on_demand).cost(rates, tier)?;
        Some(in_jobs.plus(on_demand))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rates::TokenRate;

    fn even(number: u64) -> Estimated<u64> {
        Estimated {
            low: number / 2,
            expected: number,
            high: number * 2,
        }
    }

    /// A call costs twice as much as a job.
    #[test]
    fn the_cost_is_that_of_the_jobs_and_of_the_calls() {
        let rate = |input: &str, output: &str| TokenRate {
            input: input.parse().unwrap(),
            output: output.parse().unwrap(),
        };
        let rates = ModelRates {
            model: "m".to_owned(),
            on_demand: Some(rate("1", "10")),
            batch: None,
            flex: None,
            priority: None,
            source: String::new(),
            checked: String::new(),
        };
        let sums = |records, bytes| RecordSums { records, bytes };
        let estimate = RunEstimate {
            counted: 10,
            in_jobs: sums(9, 900),
            on_demand: sums(1, 300),
            input: even(1_200_000),
            answer: even(100_000),
            reaches_limit: false,
        };
        assert_eq!(estimate.all(), sums(10, 1_200));
        assert_eq!(estimate.tokens().output.expected, 1_000_000);
        // 900,000 tokens in jobs and 300,000 in calls; 900,000 and 100,000 written.
        let cost = estimate.cost(&rates, Way::OnDemand).unwrap();
        assert_eq!(cost.expected, "6.25".parse().unwrap());
        assert_eq!(cost.low, "3.125".parse().unwrap());
        let unknown = ModelRates {
            on_demand: None,
            ..rates
        };
        assert_eq!(estimate.cost(&unknown, Way::OnDemand), None);
    }
}
