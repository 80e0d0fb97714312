//! Promises of the prompt crate, as seen from outside.

mod prompts;
mod record;
mod render;
mod table;
mod vectors;
