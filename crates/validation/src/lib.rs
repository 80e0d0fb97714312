//! Checks the values of an answer against the output schema of a run.
//!
//! [`Datum`] holds the values, [`SchemaValidator`] says whether they match and lists what does not, and [`CheckEffort`]
//! bounds the time and the memory of that. Where the values come from (the text of an answer, converted to the kinds of
//! the schema) is the business of `quarry-answer`.
//!
//! This is a crate of its own because the `jsonschema` crate is compiled once more for every representation of values.
//! That is four fifths of the machine code of reading answers, and here it is compiled once, not again for each test
//! program of `quarry-answer`.
//!
//! ```
//! use quarry_validation::{CheckEffort, Datum, SchemaValidator};
//! use serde_json::json;
//!
//! let validator = SchemaValidator::compile(&json!({"properties": {"score": {"maximum": 1}}}))?;
//! let answer = Datum::Object(vec![("score".into(), Datum::Int(2))]);
//! let found = validator.violations(&answer, &CheckEffort::of_an_answer());
//! assert_eq!(found.as_deref(), Some("/score: 2 is greater than the maximum of 1"));
//! # Ok::<(), jsonschema::ValidationError<'static>>(())
//! ```

mod datum;
mod effort;
mod excerpt;
mod instance;
mod violations;

pub use datum::{Datum, write_float, write_int, write_text};
pub use effort::CheckEffort;
pub use excerpt::cut;
pub use violations::SchemaValidator;
