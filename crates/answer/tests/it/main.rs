//! Integration tests of `quarry-answer`.

mod invariants;
mod recorded_answers;
mod recorded_lines;
mod wrapped;
