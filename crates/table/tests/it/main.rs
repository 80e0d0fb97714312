//! What the table crate promises its callers.

mod again;
mod decode;
mod dialects;
mod encode;
mod errors;
mod own;
mod pieces;
