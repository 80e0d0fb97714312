//! What is refused before anything is paid for, over objects in memory.

mod models;
mod prompts;
mod support;
mod tables;
