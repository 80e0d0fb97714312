//! The part of the summary about the values of the answers and the rows without one.

use crate::counts::is_zero;
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The values of the answers and the reasons of failures, counted over all rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ProfileSummary {
    /// Rows with a good answer, whose values are counted: one that satisfies the schema, or without a schema any answer.
    pub rows: u64,
    /// The properties, in the order of the schema.
    pub properties: Vec<PropertySummary>,
    /// Properties beyond the first 200, which are not counted; missing if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub properties_left_out: u64,
    /// Rows without a good answer by their reason, the most frequent first.
    pub failures: Vec<FailureSummary>,
}

/// The values of a property in the rows with a good answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct PropertySummary {
    /// The property.
    pub property: String,
    /// Rows with a value.
    pub values: u64,
    /// Rows without a value: it is null, or the answer does not have it.
    pub nulls: u64,
    /// Different values; null if they are too many to be told apart.
    pub distinct: Option<u64>,
    /// The most frequent values: at most 30, only those that at least two rows have, and none above 64 characters.
    /// Empty if there are too many different values.
    pub most_frequent: Vec<ValueRows>,
    /// The texts among the values, and their lengths in characters; null if there are none.
    pub texts: Option<LengthSummary>,
    /// The numbers among the values; null if there are none.
    pub numbers: Option<NumberSummary>,
    /// The booleans among the values; null if there are none.
    pub booleans: Option<BooleanSummary>,
    /// The lists among the values, and their lengths in elements; null if there are none.
    pub lists: Option<LengthSummary>,
    /// The objects among the values.
    pub objects: u64,
}

/// A value and its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ValueRows {
    /// The value: a text as it is, every other value as JSON.
    pub value: String,
    /// Rows with this value.
    pub rows: u64,
}

/// Lengths of values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct LengthSummary {
    /// Rows with such a value.
    pub values: u64,
    /// The shortest length.
    pub shortest: u64,
    /// The mean of the lengths.
    pub mean: f64,
    /// The longest length.
    pub longest: u64,
}

/// Figures of numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct NumberSummary {
    /// Rows with a number.
    pub values: u64,
    /// The smallest number.
    pub minimum: f64,
    /// The mean of the numbers.
    pub mean: f64,
    /// The largest number.
    pub maximum: f64,
    /// Neighbouring ranges of one width with all numbers, at most 12. If all numbers are the same, one range with that
    /// number as both bounds.
    pub ranges: Vec<RangeRows>,
}

/// A range of numbers and its rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RangeRows {
    /// The lower bound, which is in the range.
    pub from: f64,
    /// The upper bound, which is in the next range; if all numbers are the same, that number.
    pub to: f64,
    /// Rows with a number in the range.
    pub rows: u64,
}

/// The rows with each boolean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct BooleanSummary {
    /// Rows with `true`.
    pub r#true: u64,
    /// Rows with `false`.
    pub r#false: u64,
}

/// Rows without a good answer for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct FailureSummary {
    /// The reason, with `…` in place of values, and of names that differ from row to row; null if there are too many
    /// reasons to be told apart.
    pub reason: Option<String>,
    /// Whether a model answered; if so, the answer does not satisfy the schema.
    pub answered: bool,
    /// Rows with this reason.
    pub rows: u64,
    /// The training split of the example; null if there are none.
    pub split: Option<String>,
    /// The first of the rows, by its number in the table, from 0.
    pub example_row: u64,
}
