//! Promises of the table crate, as seen from outside.

mod decode;
mod dialects;
mod encode;
mod errors;
mod pieces;
