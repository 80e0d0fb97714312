//! Figures of numbers.

use super::exact_sum::ExactSum;
use super::ranges::NumberRanges;
use crate::summary::{NumberSummary, RangeRows};
use serde::{Deserialize, Serialize};

/// The smallest, the sum and the largest of numbers, and their ranges.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfiledNumbers {
    values: u64,
    minimum: f64,
    maximum: f64,
    sum: ExactSum,
    ranges: NumberRanges,
}

impl ProfiledNumbers {
    /// Adds a finite number.
    pub(super) fn add(&mut self, number: f64) {
        self.count(number);
        self.sum.add(number);
    }

    pub(super) fn add_integer(&mut self, number: i64) {
        self.count(float(number));
        self.sum.add_integer(number);
    }

    /// Adds everything but the sum.
    fn count(&mut self, number: f64) {
        // Of 0 and -0, one would stay by the order.
        let number = number + 0.0;
        if self.values == 0 {
            (self.minimum, self.maximum) = (number, number);
        }
        self.values += 1;
        self.minimum = self.minimum.min(number);
        self.maximum = self.maximum.max(number);
        self.ranges.add(number);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if other.values == 0 {
            return;
        }
        if self.values == 0 {
            (self.minimum, self.maximum) = (other.minimum, other.maximum);
        }
        self.values += other.values;
        self.minimum = self.minimum.min(other.minimum);
        self.maximum = self.maximum.max(other.maximum);
        self.sum.merge(&other.sum);
        self.ranges.merge(&other.ranges);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values == 0
    }

    pub(super) fn values(&self) -> u64 {
        self.values
    }

    /// Returns the figures, if there are numbers.
    pub(super) fn figures(&self) -> Option<NumberSummary> {
        (!self.is_empty()).then(|| NumberSummary {
            values: self.values,
            minimum: self.minimum,
            // The last rounding must not lead beyond the numbers.
            mean: self.sum.mean(self.values).clamp(self.minimum, self.maximum),
            maximum: self.maximum,
            ranges: self.shown_ranges(),
        })
    }

    fn shown_ranges(&self) -> Vec<RangeRows> {
        if self.minimum.total_cmp(&self.maximum).is_ne() {
            return self.ranges.shown();
        }
        // The narrowest range around a single number would look as if there were others.
        vec![RangeRows {
            from: self.minimum,
            to: self.maximum,
            rows: self.values,
        }]
    }
}

fn float(number: i64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the smallest and the largest have 15 digits"
    )]
    let number = number as f64;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The narrowest range is some 10⁻⁶ wide.
    #[test]
    fn numbers_that_are_all_the_same_are_one_range_of_that_number() {
        for number in [7.0, 0.1, -3.0, 1e300] {
            let mut numbers = ProfiledNumbers::default();
            numbers.add(number);
            let mut others = ProfiledNumbers::default();
            others.add(number);
            numbers.merge(&others);
            let figures = numbers.figures().unwrap();
            let only = RangeRows {
                from: number,
                to: number,
                rows: 2,
            };
            assert_eq!(figures.ranges, [only]);
            numbers.add(number + number.abs());
            assert!(numbers.figures().unwrap().ranges.len() > 1, "{number}");
        }
    }
}
