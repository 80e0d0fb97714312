//! Promises of the prompt crate, as seen from outside.

mod prompts;
mod record;
mod recorded;
mod render;
mod table;
