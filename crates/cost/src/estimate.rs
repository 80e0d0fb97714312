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

impl<T: Copy> Estimated<T> {
    /// For people: the best guess, with the bounds behind it unless they look the same.
    pub fn in_words(self, shown: impl Fn(T) -> String) -> String {
        let [low, expected, high] = [self.low, self.expected, self.high].map(shown);
        if low == expected && expected == high {
            expected
        } else {
            format!("{expected} ({low} to {high})")
        }
    }
}

impl Estimated<Usd> {
    /// For people: the best guess, with the bounds behind it unless they look the same.
    pub fn shown(self) -> String {
        self.in_words(Usd::shown)
    }

    /// Does the same beside an amount that is shown as it was given: the digits show what is more.
    pub fn shown_beside(self, given: Usd) -> String {
        self.in_words(|amount| amount.shown_beside(given))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_that_look_the_same_are_not_shown() {
        let of = |low: &str, expected: &str, high: &str| Estimated {
            low: low.parse::<Usd>().unwrap(),
            expected: expected.parse().unwrap(),
            high: high.parse().unwrap(),
        };
        let same = of("0.00101", "0.00102", "0.00103");
        assert_eq!(same.shown(), "0.001 USD");
        let range = of("0.0036", "0.009", "0.0138");
        assert_eq!(range.shown(), "0.009 USD (0.0036 USD to 0.014 USD)");
        assert_eq!(
            of("0.03", "0.0368", "0.0371").shown_beside("0.037".parse().unwrap()),
            "0.0368 USD (0.03 USD to 0.0371 USD)"
        );
    }
}
