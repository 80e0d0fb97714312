//! Promises of the prompt crate, as seen from outside.
