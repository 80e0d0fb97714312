//! What a run is expected to cost, before anything is sent: tokens from the bytes of its texts, and the
//! length of the answers from their schema.

mod answer;
mod counted;
mod overhead;
mod request;
mod run;
mod sample;
mod text;

pub use answer::AnswerLength;
pub use counted::CountedRecords;
pub use overhead::{
    AskedSlices, FunctionTime, KeptFolder, LambdaTime, Overhead, S3Requests, SliceSums, Transitions,
};
pub use request::RequestTexts;
pub use run::{RecordSums, RunEstimate};
pub use sample::TextSample;
pub use text::{TextClasses, TokenFamily};

use crate::rates::{ModelRates, Way};
use crate::tokens::TokensSpent;
use crate::usd::Usd;
use serde::{Deserialize, Serialize};
use std::ops::Add;

/// A value with the bounds that it is expected to lie in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimated<T> {
    /// The lower bound.
    pub low: T,
    /// The best guess.
    pub expected: T,
    /// The upper bound.
    pub high: T,
}

impl<T: Copy> Estimated<T> {
    /// Returns what follows from each of the three values.
    #[must_use]
    pub fn map<U>(self, of: impl Fn(T) -> U) -> Estimated<U> {
        Estimated {
            low: of(self.low),
            expected: of(self.expected),
            high: of(self.high),
        }
    }
}

impl<T: Add<Output = T>> Estimated<T> {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            expected: self.expected + other.expected,
            high: self.high + other.high,
        }
    }
}

impl Estimated<u64> {
    /// The same for this number of records.
    #[must_use]
    pub fn times(self, records: u64) -> Self {
        self.map(|one| one * records)
    }
}

impl Estimated<Usd> {
    /// For people: the best guess, with the bounds behind it.
    pub fn shown(&self) -> String {
        let [low, expected, high] = [self.low, self.expected, self.high].map(Usd::shown);
        format!("{expected} ({low} to {high})")
    }
}

/// The tokens that a number of records is expected to take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ExpectedTokens {
    /// Tokens that the model reads.
    pub input: Estimated<u64>,
    /// Tokens that it writes.
    pub output: Estimated<u64>,
}

impl ExpectedTokens {
    /// Returns what the tokens cost in one way; `None` if no price is known for it.
    pub fn cost(&self, rates: &ModelRates, way: Way) -> Option<Estimated<Usd>> {
        let rate = rates.of(way)?.rate;
        let cost = |input, output| {
            let (input, output) = rate.cost(TokensSpent { input, output });
            input + output
        };
        Some(Estimated {
            low: cost(self.input.low, self.output.low),
            expected: cost(self.input.expected, self.output.expected),
            high: cost(self.input.high, self.output.high),
        })
    }
}
