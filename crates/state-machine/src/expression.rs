//! The value of a field whose name ends in `.$`: a path into the input or into the context object.
//!
//! Loading a definition refuses intrinsic functions: the workflow needs none, because the functions
//! return every decision and number.

use crate::context::{ContextObject, ContextPath, Vantage};
use crate::path::JsonPath;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// The values that an expression can refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'v> {
    pub(crate) input: &'v Value,
    pub(crate) context: ContextObject<'v>,
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    Input(JsonPath),
    Context(ContextPath),
}

/// The path of an expression leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathNotFound {
    pub(crate) path: String,
}

impl Expression {
    /// Reads an expression. The error says what is wrong with it.
    pub(crate) fn parse(text: &str, vantage: Vantage) -> Result<Self, String> {
        if text.starts_with("States.") {
            return Err(format!(
                "`{text}` calls an intrinsic function, which is not supported here"
            ));
        }
        if text.starts_with("$$") {
            ContextPath::parse(text, vantage).map(Self::Context)
        } else {
            JsonPath::parse(text).map(Self::Input)
        }
    }

    pub(crate) fn evaluate<'v>(&self, scope: &Scope<'v>) -> Result<Cow<'v, Value>, PathNotFound> {
        let found = match self {
            Self::Input(path) => path.resolve(scope.input).map(Cow::Borrowed),
            Self::Context(path) => path.resolve(&scope.context),
        };
        found.ok_or_else(|| PathNotFound {
            path: self.to_string(),
        })
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(path) => path.fmt(formatter),
            Self::Context(path) => path.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_a_path_is_refused() {
        for expression in [
            "States.Format('{}', $.a)",
            "States.UUID()",
            "States.",
            "plain text",
            "",
        ] {
            assert!(
                Expression::parse(expression, Vantage::State).is_err(),
                "{expression} was accepted"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_expression_or_an_error(text in "(States\\.)?['\\\\{}$.,() a0é\\[\\]]{0,16}") {
            let _ = Expression::parse(&text, Vantage::State);
        }
    }
}
