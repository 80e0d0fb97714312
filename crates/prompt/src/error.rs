//! What can be wrong with prompts before the first row is read.

use crate::truncation::FieldLimit;

/// A prompts file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptsError {
    /// The file is not JSON.
    #[error("prompts.json is not valid JSON: {source}; correct the file at that line and column")]
    NotJson {
        /// What the parser says, with line and column.
        source: serde_json::Error,
    },
    /// A value has another type than it must have.
    #[error("prompts.json: {key} must be {expected}, found {found}")]
    WrongType {
        /// The path of the value, such as `ruleset.input_placeholders[2]`.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// The user prompt is blank, so that there is nothing to ask.
    #[error(
        "prompts.json: {key} is blank; write the prompt, or leave the key out to get the default"
    )]
    BlankTemplate {
        /// The path of the value.
        key: &'static str,
    },
}

/// A prompt that cannot be rendered for the rows of a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The prompt uses columns that the table does not have.
    #[error(
        "the prompt uses {} which the table does not have; its columns are {}. Correct the prompt or the table, or allow \
         missing columns to be marked in the prompt",
        quoted(missing),
        quoted(columns)
    )]
    MissingColumns {
        /// The names in the prompt.
        missing: Vec<String>,
        /// The columns of the table.
        columns: Vec<String>,
    },
    /// A limit on the length of values that leaves no room for the text that marks the cut.
    #[error(
        "a field length limit of {limit} characters is too small; it must be at least {}",
        FieldLimit::MIN
    )]
    FieldLimitTooSmall {
        /// The limit in characters.
        limit: usize,
    },
    /// The request body does not have exactly one place for the prompt.
    #[error(
        "the request body must hold the prompt slot as one string value, found {found} of them"
    )]
    PromptSlot {
        /// How many string values are the slot.
        found: usize,
    },
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("{name:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}
