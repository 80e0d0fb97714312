//! Integration tests of `quarry-answer`.

mod invariants;
mod vectors;
