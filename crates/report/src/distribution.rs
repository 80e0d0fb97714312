//! What the values of a property are, counted over the rows of a table in bounded memory.

use quarry_comparison::{LONGEST_CATEGORY, MOST_CATEGORIES, MOST_NUMBERS, number};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// The most values that are told apart.
const MOST_VALUES: usize = 1_000;

/// The longest value that is told apart from others, bytes.
const LONGEST_VALUE: usize = 256;

/// The most ranges that numbers are counted in while rows are read, and that are shown.
const MOST_RANGES: usize = 128;
const RANGES_SHOWN: usize = 12;

/// The values of a property in the rows that have an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// The property.
    pub property: String,
    /// Rows with a value.
    pub values: u64,
    /// Rows without one.
    pub nulls: u64,
    /// Different values; `None` if there are more than can be told apart.
    pub distinct: Option<usize>,
    /// If all values are numbers.
    pub numbers: Option<NumberFigures>,
    /// The lengths of the values as text, characters.
    pub lengths: LengthFigures,
    /// The shape of the values, for a chart.
    pub shape: Shape,
}

/// Figures of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberFigures {
    /// The smallest.
    pub minimum: f64,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub maximum: f64,
}

/// Figures of lengths, characters.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LengthFigures {
    /// The shortest value.
    pub shortest: u64,
    /// The mean.
    pub mean: f64,
    /// The longest value.
    pub longest: u64,
}

/// The shape of the values.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Few values: each with its rows, the most frequent first; numbers in their order.
    Categories(Vec<(String, u64)>),
    /// Many numbers: for each range, from its lower bound up to but without its upper bound, the rows.
    Ranges(Vec<(f64, f64, u64)>),
    /// Texts, or no values at all.
    Texts,
}

/// Counts the values of a property.
#[derive(Debug, Clone)]
pub struct DistributionTally {
    property: String,
    nulls: u64,
    values: u64,
    counts: HashMap<String, u64>,
    is_over: bool,
    characters: u64,
    shortest: u64,
    longest: u64,
    numbers: Option<NumberTotals>,
}

#[derive(Debug, Clone)]
struct NumberTotals {
    minimum: f64,
    sum: f64,
    maximum: f64,
    ranges: RangeCounts,
}

impl DistributionTally {
    /// Begins to count a property.
    pub fn new(property: &str) -> Self {
        Self {
            property: property.to_owned(),
            nulls: 0,
            values: 0,
            counts: HashMap::new(),
            is_over: false,
            characters: 0,
            shortest: u64::MAX,
            longest: 0,
            numbers: Some(NumberTotals {
                minimum: f64::INFINITY,
                sum: 0.0,
                maximum: f64::NEG_INFINITY,
                ranges: RangeCounts::new(),
            }),
        }
    }

    /// Adds a row's value. An empty text is no value.
    pub fn add(&mut self, value: Option<&str>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            self.nulls += 1;
            return;
        };
        self.values += 1;
        let length = value.chars().count() as u64;
        self.characters += length;
        self.shortest = self.shortest.min(length);
        self.longest = self.longest.max(length);
        match (number(value), &mut self.numbers) {
            (Some(number), Some(totals)) => totals.add(number),
            _ => self.numbers = None,
        }
        self.count(value);
    }

    fn count(&mut self, value: &str) {
        if self.is_over {
            return;
        }
        if let Some(count) = self.counts.get_mut(value) {
            *count += 1;
        } else if self.counts.len() < MOST_VALUES && value.len() <= LONGEST_VALUE {
            self.counts.insert(value.to_owned(), 1);
        } else {
            self.is_over = true;
            self.counts = HashMap::new();
        }
    }

    /// Returns the distribution.
    pub fn finish(self) -> Distribution {
        let distinct = (!self.is_over).then_some(self.counts.len());
        let numbers = self.numbers.as_ref().filter(|_| self.values > 0);
        let figures = numbers.map(|totals| NumberFigures {
            minimum: totals.minimum,
            mean: mean(totals.sum, self.values),
            maximum: totals.maximum,
        });
        let most = if numbers.is_some() {
            MOST_NUMBERS
        } else {
            MOST_CATEGORIES
        };
        let is_short = |value: &String| value.chars().nth(LONGEST_CATEGORY).is_none();
        let are_categories = distinct.is_some_and(|count| count > 0 && count <= most)
            && self.counts.keys().all(is_short)
            && (self.counts.len() as u64 * 2 <= self.values || numbers.is_some());
        let shape = match numbers {
            _ if are_categories => Shape::Categories(sorted(self.counts, numbers.is_some())),
            Some(totals) => Shape::Ranges(totals.ranges.shown()),
            None => Shape::Texts,
        };
        #[expect(clippy::cast_precision_loss, reason = "a mean has few digits")]
        let characters = self.characters as f64;
        Distribution {
            property: self.property,
            values: self.values,
            nulls: self.nulls,
            distinct,
            numbers: figures,
            lengths: LengthFigures {
                shortest: if self.values == 0 { 0 } else { self.shortest },
                mean: mean(characters, self.values),
                longest: self.longest,
            },
            shape,
        }
    }
}

