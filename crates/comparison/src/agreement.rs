//! What a comparison finds.

use crate::confusion::{ConfusionMatrix, ConfusionTally};
use crate::numbers::{NumberAgreement, NumberTally};
use crate::sides::Sides;
use crate::value::agree;
use serde::Serialize;

/// What two results of the same table have in common, and where they differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResultComparison {
    /// Rows, by what came back for them.
    pub rows: RowCounts,
    /// The properties that both results have, in the order of the first.
    pub properties: Vec<PropertyAgreement>,
    /// Properties that only one result has.
    pub only_in: Sides<Vec<String>>,
    /// The first rows that both results answered with different values.
    pub differing: Vec<DifferingRow>,
    /// The first rows that at least one result has no answer for.
    pub failed: Vec<FailedRow>,
}

/// Rows, by what came back for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    /// Rows of the table.
    pub total: u64,
    /// Rows for which both results have an answer. Only these are compared.
    pub compared: u64,
    /// Compared rows that have the same value for every property that both results have; null if they
    /// have no property in common.
    pub agree: Option<u64>,
    /// Compared rows whose answer breaks the schema in both results. They do not agree, and are not
    /// among those that differ.
    pub invalid_in_both: u64,
    /// Rows with an answer in each result.
    pub answered: Sides<u64>,
    /// Rows without an answer in each result.
    pub failed: Sides<u64>,
    /// Rows without an answer in both results.
    pub failed_in_both: u64,
    /// Rows whose answer satisfies the schema, in each result; null if no schema checks the answers.
    pub valid: Sides<Option<u64>>,
}

impl RowCounts {
    /// The compared rows that differ; `None` if the results have no property in common.
    pub fn differ(&self) -> Option<u64> {
        Some(self.compared - self.agree? - self.invalid_in_both)
    }

    /// Whether answers of a result are not checked against a schema.
    pub fn has_unchecked(&self) -> bool {
        self.valid.a.is_none() || self.valid.b.is_none()
    }

    /// Whether answers of a result are checked against a schema.
    pub fn has_checked(&self) -> bool {
        self.valid.a.is_some() || self.valid.b.is_some()
    }

    /// The rows that at least one result has no answer for.
    pub fn failed_anywhere(&self) -> u64 {
        self.total - self.compared
    }
}

/// How the results agree on a property.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PropertyAgreement {
    /// The property.
    pub property: String,
    /// Compared rows with the same value. Two rows without a value agree, but an answer that breaks the
    /// schema agrees with none.
    pub agree: u64,
    /// Compared rows without a value, in each result.
    pub without_value: Sides<u64>,
    /// If all values are numbers: how far they are from each other.
    pub numbers: Option<NumberAgreement>,
    /// If the values are few: which took each other's place.
    pub confusion: Option<ConfusionMatrix>,
}

/// A row that both results answered with different values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferingRow {
    /// The table's file.
    pub table: String,
    /// The row's number in its table, from 1.
    pub row: u64,
    /// Whether the answer breaks the schema, in each result. Such an answer has no values.
    pub invalid: Sides<bool>,
    /// The properties with different values. If an answer breaks the schema, these are all that are compared.
    pub differences: Vec<ValueDifference>,
}

/// Two values of a property in one row. Long values are cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueDifference {
    /// The property.
    pub property: String,
    /// The value in each result; null if there is none.
    #[serde(flatten)]
    pub values: Sides<Option<String>>,
}

/// A row that at least one result has no answer for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedRow {
    /// The table's file.
    pub table: String,
    /// The row's number in its table, from 1.
    pub row: u64,
    /// Why there is no answer, in each result; null if there is one. Long texts are cut.
    pub errors: Sides<Option<String>>,
}

/// Counts one property.
#[derive(Debug, Clone, Default)]
pub(crate) struct PropertyTally {
    agree: u64,
    without_value: Sides<u64>,
    numbers: NumberTally,
    confusion: ConfusionTally,
}

impl PropertyTally {
    /// Adds the values of a row with two answers that can agree. Returns whether they do.
    pub(crate) fn add(&mut self, a: Option<&str>, b: Option<&str>) -> bool {
        let same = agree(a, b);
        self.agree += u64::from(same);
        self.count(a, b);
        self.confusion.add(a, b);
        same
    }

    /// Adds the values of a row with an answer that breaks the schema, which agrees with none.
    pub(crate) fn add_apart(&mut self, a: Option<&str>, b: Option<&str>) {
        self.count(a, b);
        if a.is_some() || b.is_some() {
            self.confusion.add(a, b);
        }
    }

    fn count(&mut self, a: Option<&str>, b: Option<&str>) {
        self.without_value.a += u64::from(a.is_none());
        self.without_value.b += u64::from(b.is_none());
        self.numbers.add(a, b);
    }

    pub(crate) fn finish(&self, property: &str) -> PropertyAgreement {
        let numbers = self.numbers.finish();
        PropertyAgreement {
            property: property.to_owned(),
            agree: self.agree,
            without_value: self.without_value,
            confusion: self.confusion.finish(numbers.is_some()),
            numbers,
        }
    }
}
