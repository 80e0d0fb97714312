//! The `quarry` command from the outside: what it reads, writes, prints and exits with.

mod bad_input;
mod command;
mod merge;
mod parse;
mod preview;
mod run;
mod table;
mod vectors;
