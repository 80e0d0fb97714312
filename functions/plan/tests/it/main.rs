//! What is refused before money is spent, over objects in memory.

mod prompts;
mod support;
mod tables;
