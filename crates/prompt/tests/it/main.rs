//! What the prompt crate promises its callers.

mod prompts;
mod record;
mod recorded;
mod render;
mod table;
