//! The errors of prompts that are found before the first row is read.

use quarry_table::quote;

/// A prompts file that cannot be used. Who reads the file adds its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptsError {
    /// The file is not JSON.
    #[error("not valid JSON: {source}; correct the file at that line and column")]
    NotJson {
        /// The parser's message, with line and column.
        source: serde_json::Error,
    },
    /// A value has the wrong type.
    #[error("{key} must be {expected}, found {found}")]
    WrongType {
        /// The path of the value, such as `ruleset.input_placeholders[2]`.
        key: String,
        /// The type that it must have.
        expected: &'static str,
        /// The type that it has.
        found: &'static str,
    },
    /// A key has no meaning, and is nearly one that is missing.
    #[error(
        "{} has no meaning; did you mean {meant}? Correct the key or remove it",
        quote::name(key)
    )]
    Misspelt {
        /// The path of the key.
        key: String,
        /// The path of the key that is probably meant.
        meant: String,
    },
    /// Only one of the two keys of a ruleset is there.
    #[error(
        "{has} counts only beside {lacks}, which is missing, so every row would get the default prompt; \
         add {lacks}, or write a user_prompt_template"
    )]
    HalfARuleset {
        /// The key that is there.
        has: &'static str,
        /// The key that is not.
        lacks: &'static str,
    },
    /// No key has a meaning.
    #[error(
        "none of its keys ({}) has a meaning, so every row would get the default prompt; write a \
         user_prompt_template, or leave the file's object empty if the default is meant",
        quote::names(keys)
    )]
    NoMeaning {
        /// The keys.
        keys: Vec<String>,
    },
    /// The user prompt is blank, so there is nothing to ask.
    #[error("{key} is blank; write the prompt, or leave the key out to get the default")]
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
        "the prompt uses {} which the table does not have; its columns are {}. {}Correct the prompt or the table, or set \
         BEDROCK_MISSING_COLUMNS to `mark`",
        quote::names(missing),
        quote::names(columns),
        nearly_named(missing, columns)
    )]
    MissingColumns {
        /// The names in the prompt.
        missing: Vec<String>,
        /// The columns of the table.
        columns: Vec<String>,
    },
    /// A column's name is in braces, but is no placeholder.
    #[error(
        "the prompt has `{{{name}}}`, which is a column of the table but would stay as it is: without input_placeholders only \
         letters, digits and underscores in braces are placeholders. List {} in input_placeholders, with the others",
        quote::name(name)
    )]
    UnfilledColumn {
        /// The column.
        name: String,
    },
    /// The prompt has no placeholder, so every row would get the same prompt.
    #[error(
        "the prompt shows no column of the table, so every row would be asked the same; its columns are {}. {}; if the \
         prompt is meant so, set BEDROCK_PROMPT_WITHOUT_COLUMNS to `allow`",
        quote::names(columns),
        placeholder_remedy(meant.as_deref(), columns)
    )]
    NoColumn {
        /// The columns of the table.
        columns: Vec<String>,
        /// The column whose name the prompt has in another form of braces, such as `{{ name }}`.
        meant: Option<String>,
    },
    /// The limit on the length of values leaves no room for the text that marks the cut.
    #[error("a field length limit of {limit} characters is too small; it must be at least {least}")]
    FieldLimitTooSmall {
        /// The limit in characters.
        limit: usize,
        /// The smallest limit.
        least: usize,
    },
    /// The request body does not have exactly one slot for the prompt.
    #[error(
        "the request body must have the prompt slot as exactly one string value, found {found}"
    )]
    PromptSlot {
        /// Number of string values that are the slot.
        found: usize,
    },
}

fn placeholder_remedy(meant: Option<&str>, columns: &[String]) -> String {
    let placeholder = "a column's name in single braces";
    match (meant, columns.first()) {
        (Some(name), _) => format!("Did you mean `{{{name}}}`? A placeholder is {placeholder}"),
        (None, Some(name)) => format!(
            "Write {placeholder} where its value belongs, such as `{{{name}}}`, or `{{input_data}}` for the whole row"
        ),
        (None, None) => format!("Write {placeholder} where its value belongs"),
    }
}

/// Suggests a column that has a missing column's name, apart from case, spaces and punctuation.
fn nearly_named(missing: &[String], columns: &[String]) -> String {
    let bare = |name: &str| -> String {
        let letters = name.chars().filter(|char| char.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let found = missing.iter().find_map(|name| {
        let wanted = bare(name);
        let is_wanted = |column: &&String| !wanted.is_empty() && bare(column) == wanted;
        columns.iter().find(is_wanted)
    });
    found.map_or_else(String::new, |name| format!("Did you mean `{{{name}}}`? "))
}
