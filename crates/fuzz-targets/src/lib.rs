//! For tests only: what every parser of Quarry promises for any input, as one function for each
//! parser.
//!
//! A function takes the bytes of an input and panics if a promise is broken. A fuzzer calls it with
//! inputs of its own (`fuzz/`), and `cargo test` with the inputs in `fuzz/corpus` and changed forms
//! of them.
//!
//! Besides "no panic", the promises are of three kinds: what was read and written again is read as
//! the same; a refusal names a place or a reason; and no input makes its reader take more than the
//! input and its answer need.

mod answer;
mod event;
mod parquet;
mod prompt;
mod request;
mod schema;
mod table;
mod target;

pub use target::FuzzTarget;

/// All parsers.
pub const TARGETS: [FuzzTarget; 11] = [
    answer::LINE,
    answer::TEXT,
    event::EVENT,
    parquet::FILE,
    parquet::FOOTER,
    prompt::PROMPTS,
    prompt::TEMPLATE,
    request::EXECUTION_INPUT,
    request::REQUEST_FILE,
    schema::SCHEMA,
    table::TABLE,
];

/// Checks the parser of this name.
///
/// # Panics
///
/// There is no parser of this name, or it breaks a promise for the input.
pub fn check(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("there is no target {name}"));
    (target.check)(input);
}
