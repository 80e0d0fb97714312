//! Integration tests of `quarry-model`.

mod accepted;
mod golden;
mod refusals;
