//! Lengths of values.

use crate::summary::LengthSummary;
use serde::{Deserialize, Serialize};

/// The lengths of values: how many values, and the shortest, the sum and the longest of their lengths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LengthTally {
    values: u64,
    shortest: u64,
    sum: u64,
    longest: u64,
}

impl LengthTally {
    pub(super) fn add(&mut self, length: u64) {
        self.merge(&Self {
            values: 1,
            shortest: length,
            sum: length,
            longest: length,
        });
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if other.values == 0 {
            return;
        }
        self.shortest = if self.values == 0 {
            other.shortest
        } else {
            self.shortest.min(other.shortest)
        };
        self.values += other.values;
        self.sum += other.sum;
        self.longest = self.longest.max(other.longest);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values == 0
    }

    pub(super) fn values(&self) -> u64 {
        self.values
    }

    /// Returns the figures, if there are values.
    pub(super) fn figures(&self) -> Option<LengthSummary> {
        #[expect(clippy::cast_precision_loss, reason = "a mean has few digits")]
        (!self.is_empty()).then(|| LengthSummary {
            values: self.values,
            shortest: self.shortest,
            mean: self.sum as f64 / self.values as f64,
            longest: self.longest,
        })
    }
}
