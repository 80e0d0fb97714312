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

/// Sums are kept in this unit, so that the sum of a trillion of the largest numbers is a number too. It is a power of two,
/// so it changes no digit of a sum.
const UNIT: f64 = 1_099_511_627_776.0;

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
            let (a, b) = (a / UNIT, b / UNIT);
            let difference = (a - b).abs();
            self.sum.a += a;
            self.sum.b += b;
            self.differences += difference;
            self.largest = self.largest.max(difference);
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
            mean: self.sum.map(|sum| sum / pairs * UNIT),
            mean_difference: at_most_a_number(self.differences / pairs * UNIT),
            largest_difference: at_most_a_number(self.largest * UNIT),
        })
    }
}

/// Two numbers can be further from each other than any number is from 0.
fn at_most_a_number(difference: f64) -> f64 {
    difference.min(f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_numbers_have_means_and_differences_that_are_numbers() {
        let mut tally = NumberTally::default();
        for _ in 0..20 {
            tally.add(Some("1.7e308"), Some("-1.7e308"));
        }
        let found = tally.finish().unwrap();
        assert_eq!((found.mean.a, found.mean.b), (1.7e308, -1.7e308));
        assert!(found.mean_difference.is_finite());
        assert!(found.largest_difference.is_finite());
    }
}
