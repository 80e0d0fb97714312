//! What Quarry knows about the models on Amazon Bedrock: which family an id belongs to, what
//! that family accepts, how a request body (`modelInput`) is built for it, and how its answer
//! (`modelOutput`) is read.
//!
//! Limits: this crate builds and reads JSON and nothing else. It does not call Bedrock, does not
//! fill in prompts (a body carries [`PROMPT_SLOT`] where the prompt of a row goes) and does not
//! look inside the answer text; that is the work of `quarry-answer`.
//!
//! ```
//! use quarry_model::{BodySettings, Family, RequestBuilder};
//! use serde_json::json;
//!
//! let schema = json!({"type": "object", "properties": {"kind": {"type": "string"}}});
//! let capabilities = Family::of("us.anthropic.claude-sonnet-4-5-20250929-v1:0").capabilities();
//! let requests = RequestBuilder::new(
//!     BodySettings::default(),
//!     capabilities,
//!     Some("You are a classifier."),
//!     Some(&schema),
//! );
//! let body = requests.body(&requests.first_form());
//! assert_eq!(body["tool_choice"]["name"], "structured_response");
//! ```

mod capabilities;
mod denial;
mod enforcement;
mod family;
mod form;
mod name;
mod object;
mod output;
mod refused_part;
mod request;
mod schema;
mod usage;

pub use capabilities::{BodyForm, Capabilities, CapabilityOverrides, Invocation, Thinking};
pub use denial::Denial;
pub use enforcement::{Enforcement, ways};
pub use family::Family;
pub use form::{Parameter, RequestForm};
pub use name::ModelName;
pub use object::Object;
pub use output::{AnswerContent, ModelAnswer, UnreadableOutput, read_output};
pub use request::{
    BodySettings, DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE, DEFAULT_TOP_P, EMBEDDING_FIELD,
    PROMPT_SLOT, RequestBuilder, TOOL_NAME, embedding_schema,
};
pub use schema::{RenamedProperty, parts as schema_parts};
pub use usage::Usage;
