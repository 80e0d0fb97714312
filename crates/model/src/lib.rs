//! Knows the models on Amazon Bedrock: which model an id names, what that model accepts and costs
//! ([`KnownModel`], from the table `models.toml`), how its request body (`modelInput`) is built,
//! and how its answer (`modelOutput`) is read.
//!
//! Limits: this crate only builds and reads JSON. It does not call Bedrock, it does not fill in
//! prompts (a body has [`PROMPT_SLOT`] where the prompt of a row goes), and it does not interpret
//! the answer text, which `quarry-answer` does.
//!
//! ```
//! use quarry_model::{BodySettings, KnownModel, RequestBuilder};
//! use serde_json::json;
//!
//! let schema = json!({"type": "object", "properties": {"kind": {"type": "string"}}});
//! let model = KnownModel::of("us.anthropic.claude-haiku-4-5-20251001-v1:0");
//! let requests = RequestBuilder::new(
//!     BodySettings::default(),
//!     *model.capabilities(),
//!     Some("You are a classifier."),
//!     Some(&schema),
//! );
//! let body = requests.body(&requests.first_form());
//! assert_eq!(body["tool_choice"]["name"], "structured_response");
//! ```

mod capabilities;
mod date;
mod denial;
mod enforcement;
mod form;
mod name;
mod object;
mod output;
mod refused_part;
mod request;
mod schema;
mod table;
mod usage;
mod walk;

pub use capabilities::{
    BodyForm, Capabilities, CapabilityOverrides, Invocation, ModelOverrides, Thinking,
};
pub use date::Date;
pub use denial::Denial;
pub use enforcement::{Enforcement, ways};
pub use form::{Parameter, RequestForm};
pub use name::{ModelName, may_be_model_id};
pub use object::Object;
pub use output::{
    AnswerContent, AnswerEnd, ModelAnswer, UnreadableOutput, read_output, read_usage,
};
pub use request::{
    BodySettings, DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE, DEFAULT_TOP_P, EMBEDDING_FIELD,
    PROMPT_SLOT, RequestBuilder, TOOL_NAME, embedding_schema,
};
pub use schema::{RenamedProperty, parts as schema_parts};
pub use table::{FactGroup, FoundBy, KnownModel, Listing, Model, Price, Source, TokenPrice};
pub use usage::Usage;
pub use walk::{NotPlain, PlainItems, PlainMembers, plain_text};
