//! The `quarry` command from the outside: what it reads, writes, prints and exits with.

mod command;
mod parse;
mod preview;
mod table;
