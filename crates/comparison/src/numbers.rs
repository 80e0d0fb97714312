//! How two results agree on numbers.

use crate::sides::Sides;
use crate::value::number;
use serde::Serialize;

/// How far the numbers of a property are from each other, over the rows in which both results have one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NumberAgreement {
    /// The mean of each result.
    pub mean: Sides<f64>,
    /// The mean of the absolute differences.
    pub mean_difference: f64,
    /// The largest absolute difference.
    pub largest_difference: f64,
}

/// Adds numbers up for as long as every value is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct NumberTally {
    has_other: bool,
    pairs: u64,
    sum: Sides<f64>,
    differences: f64,
    largest: f64,
}

impl NumberTally {
    pub(crate) fn add(&mut self, a: Option<&str>, b: Option<&str>) {
        if self.has_other {
            return;
        }
        let (parsed_a, parsed_b) = (a.and_then(number), b.and_then(number));
        self.has_other = a.is_some() != parsed_a.is_some() || b.is_some() != parsed_b.is_some();
        if let (Some(a), Some(b)) = (parsed_a, parsed_b) {
            self.pairs += 1;
            self.sum.a += a;
            self.sum.b += b;
            self.differences += (a - b).abs();
            self.largest = self.largest.max((a - b).abs());
        }
    }

    /// Returns nothing if a value was no number, or if no row has a number on both sides.
    pub(crate) fn finish(&self) -> Option<NumberAgreement> {
        if self.has_other || self.pairs == 0 {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a mean is shown with a few digits"
        )]
        let pairs = self.pairs as f64;
        Some(NumberAgreement {
            mean: self.sum.map(|sum| sum / pairs),
            mean_difference: self.differences / pairs,
            largest_difference: self.largest,
        })
    }
}
