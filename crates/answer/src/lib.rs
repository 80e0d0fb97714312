//! Turns a line of Bedrock output into the result columns of a row.
//!
//! The steps, each in its own module:
//!
//! 1. [`read_line`] splits a line into the record id and the model output or error.
//! 2. `quarry_model::read_output` extracts the answer from the model output.
//! 3. [`Reader`] finds the JSON object in the answer text, repairs broken quotes if that is
//!    necessary and safe, coerces the values to the schema, validates the whole [`Schema`] and
//!    returns the values in the order of the schema's properties.
//!
//! A bad answer is never an error: every answer has a [`Reading`].
//!
//! Limits: nothing is streamed (an answer is in memory as a whole) and nothing is guessed. Text
//! that is not JSON in any of the ways described here fails, with the place and the reason, and can
//! be asked for again.
//!
//! ```
//! use std::sync::Arc;
//! use quarry_answer::{FieldValue, ParseStatus, Reader, Schema};
//! use serde_json::json;
//!
//! let schema = Schema::compile(&json!({
//!     "type": "object",
//!     "properties": {"kind": {"type": "string"}, "score": {"type": "number"}},
//!     "required": ["kind"]
//! }))?;
//! let reader = Reader::new(Some(Arc::new(schema)), false);
//! let reading = reader.read_text("```json\n{\"kind\": \"say „hi\" twice\", \"score\": \"0.5\"}\n```");
//! assert_eq!(reading.parse_status, ParseStatus::Success);
//! assert!(reading.repaired);
//! assert_eq!(reading.fields[0], FieldValue::Text("say \"hi\" twice".into()));
//! assert_eq!(reading.fields[1], FieldValue::Number(0.5));
//! # Ok::<(), quarry_answer::SchemaError>(())
//! ```

mod announcement;
mod bounds;
mod candidate;
mod choice;
mod circumstances;
mod claim;
mod claim_value;
mod claimed;
mod coerce;
mod conclusion;
mod correction;
pub mod determined;
mod ending;
mod exact;
mod field;
mod judging;
mod line;
mod lone_object;
mod loose;
mod member_name;
mod misplaced;
mod missing_brace;
mod parse;
mod readable;
mod reading;
mod reasoning;
mod repair;
mod retraction;
mod schema;
mod schema_fault;
mod sentence;
mod several;
mod thought_label;
mod understood;
mod work;
mod wrapping;

pub use bounds::TooLarge;
pub use field::{FieldKind, FieldValue};
pub use line::{LineBody, MalformedLine, OutputLine, RecordError, read_line};
pub use reading::{ParseStatus, RESPONSE_FIELD, Reader, Reading};
pub use repair::repair_quotes;
pub use schema::{Property, Schema};
pub use schema_fault::SchemaError;
