//! Compares two results of the same table: of two models, two prompts, or two runs.
//!
//! Rows go in side by side, and a [`ResultComparison`] comes out: agreement by property, which values took
//! each other's place, and the first rows that differ or failed.
//!
//! Limits: the crate does no input or output. Memory does not grow with the number of rows: lists
//! end at a given length, a confusion matrix has at most [`MOST_CATEGORIES`] values, and texts of rows
//! are cut.
//!
//! ```
//! use quarry_comparison::{Comparer, Sides, TableColumns};
//!
//! # fn main() -> Result<(), quarry_comparison::ComparisonError> {
//! let names = ["id", "llm_kind", "llm_parse_status", "llm_validation_passed", "llm_status",
//!     "llm_error", "llm_raw_response", "llm_validation_error"].map(str::to_owned);
//! let columns = TableColumns::of(&names, &[])?;
//! let mut comparer = Comparer::new(&Sides { a: columns.clone(), b: columns }, 20)?;
//! assert_eq!(
//!     comparer.columns().a,
//!     ["id", "llm_kind", "llm_parse_status", "llm_validation_passed", "llm_status", "llm_error"]
//! );
//!
//! let row = |kind: &str| ["1", kind, "success", "True", "success", ""].map(|cell| Some(cell.to_owned()));
//! comparer.begin_table("letters.csv");
//! comparer.row(&Sides { a: &row("bill"), b: &row("praise") })?;
//! let comparison = comparer.finish();
//! assert_eq!(comparison.properties[0].agree, 0);
//! assert_eq!(comparison.differing[0].row, 1);
//! # Ok(())
//! # }
//! ```

mod agreement;
mod columns;
mod comparer;
mod confusion;
mod error;
mod facts;
mod numbers;
mod row_answer;
mod sides;
mod value;
mod words;

pub use agreement::{
    DifferingRow, FailedRow, PropertyAgreement, ResultComparison, RowCounts, ValueDifference,
};
pub use columns::TableColumns;
pub use comparer::Comparer;
pub use confusion::{Confusion, ConfusionMatrix, LONGEST_CATEGORY, MOST_CATEGORIES, MOST_NUMBERS};
pub use error::ComparisonError;
pub use facts::{ResultFacts, ResultTokens};
pub use numbers::{NumberAgreement, measure};
pub use row_answer::{ANSWER_COLUMNS, AnswerCounts, RowAnswer};
pub use sides::Sides;
pub use value::number;
pub use words::{failed_rows, in_words, per_cent, value_in_words};
