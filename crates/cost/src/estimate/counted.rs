//! Records whose tokens the service has counted, which stand for all records of a run.

use super::{Estimated, RecordSums};

/// The least margin on the tokens of records that were not counted, as a part of them.
const LEAST_MARGIN: f64 = 0.01;

/// Some records of a run with the tokens that the service counts for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountedRecords {
    records: Vec<CountedRecord>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CountedRecord {
    tokens: u64,
    bytes: u64,
}

impl CountedRecords {
    /// Adds a record. `bytes` is its length as a line.
    pub fn add(&mut self, tokens: u64, bytes: u64) {
        self.records.push(CountedRecord { tokens, bytes });
    }

    /// The number of records that were counted.
    pub fn counted(&self) -> u64 {
        self.records.len() as u64
    }

    /// Returns the tokens that a model reads for all records: as many for each byte as for the counted
    /// records. The bounds are two standard errors away.
    pub fn tokens(&self, all: RecordSums) -> Estimated<u64> {
        let sum = |of: fn(&CountedRecord) -> u64| self.records.iter().map(of).sum::<u64>();
        let (tokens, bytes) = (sum(|one| one.tokens), sum(|one| one.bytes).max(1));
        let expected = u128::from(tokens) * u128::from(all.bytes) / u128::from(bytes);
        let expected = u64::try_from(expected).unwrap_or(u64::MAX);
        if self.counted() >= all.records {
            return Estimated {
                low: tokens,
                expected: tokens,
                high: tokens,
            };
        }
        let margin = part(expected, self.relative_error(tokens, bytes) * 2.0);
        Estimated {
            low: expected.saturating_sub(margin),
            expected,
            high: expected.saturating_add(margin),
        }
    }

    /// Returns the standard error of the tokens for each byte, as a part of them.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn relative_error(&self, tokens: u64, bytes: u64) -> f64 {
        let number = self.records.len();
        if number < 2 || tokens == 0 {
            return 1.0;
        }
        let per_byte = tokens as f64 / bytes as f64;
        let squares = self.records.iter().map(|one| {
            let residual = one.tokens as f64 - per_byte * one.bytes as f64;
            residual * residual
        });
        let (number, squares) = (number as f64, squares.sum::<f64>());
        let error = (squares / (number - 1.0) * number).sqrt() / tokens as f64;
        error.max(LEAST_MARGIN / 2.0)
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate of something that is not negative"
)]
fn part(number: u64, part: f64) -> u64 {
    (number as f64 * part).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(records: u64, bytes: u64) -> RecordSums {
        RecordSums { records, bytes }
    }

    #[test]
    fn records_that_are_all_counted_have_no_range() {
        let mut counted = CountedRecords::default();
        counted.add(100, 400);
        counted.add(37, 150);
        let tokens = counted.tokens(sums(2, 550));
        assert_eq!((tokens.low, tokens.expected, tokens.high), (137, 137, 137));
    }

    #[test]
    fn the_range_is_as_wide_as_the_counted_records_differ() {
        let (mut even, mut uneven) = (CountedRecords::default(), CountedRecords::default());
        for number in 0..30 {
            even.add(100, 400);
            uneven.add(if number % 2 == 0 { 60 } else { 140 }, 400);
        }
        let all = sums(1_000, 400_000);
        let (even, uneven) = (even.tokens(all), uneven.tokens(all));
        assert_eq!(
            (even.low, even.expected, even.high),
            (99_000, 100_000, 101_000)
        );
        assert_eq!(uneven.expected, 100_000);
        // A standard error of 40 / √29 in 100.
        assert!((114_000..116_000).contains(&uneven.high), "{}", uneven.high);
        assert!((84_000..86_000).contains(&uneven.low), "{}", uneven.low);
    }

    #[test]
    fn a_single_record_says_little() {
        let mut counted = CountedRecords::default();
        counted.add(100, 400);
        let tokens = counted.tokens(sums(10, 4_000));
        assert_eq!(
            (tokens.low, tokens.expected, tokens.high),
            (0, 1_000, 3_000)
        );
    }
}
