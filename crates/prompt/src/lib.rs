//! Turns a prompts file and a row into the record that is sent to a model.
//!
//! [`Prompts`] reads `prompts.json`. [`Template`] is its user prompt, in which the placeholders
//! have been found. [`RecordEncoder`] writes one line of batch input for each row, without
//! allocating.
//!
//! * **Placeholders are filled in one pass.** A value that looks like a placeholder stays as it is,
//!   so that no cell can pull another cell into the prompt.
//! * **A value is the cell's text.** It is neither parsed nor formatted; null and a missing value
//!   are empty text.
//! * **No value is longer than the limit**, if there is one. Cuts are counted ([`Truncation`]).
//!
//! The crate does not know the request format of any model: the request body comes in as JSON with
//! a slot for the prompt.
//!
//! ```
//! use quarry_prompt::{Prompts, RecordEncoder, RenderOptions};
//! use quarry_table::{Format, RowDecoder};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let prompts = Prompts::parse(br#"{"user_prompt_template": "Say {word}."}"#)?;
//! let template = prompts.template("selected_rule_names");
//! let body = serde_json::json!({"messages": [{"role": "user", "content": "SLOT"}]});
//! let mut encoder = RecordEncoder::new(&body, "SLOT", template, RenderOptions::default())?;
//!
//! let mut rows = RowDecoder::start(Format::Csv, "words.csv");
//! rows.project(encoder.template().columns());
//! rows.push(b"word\n\"\"\"hi\"\"\"\n");
//! rows.end();
//! let mut out = Vec::new();
//! while let Some(row) = rows.next_row()? {
//!     encoder.encode(&mut out, "record_0", &row, None);
//! }
//! assert_eq!(
//!     String::from_utf8(out)?,
//!     r#"{"recordId":"record_0","modelInput":{"messages":[{"role":"user","content":"Say \"hi\"."}]}}"#.to_owned() + "\n",
//! );
//! # Ok(())
//! # }
//! ```

mod error;
mod placeholders;
mod prompts;
mod record;
mod rules;
mod sink;
mod template;
mod truncation;

pub use error::{PromptsError, RenderError};
pub use prompts::Prompts;
pub use record::{RecordEncoder, RequestBody};
pub use rules::Rules;
pub use template::{MissingColumns, RenderOptions, Template};
pub use truncation::{FieldLimit, Truncation};
