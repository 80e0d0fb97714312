//! Promises of the table crate, as seen from outside.

mod decode;
mod encode;
mod errors;
mod pieces;
