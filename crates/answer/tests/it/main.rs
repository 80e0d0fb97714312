//! Integration tests of `quarry-answer`.

mod effort;
mod invariants;
mod recorded_answers;
mod recorded_lines;
mod taken_back;
mod wrapped;
