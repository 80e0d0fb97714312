//! Rows without a good answer, grouped by reason.

use super::reason::{beginning, without_values};
use super::row_place::RowPlace;
use crate::summary::FailureSummary;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most reasons that are told apart. If there are more, all of them are shortened.
pub const MOST_REASONS: usize = 50;

/// What is kept of reasons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Detail {
    /// All but what differs from row to row.
    #[default]
    Whole,
    /// The beginning.
    Beginning,
    /// Nothing but whether a model answered.
    None,
}

/// The rows by reason. The detail at the end is the most with which there are few enough reasons, whatever the order
/// of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonTally {
    detail: Detail,
    /// Rows for which no model answered.
    unanswered: BTreeMap<String, ReasonRows>,
    /// Rows with an answer that is not good.
    invalid: BTreeMap<String, ReasonRows>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReasonRows {
    rows: u64,
    first: RowPlace,
}

impl ReasonTally {
    /// Adds a row with the text that says what is wrong.
    pub(super) fn add(&mut self, place: RowPlace, answered: bool, text: &str) {
        let reason = match self.detail {
            Detail::None => String::new(),
            Detail::Beginning => beginning(&without_values(text)).to_owned(),
            Detail::Whole => without_values(text),
        };
        let one = ReasonRows {
            rows: 1,
            first: place,
        };
        add_to(self.of(answered), reason, one);
        self.shorten_to_fit();
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        while self.detail < other.detail {
            self.shorten();
        }
        while other.detail < self.detail {
            other.shorten();
        }
        for (reason, rows) in other.unanswered {
            add_to(&mut self.unanswered, reason, rows);
        }
        for (reason, rows) in other.invalid {
            add_to(&mut self.invalid, reason, rows);
        }
        self.shorten_to_fit();
    }

    fn of(&mut self, answered: bool) -> &mut BTreeMap<String, ReasonRows> {
        if answered {
            &mut self.invalid
        } else {
            &mut self.unanswered
        }
    }

    fn shorten_to_fit(&mut self) {
        while self.unanswered.len() + self.invalid.len() > MOST_REASONS {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        self.detail = match self.detail {
            Detail::Whole => Detail::Beginning,
            Detail::Beginning | Detail::None => Detail::None,
        };
        for answered in [false, true] {
            let detail = self.detail;
            let groups = self.of(answered);
            for (reason, rows) in std::mem::take(groups) {
                let shorter = match detail {
                    Detail::None => "",
                    _ => beginning(&reason),
                };
                add_to(groups, shorter.to_owned(), rows);
            }
        }
    }

    /// Returns what the summary says, the most frequent reason first. `splits` are the names of the tables.
    pub(super) fn summary(&self, splits: &[Option<String>]) -> Vec<FailureSummary> {
        let unanswered = self.unanswered.iter().map(|group| (false, group));
        let invalid = self.invalid.iter().map(|group| (true, group));
        let mut groups: Vec<_> = unanswered.chain(invalid).collect();
        groups.sort_by_key(|(_, (_, group))| (Reverse(group.rows), group.first));
        groups
            .into_iter()
            .map(|(answered, (reason, group))| FailureSummary {
                reason: (!reason.is_empty()).then(|| reason.clone()),
                answered,
                rows: group.rows,
                split: splits.get(group.first.table).cloned().flatten(),
                example_row: group.first.row,
            })
            .collect()
    }
}

fn add_to(groups: &mut BTreeMap<String, ReasonRows>, reason: String, more: ReasonRows) {
    groups
        .entry(reason)
        .and_modify(|group| {
            group.rows += more.rows;
            group.first = group.first.min(more.first);
        })
        .or_insert(more);
}
