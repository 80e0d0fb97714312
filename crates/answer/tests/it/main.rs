//! Integration tests of `quarry-answer`.

mod invariants;
mod recorded;
mod vectors;
