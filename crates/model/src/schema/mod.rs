//! What of a JSON Schema a model takes with a request. Answers are validated against the whole schema afterwards, so
//! what is left out here loosens nothing but the request.

mod draft;
mod names;
pub mod parts;
mod structured;
mod tool;

pub use names::RenamedProperty;
pub(crate) use structured::{StructuredService, structured_output};
pub(crate) use tool::{ToolInput, careful_tool, claude_tool, three_members};