fn mean(sum: f64, count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a mean has few digits")]
    let count = count.max(1) as f64;
    sum / count
}

fn sorted(counts: HashMap<String, u64>, are_numbers: bool) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    if are_numbers {
        let value = |text: &str| number(text).unwrap_or_default();
        counts.sort_by(|(a, _), (b, _)| value(a).total_cmp(&value(b)).then_with(|| a.cmp(b)));
    } else {
        counts.sort_by(|(a, of_a), (b, of_b)| (Reverse(of_a), a).cmp(&(Reverse(of_b), b)));
    }
    counts
}

impl NumberTotals {
    fn add(&mut self, number: f64) {
        self.minimum = self.minimum.min(number);
        self.maximum = self.maximum.max(number);
        self.sum += number;
        self.ranges.add(number);
    }
}

/// Counts of numbers in ranges of one width, a power of two. When the ranges become too many, two
/// neighbours become one, so that any numbers can be counted without knowing their limits first.
#[derive(Debug, Clone)]
struct RangeCounts {
    width: f64,
    counts: BTreeMap<i64, u64>,
}

impl RangeCounts {
    fn new() -> Self {
        Self {
            width: (-20.0_f64).exp2(),
            counts: BTreeMap::new(),
        }
    }

    fn add(&mut self, number: f64) {
        // Beyond this, a range's number would not be exact.
        let most = 52.0_f64.exp2();
        while (number / self.width).abs() > most {
            self.widen();
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is below 2^52")]
        let range = (number / self.width).floor() as i64;
        *self.counts.entry(range).or_default() += 1;
        while self.counts.len() > MOST_RANGES {
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.width *= 2.0;
        let counts = std::mem::take(&mut self.counts);
        for (range, count) in counts {
            *self.counts.entry(range.div_euclid(2)).or_default() += count;
        }
    }

    /// Returns neighbouring ranges from the smallest number to the largest, empty ones included.
    fn shown(&self) -> Vec<(f64, f64, u64)> {
        let mut shown = self.clone();
        let span = |ranges: &Self| {
            let first = ranges.counts.keys().next().copied().unwrap_or_default();
            let last = ranges
                .counts
                .keys()
                .next_back()
                .copied()
                .unwrap_or_default();
            first..=last
        };
        while span(&shown).count() > RANGES_SHOWN {
            shown.widen();
        }
        span(&shown)
            .map(|range| {
                #[expect(clippy::cast_precision_loss, reason = "it is below 2^52")]
                let from = range as f64 * shown.width;
                let count = shown.counts.get(&range).copied().unwrap_or_default();
                (from, from + shown.width, count)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = String>) -> Distribution {
        let mut tally = DistributionTally::new("p");
        for value in values {
            tally.add(Some(&value));
        }
        tally.finish()
    }

    #[test]
    fn few_values_are_categories_the_most_frequent_first() {
        let values = ["b", "a", "b", "", "b", "a", "c", "c"].map(str::to_owned);
        let found = of(values);
        let counts = [("b", 3), ("a", 2), ("c", 2)].map(|(value, count)| (value.to_owned(), count));
        assert_eq!(found.shape, Shape::Categories(counts.to_vec()));
        assert_eq!((found.values, found.nulls, found.distinct), (7, 1, Some(3)));
    }

    #[test]
    fn many_numbers_are_counted_in_ranges_that_hold_each_of_them_once() {
        for scale in [1e-9, 1.0, 1e12, 1e300] {
            let found = of((0..5_000).map(|number| (f64::from(number - 700) * scale).to_string()));
            let Shape::Ranges(ranges) = &found.shape else {
                panic!("{scale}: {:?}", found.shape);
            };
            assert!(ranges.len() <= RANGES_SHOWN, "{scale}");
            assert_eq!(
                ranges.iter().map(|(_, _, count)| count).sum::<u64>(),
                5_000,
                "{scale}"
            );
            assert!(
                ranges
                    .windows(2)
                    .all(|pair| pair[0].1.total_cmp(&pair[1].0).is_eq()),
                "{scale}"
            );
            assert_eq!(found.distinct, None);
        }
    }

    #[test]
    fn texts_are_measured_and_not_kept() {
        let found = of((0..2_000)
            .map(|number| "x".repeat(number % 7 + 1))
            .chain(["x".repeat(9_000)]));
        assert_eq!(found.lengths.longest, 9_000);
        assert_eq!(found.lengths.shortest, 1);
        assert_eq!((found.distinct, found.shape), (None, Shape::Texts));
        let empty = DistributionTally::new("p").finish();
        assert_eq!(
            (empty.lengths.shortest, empty.numbers, empty.shape),
            (0, None, Shape::Texts)
        );
    }
}
