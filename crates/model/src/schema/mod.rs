//! Fits a JSON Schema to what a model accepts in a request. Answers are validated against the whole
//! schema afterwards, so whatever is left out here only makes the request less strict.

mod draft;
mod names;
pub mod parts;
mod structured;
mod tool;

pub use names::RenamedProperty;
pub(crate) use structured::{StructuredService, structured_output};
pub(crate) use tool::{ToolInput, careful_tool, claude_tool, three_members};
