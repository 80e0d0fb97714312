//! What is wrong with a definition.

use std::fmt;

/// Why a definition is refused.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The text uses `${Name}` for names that have no value.
    #[error("no value is given for the substitutions {}", .0.join(", "))]
    UnresolvedSubstitutions(Vec<String>),
    /// Values are given for names that the text does not use.
    #[error("the definition does not use the substitutions {}", .0.join(", "))]
    UnusedSubstitutions(Vec<String>),
    /// A `${` is not followed by a name, or a value would change the JSON around it.
    #[error("line {line} of the definition: {message}")]
    BadSubstitution {
        /// The line of the text, from 1.
        line: usize,
        /// The problem.
        message: String,
    },
    /// The text, after substitution, is not JSON, or an object has a key twice.
    #[error("the definition is not valid JSON")]
    Json(#[source] serde_json::Error),
    /// The definition uses a feature that this interpreter does not support, or contradicts itself.
    #[error("the definition cannot be executed: {}", ProblemList(.0))]
    Refused(Vec<Problem>),
}

/// One reason why a definition is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place in the definition, such as `States.Split.Retry[0].ErrorEquals`.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

/// Problems in one line.
struct ProblemList<'p>(&'p [Problem]);

impl fmt::Display for ProblemList<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

/// The problems found so far in one definition.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, path: &str, message: impl Into<String>) {
        self.0.push(Problem {
            path: path.to_owned(),
            message: message.into(),
        });
    }

    pub(super) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}
