//! The profile of the answers: what the values of each property are, and why rows have no good answer.
//!
//! `merge` counts the rows of a slice into its receipt, and `finish` adds the receipts up. Whatever the slices
//! are, the sum is the same as that of one pass over all rows: each count is exact, or it is left out.
//!
//! Memory is bounded: of each property, at most [`MOST_VALUES`] different values and [`MOST_RANGES`] ranges of numbers
//! are kept; of all properties together, at most [`MOST_BYTES`] of texts; of the reasons, at most [`MOST_REASONS`]. So
//! the profile of a slice has at most some 4 MiB as JSON, however many rows it has.

mod exact_sum;
mod lengths;
mod numbers;
mod property;
mod ranges;
mod reason;
mod reasons;
mod row_place;
#[cfg(test)]
mod tests;
mod values;

pub use exact_sum::ExactSum;
pub use property::PropertyProfile;
pub use ranges::MOST_RANGES;
pub use reason::generalised;
pub use reasons::MOST_REASONS;
pub use row_place::RowPlace;
pub use values::{LONGEST_SHOWN, MOST_VALUES};

use crate::outcome::Outcome;
use crate::summary::ProfileSummary;
use quarry_answer::FieldValue;
use reasons::ReasonTally;
use serde::{Deserialize, Serialize};

/// The most properties that are profiled: the first of the schema.
pub const MOST_PROPERTIES: usize = 200;

/// The most bytes of values that are kept of all properties together. Each has the same share, because the values of
/// one must not decide what is known of another.
pub const MOST_BYTES: usize = 1024 * 1024;

/// The most bytes of values that are kept of a single property.
const MOST_BYTES_OF_ONE: usize = 64 * 1024;

/// The counts of a slice's rows, or those of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileTally {
    /// Rows with a good answer.
    rows: u64,
    /// Properties that are not profiled, because there are too many.
    #[serde(default, skip_serializing_if = "crate::counts::is_zero")]
    left_out: u64,
    properties: Vec<PropertyProfile>,
    reasons: ReasonTally,
}

impl ProfileTally {
    /// Begins to count the values of these properties.
    pub fn new(properties: &[String]) -> Self {
        let counted = properties.len().min(MOST_PROPERTIES);
        let most_bytes = (MOST_BYTES / counted.max(1)).min(MOST_BYTES_OF_ONE);
        Self {
            rows: 0,
            left_out: (properties.len() - counted) as u64,
            properties: properties[..counted]
                .iter()
                .map(|name| PropertyProfile::new(name, most_bytes))
                .collect(),
            reasons: ReasonTally::default(),
        }
    }

    /// Adds the outcome of a row. With a schema, an answer is good if it satisfies it; without one, every answer is.
    pub fn add(&mut self, place: RowPlace, outcome: &Outcome, has_schema: bool) {
        if outcome.answered && (outcome.validation_passed || !has_schema) {
            self.rows += 1;
            for (index, tally) in self.properties.iter_mut().enumerate() {
                tally.add(outcome.fields.get(index).unwrap_or(&FieldValue::Null));
            }
            return;
        }
        let (first, second) = if outcome.answered {
            (&outcome.validation_error, &outcome.error)
        } else {
            (&outcome.error, &outcome.validation_error)
        };
        let text = first.as_deref().or(second.as_deref()).unwrap_or_default();
        self.reasons.add(place, outcome.answered, text);
    }

    /// Adds the profile of other rows, which has the same properties.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        for (tally, more) in self.properties.iter_mut().zip(&other.properties) {
            tally.merge(more);
        }
        self.reasons.merge(&other.reasons);
    }

    /// Returns what the summary says. `splits` are the names of the tables.
    pub fn summary(&self, splits: &[Option<String>]) -> ProfileSummary {
        ProfileSummary {
            rows: self.rows,
            properties: self
                .properties
                .iter()
                .map(PropertyProfile::summary)
                .collect(),
            properties_left_out: self.left_out,
            failures: self.reasons.summary(splits),
        }
    }
}
