//! How two results agree on numbers.

use crate::sides::Sides;
use crate::value::number;
use quarry_result::profile::ExactSum;
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

/// A number, and the integer that its text is if that fits.
#[derive(Debug, Clone, Copy)]
struct ReadNumber {
    float: f64,
    integer: Option<i128>,
}

impl ReadNumber {
    fn of(text: &str) -> Option<Self> {
        Some(Self {
            float: number(text)?,
            integer: text.parse().ok(),
        })
    }

    /// Returns how far two numbers are from each other. That of two integers is exact where the floats next to
    /// them are the same.
    fn difference(self, other: Self) -> f64 {
        let integers = self.integer.zip(other.integer);
        let exact = integers.and_then(|(one, other)| one.checked_sub(other));
        #[expect(
            clippy::cast_precision_loss,
            reason = "a difference is shown with a few digits"
        )]
        let difference = match exact {
            Some(difference) => difference.unsigned_abs() as f64,
            None => (self.float - other.float).abs(),
        };
        // Two numbers can be further from each other than any number is from 0.
        difference.min(f64::MAX)
    }
}

/// Adds the numbers of one result up.
#[derive(Debug, Clone, Default)]
struct NumberSum {
    sum: ExactSum,
    least: Option<f64>,
    most: Option<f64>,
}

impl NumberSum {
    fn add(&mut self, number: ReadNumber) {
        match number.integer.map(i64::try_from) {
            Some(Ok(integer)) => self.sum.add_integer(integer),
            _ => self.sum.add(number.float),
        }
        self.least = Some(
            self.least
                .map_or(number.float, |least| least.min(number.float)),
        );
        self.most = Some(
            self.most
                .map_or(number.float, |most| most.max(number.float)),
        );
    }

    /// Returns the mean of so many numbers. The last rounding must not lead beyond the numbers.
    fn mean(&self, of: u64) -> f64 {
        let (least, most) = (
            self.least.unwrap_or(f64::MIN),
            self.most.unwrap_or(f64::MAX),
        );
        self.sum.mean(of).clamp(least, most)
    }
}

/// Adds numbers up for as long as every value is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct NumberTally {
    has_other: bool,
    pairs: u64,
    sums: Sides<NumberSum>,
    differences: ExactSum,
    largest: f64,
}

impl NumberTally {
    pub(crate) fn add(&mut self, a: Option<&str>, b: Option<&str>) {
        if self.has_other {
            return;
        }
        let (parsed_a, parsed_b) = (a.and_then(ReadNumber::of), b.and_then(ReadNumber::of));
        self.has_other = a.is_some() != parsed_a.is_some() || b.is_some() != parsed_b.is_some();
        if let (Some(a), Some(b)) = (parsed_a, parsed_b) {
            self.pairs += 1;
            self.sums.a.add(a);
            self.sums.b.add(b);
            let difference = a.difference(b);
            self.differences.add(difference);
            self.largest = self.largest.max(difference);
        }
    }

    /// Returns nothing if a value was no number, or if no row has a number on both sides.
    pub(crate) fn finish(&self) -> Option<NumberAgreement> {
        if self.has_other || self.pairs == 0 {
            return None;
        }
        Some(NumberAgreement {
            mean: self.sums.each().map(|side| side.mean(self.pairs)),
            mean_difference: self.differences.mean(self.pairs).min(self.largest),
            largest_difference: self.largest,
        })
    }
}

/// Returns a figure of numbers for people: with four digits after the point, or in powers of ten if these
/// would show nothing of it or too many digits before it.
pub fn measure(figure: f64) -> String {
    let magnitude = figure.abs();
    if magnitude > 0.0 && !(1e-4..1e15).contains(&magnitude) {
        format!("{figure:.4e}")
    } else {
        format!("{figure:.4}")
    }
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

    fn agreement(pairs: &[(&str, &str)]) -> NumberAgreement {
        let mut tally = NumberTally::default();
        for (a, b) in pairs {
            tally.add(Some(a), Some(b));
        }
        tally.finish().unwrap()
    }

    /// As in the profile of the summary.
    #[test]
    fn a_mean_is_right_where_large_numbers_cancel_each_other() {
        let found = agreement(&[("1e308", "7"), ("3", "7"), ("-1e308", "7")]);
        assert!((found.mean.a - 1.0).abs() < 1e-12, "{found:?}");
        assert!((found.mean.b - 7.0).abs() < 1e-12, "{found:?}");
        let found = agreement(&[("5e-324", "0.0")]);
        assert!(found.mean.a > 0.0 && found.largest_difference > 0.0);
    }

    #[test]
    fn integers_that_differ_have_a_difference_even_where_their_floats_are_the_same() {
        for (a, b, difference) in [
            ("9007199254740993", "9007199254740992", 1.0),
            (
                "123456789012345678901234567891",
                "123456789012345678901234567889",
                2.0,
            ),
            (
                "-9223372036854775808",
                "9223372036854775807",
                18_446_744_073_709_551_615.0,
            ),
            ("9007199254740993", "9007199254740992.0", 0.0),
        ] {
            let found = agreement(&[(a, b), ("1", "1")]);
            assert!(
                (found.largest_difference - difference).abs() < 1e-9,
                "{found:?}"
            );
            assert!(
                (found.mean_difference - difference / 2.0).abs() < 1e-3,
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_figure_is_never_shown_as_zero_unless_it_is_and_never_in_hundreds_of_digits() {
        for (figure, shown) in [
            (0.0, "0.0000"),
            (0.0001, "0.0001"),
            (0.000_02, "2.0000e-5"),
            (-12.5, "-12.5000"),
            (948_126_237_341_157.8, "948126237341157.7500"),
            (1e308, "1.0000e308"),
            (-1e15, "-1.0000e15"),
        ] {
            assert_eq!(measure(figure), shown);
        }
    }
}
