//! Counts of numbers by ranges, without knowing the limits of the numbers first.

use crate::summary::RangeRows;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most ranges that numbers are counted in.
pub const MOST_RANGES: usize = 128;

/// The most ranges that a summary has.
const RANGES_SHOWN: usize = 12;

/// The width of the first ranges, as a power of two.
const NARROWEST: i16 = -20;

/// The largest number of a range that is exact, 2^52.
const LARGEST: f64 = 4_503_599_627_370_496.0;

/// Counts of numbers in ranges of one width, a power of two. When the ranges become too many, two neighbours become
/// one. The width at the end is the least one with few enough ranges, whatever the order of the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NumberRanges {
    /// The width, as a power of two.
    width: i16,
    /// By a range's lower bound in units of the width, its numbers.
    counts: BTreeMap<i64, u64>,
}

impl Default for NumberRanges {
    fn default() -> Self {
        Self {
            width: NARROWEST,
            counts: BTreeMap::new(),
        }
    }
}

impl NumberRanges {
    fn unit(&self) -> f64 {
        f64::from(self.width).exp2()
    }

    pub(super) fn add(&mut self, number: f64) {
        while (number / self.unit()).abs() > LARGEST {
            self.widen();
        }
        let range = (number / self.unit()).floor();
        // The quotient of a small number can be too small for a float, so that it becomes 0.
        let range = if number < 0.0 { range.min(-1.0) } else { range };
        #[expect(clippy::cast_possible_truncation, reason = "it is at most 2^52")]
        let range = range as i64;
        *self.counts.entry(range).or_default() += 1;
        self.widen_to_fit(MOST_RANGES);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        while self.width < other.width {
            self.widen();
        }
        while other.width < self.width {
            other.widen();
        }
        for (range, count) in other.counts {
            *self.counts.entry(range).or_default() += count;
        }
        self.widen_to_fit(MOST_RANGES);
    }

    fn widen_to_fit(&mut self, most: usize) {
        while self.counts.len() > most {
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.width += 1;
        let counts = std::mem::take(&mut self.counts);
        for (range, count) in counts {
            *self.counts.entry(range.div_euclid(2)).or_default() += count;
        }
    }

    fn span(&self) -> std::ops::RangeInclusive<i64> {
        let first = self.counts.keys().next().copied().unwrap_or_default();
        let last = self.counts.keys().next_back().copied();
        first..=last.unwrap_or_default()
    }

    /// Returns neighbouring ranges from the smallest number to the largest, empty ones included.
    pub(super) fn shown(&self) -> Vec<RangeRows> {
        let mut shown = self.clone();
        while shown.span().count() > RANGES_SHOWN {
            shown.widen();
        }
        shown
            .span()
            .map(|range| {
                // Those of the outermost ranges can be beyond the floats, and JSON has no infinity.
                #[expect(clippy::cast_precision_loss, reason = "it is at most 2^52")]
                let bound = |range: i64| (range as f64 * shown.unit()).clamp(f64::MIN, f64::MAX);
                RangeRows {
                    from: bound(range),
                    to: bound(range + 1),
                    rows: shown.counts.get(&range).copied().unwrap_or_default(),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(numbers: &[f64]) -> NumberRanges {
        let mut ranges = NumberRanges::default();
        for number in numbers {
            ranges.add(*number);
        }
        ranges
    }

    #[test]
    fn the_ranges_hold_each_number_once_whatever_their_size_is() {
        for scale in [1e-9, 1.0, 1e12, 1e300] {
            let numbers: Vec<f64> = (0..5_000)
                .map(|number| f64::from(number - 700) * scale)
                .collect();
            let shown = of(&numbers).shown();
            assert!(shown.len() <= RANGES_SHOWN, "{scale}");
            assert_eq!(
                shown.iter().map(|range| range.rows).sum::<u64>(),
                5_000,
                "{scale}"
            );
            for pair in shown.windows(2) {
                assert!(pair[0].to.total_cmp(&pair[1].from).is_eq(), "{scale}");
            }
            for range in &shown {
                let inside = numbers
                    .iter()
                    .filter(|number| (range.from..range.to).contains(number));
                assert_eq!(inside.count() as u64, range.rows, "{scale}: {range:?}");
            }
        }
    }

    #[test]
    fn the_bounds_are_numbers_of_json_also_at_the_largest_floats() {
        for numbers in [[f64::MAX, 1.0], [f64::MIN, 1.0], [f64::MIN, f64::MAX]] {
            for range in of(&numbers).shown() {
                let (from, to) = (range.from, range.to);
                assert!(from.is_finite() && to.is_finite() && from < to, "{range:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_order_and_any_split_give_the_same_ranges(
            numbers in prop::collection::vec(any::<f64>().prop_filter("finite", |number| number.is_finite()), 0..400),
            cut in 0..400_usize,
        ) {
            let whole = of(&numbers);
            prop_assert!(whole.counts.len() <= MOST_RANGES);
            let (first, second) = numbers.split_at(cut.min(numbers.len()));
            let mut merged = of(second);
            merged.merge(&of(first));
            prop_assert_eq!(merged, whole);
        }
    }
}
