//! A sum of numbers that does not depend on their order.
//!
//! Adding floats one by one rounds after each step, so that the order of the slices would show in the last digits. Here, each
//! number is cut into limbs of 32 bits, and the limbs are added as integers.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The bits of a limb. A limb's sum has room for the limbs of 2^31 numbers.
const LIMB: i16 = 32;

/// The bits of a float's fraction, and what its stored exponent is above that of the whole number that they are.
const FRACTION: u32 = 52;
const BIAS: i16 = 1_075;

/// The exact sum of finite numbers: by the place of a limb, the sum of the limbs there, in units of 2 to the power of
/// 32 times the place. There are at most 68 places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExactSum {
    limbs: BTreeMap<i16, i64>,
}

impl ExactSum {
    /// Adds a finite number.
    pub fn add(&mut self, number: f64) {
        let bits = number.to_bits();
        let stored = ((bits >> FRACTION) & 0x7ff) as i16;
        let fraction = bits & ((1 << FRACTION) - 1);
        let (whole, exponent) = match stored {
            0 => (fraction, 1 - BIAS),
            _ => (fraction | 1 << FRACTION, stored - BIAS),
        };
        self.add_whole(whole, exponent, number.is_sign_negative());
    }

    /// Adds an integer.
    pub fn add_integer(&mut self, number: i64) {
        self.add_whole(number.unsigned_abs(), 0, number < 0);
    }

    /// Adds `whole` times 2 to the power of `exponent`.
    fn add_whole(&mut self, whole: u64, exponent: i16, is_negative: bool) {
        let mut place = exponent.div_euclid(LIMB);
        let mut rest = u128::from(whole) << exponent.rem_euclid(LIMB);
        while rest > 0 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the lowest 32 bits are meant"
            )]
            let limb = i64::from(rest as u32);
            if limb > 0 {
                let sum = self.limbs.entry(place).or_default();
                *sum += if is_negative { -limb } else { limb };
            }
            rest >>= LIMB;
            place += 1;
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        for (place, sum) in &other.limbs {
            *self.limbs.entry(*place).or_default() += sum;
        }
    }

    /// Returns the sum, divided by `count`, to some 15 digits.
    pub fn mean(&self, count: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a mean has few digits")]
        let terms = self.limbs.iter().rev().map(|(place, sum)| {
            // In two steps, because 2 to the power of the lowest place is less than the smallest float.
            let half = (f64::from(*place) * f64::from(LIMB) / 2.0).exp2();
            *sum as f64 / count.max(1) as f64 * half * half
        });
        terms.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(numbers: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        for number in numbers {
            sum.add(*number);
        }
        sum
    }

    #[test]
    fn a_mean_is_right_where_adding_one_by_one_is_not() {
        for (numbers, expected) in [
            (vec![1e308, 1e308], 1e308),
            (vec![1e300, 3.0, -1e300], 1.0),
            (vec![0.1; 10], 0.1),
            (vec![5e-324, 5e-324], 5e-324),
            (vec![f64::MAX, f64::MIN], 0.0),
            (vec![-0.0, 0.0, -2.5], -2.5 / 3.0),
        ] {
            let mean = sum(&numbers).mean(numbers.len() as u64);
            let error = (mean - expected).abs();
            assert!(error <= expected.abs() * 1e-15, "{numbers:?}: {mean}");
        }
        let mut integers = ExactSum::default();
        for number in [i64::MAX, i64::MIN, 5] {
            integers.add_integer(number);
        }
        assert!((integers.mean(1) - 4.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn any_order_and_any_split_give_the_same_sum(
            numbers in prop::collection::vec(any::<f64>().prop_filter("finite", |number| number.is_finite()), 0..60),
            cut in 0..60_usize,
        ) {
            let whole = sum(&numbers);
            let (first, second) = numbers.split_at(cut.min(numbers.len()));
            let mut merged = sum(second);
            merged.merge(&sum(first));
            prop_assert_eq!(&merged, &whole);
            let stored = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<ExactSum>(&stored).unwrap(), whole);
        }
    }
}
