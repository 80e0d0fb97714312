//! What the prompt crate promises its callers.

mod prompts;
mod record;
mod render;
mod table;
mod vectors;
