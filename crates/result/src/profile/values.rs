//! Different values, and how many rows have each.

use crate::summary::ValueRows;
use quarry_contract::digest::hex_digest;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most different values of a property that are counted.
pub const MOST_VALUES: usize = 1_000;

/// The longest value that a summary shows, characters. Longer ones are kept as their digest.
pub const LONGEST_SHOWN: usize = 64;

/// The most values that a summary shows.
const VALUES_SHOWN: usize = 30;

/// The bytes that a kept value takes beside its text.
const OVERHEAD: usize = 32;

/// The digits of a digest that are kept.
const DIGEST_DIGITS: usize = 32;

/// What a kept value begins with, so that a text is not taken for a number or for a digest.
const TEXT: char = 't';
const JSON: char = 'j';
const DIGEST: char = 'd';

/// The rows by value, as long as the values are few.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValueCounts {
    /// Whether there were too many different values. None is kept then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_over: bool,
    /// What the kept values take.
    bytes: usize,
    counts: BTreeMap<String, u64>,
    /// The value that is being counted.
    #[serde(skip)]
    key: String,
}

impl ValueCounts {
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Adds a text. At most `most_bytes` of values are kept.
    pub(super) fn add_text(&mut self, text: &str, most_bytes: usize) {
        self.add(TEXT, text, most_bytes);
    }

    /// Adds another value by its JSON.
    pub(super) fn add_json(&mut self, json: &str, most_bytes: usize) {
        self.add(JSON, json, most_bytes);
    }

    fn add(&mut self, kind: char, text: &str, most_bytes: usize) {
        if self.is_over {
            return;
        }
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        if is_short(text) {
            key.push(kind);
            key.push_str(text);
        } else {
            key.push(DIGEST);
            key.push(kind);
            key.push_str(&hex_digest(text)[..DIGEST_DIGITS]);
        }
        self.count(&key, 1, most_bytes);
        self.key = key;
    }

    fn count(&mut self, key: &str, rows: u64, most_bytes: usize) {
        if let Some(count) = self.counts.get_mut(key) {
            *count += rows;
            return;
        }
        self.bytes += key.len() + OVERHEAD;
        self.counts.insert(key.to_owned(), rows);
        if self.counts.len() > MOST_VALUES || self.bytes > most_bytes {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        *self = Self {
            is_over: true,
            ..Self::default()
        };
    }

    pub(super) fn merge(&mut self, other: &Self, most_bytes: usize) {
        if other.is_over {
            self.give_up();
        }
        for (key, rows) in &other.counts {
            if self.is_over {
                return;
            }
            self.count(key, *rows, most_bytes);
        }
    }

    /// Returns the number of different values, unless there are too many.
    pub(super) fn distinct(&self) -> Option<u64> {
        (!self.is_over).then_some(self.counts.len() as u64)
    }

    /// Returns the most frequent of these and `other` values that more than one row has, the most frequent first. Long
    /// values are left out, and everything is if there are too many.
    pub(super) fn most_frequent(&self, other: [(&str, u64); 2]) -> Vec<ValueRows> {
        if self.is_over {
            return Vec::new();
        }
        let short = self.counts.iter().filter_map(|(key, rows)| {
            let value = key.strip_prefix([TEXT, JSON])?;
            Some((value, *rows))
        });
        let mut shown: Vec<ValueRows> = short
            .chain(other)
            .filter(|(_, rows)| *rows > 1)
            .map(|(value, rows)| ValueRows {
                value: value.to_owned(),
                rows,
            })
            .collect();
        shown.sort_by(|a, b| (Reverse(a.rows), &a.value).cmp(&(Reverse(b.rows), &b.value)));
        shown.truncate(VALUES_SHOWN);
        shown
    }
}

fn is_short(text: &str) -> bool {
    text.len() <= LONGEST_SHOWN
        || text.len() <= LONGEST_SHOWN * 4 && text.chars().nth(LONGEST_SHOWN).is_none()
}
