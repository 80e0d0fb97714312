//! Which values took each other's place, for properties of few values.

use serde::Serialize;
use std::collections::BTreeMap;

/// The most values of a property that are categories, and so the most of a confusion matrix.
pub const MOST_CATEGORIES: usize = 30;

/// The longest value that is a category and not a text, characters.
pub const LONGEST_CATEGORY: usize = 64;

/// Numbers of more values than this are measured and not counted one by one.
pub const MOST_NUMBERS: usize = 12;

/// The rows with each pair of values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfusionMatrix {
    /// The values of both results, sorted; null stands for no value.
    pub values: Vec<Option<String>>,
    /// The pairs that occur, the most frequent first. Pairs that are not here have no rows.
    pub pairs: Vec<Confusion>,
}

/// A pair of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// The index among `values` of the first result's value.
    pub a: usize,
    /// The index among `values` of the second result's value.
    pub b: usize,
    /// The rows with this pair.
    pub rows: u64,
}

impl ConfusionMatrix {
    /// Returns the rows with this pair of values.
    pub fn rows(&self, a: usize, b: usize) -> u64 {
        let mut pairs = self.pairs.iter();
        pairs
            .find(|pair| (pair.a, pair.b) == (a, b))
            .map_or(0, |pair| pair.rows)
    }
}

/// Counts pairs until there are too many values.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConfusionTally {
    values: Vec<Option<String>>,
    pairs: BTreeMap<(usize, usize), u64>,
    rows: u64,
    is_over: bool,
}

impl ConfusionTally {
    pub(crate) fn add(&mut self, a: Option<&str>, b: Option<&str>) {
        if self.is_over {
            return;
        }
        match (self.index(a), self.index(b)) {
            (Some(a), Some(b)) => {
                *self.pairs.entry((a, b)).or_default() += 1;
                self.rows += 1;
            }
            _ => {
                *self = Self {
                    is_over: true,
                    ..Self::default()
                }
            }
        }
    }

    fn index(&mut self, value: Option<&str>) -> Option<usize> {
        let known = self
            .values
            .iter()
            .position(|known| known.as_deref() == value);
        if known.is_some() {
            return known;
        }
        let is_long = value.is_some_and(|text| text.chars().nth(LONGEST_CATEGORY).is_some());
        if is_long || self.values.len() == MOST_CATEGORIES {
            return None;
        }
        self.values.push(value.map(str::to_owned));
        Some(self.values.len() - 1)
    }

    /// Returns nothing for a property whose values are not categories: there are none or too many of them, or
    /// hardly any occurs twice.
    pub(crate) fn finish(&self, are_numbers: bool) -> Option<ConfusionMatrix> {
        let count = self.values.len();
        let repeats = count as u64 * 2 <= self.rows;
        if self.is_over || self.rows == 0 || !repeats || (are_numbers && count > MOST_NUMBERS) {
            return None;
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|index| (self.values[*index].is_none(), &self.values[*index]));
        let mut place = vec![0; count];
        for (sorted, index) in order.iter().enumerate() {
            place[*index] = sorted;
        }
        let mut pairs: Vec<Confusion> = self
            .pairs
            .iter()
            .map(|((a, b), rows)| Confusion {
                a: place[*a],
                b: place[*b],
                rows: *rows,
            })
            .collect();
        pairs.sort_by_key(|pair| (std::cmp::Reverse(pair.rows), pair.a, pair.b));
        Some(ConfusionMatrix {
            values: order
                .iter()
                .map(|index| self.values[*index].clone())
                .collect(),
            pairs,
        })
    }
}
