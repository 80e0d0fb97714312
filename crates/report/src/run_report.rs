//! What a page about a run is made from.

use quarry_result::summary::{PropertySummary, Summary};

/// What a page about a run is made from.
#[derive(Debug, Clone, Copy)]
pub struct RunReport<'a> {
    /// The summary.
    pub summary: &'a Summary,
    /// What was asked, as far as it is known.
    pub asked: &'a AskedTexts,
    /// What the result table says, if it is there.
    pub table: Option<&'a TableFindings>,
}

/// What was asked. A summary does not have these texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedTexts {
    /// The text of the prompts file.
    pub prompts: Option<String>,
    /// The text of the schema file.
    pub schema: Option<String>,
    /// Settings with their values.
    pub settings: Vec<(String, String)>,
}

/// What the result table says about its rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableFindings {
    /// The values of each property, if the summary has no profile.
    pub properties: Vec<PropertySummary>,
    /// Why rows have no good answer, the most frequent reason first, if the summary has no profile.
    pub failures: Vec<RowFailures>,
    /// Rows to be shown with their cells.
    pub sample: Vec<SampleRow>,
}

/// Why rows have no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFailures {
    /// The reason.
    pub text: String,
    /// Whether a model answered; if so, the answer does not keep to the schema.
    pub answered: bool,
    /// The rows with this reason.
    pub rows: u64,
    /// The file of the first of them.
    pub table: String,
    /// The first of them, counted from 1.
    pub first_row: u64,
}

/// A row before and after the run: names of columns with the cells, `None` for a cell without text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRow {
    /// The table's file.
    pub table: String,
    /// The row, counted from 1.
    pub row: u64,
    /// The cells of the input.
    pub before: Vec<(String, Option<String>)>,
    /// The cells that the run added.
    pub after: Vec<(String, Option<String>)>,
}
