//! Choice rules: conditions on the input of a Choice state.
//!
//! Supported: `StringEquals` and `BooleanEquals` on one variable. A comparison with a value of
//! another type is false. A variable that the input does not have is an error, as in the service.

use super::document::FieldReader;
use super::problem::Problems;
use crate::context::Vantage;
use crate::expression::{Expression, Scope};
use crate::path::kind_of;
use serde_json::Value;

/// A rule of a Choice state: the next state if the comparison holds.
#[derive(Debug)]
pub(crate) struct ChoiceRule {
    variable: Expression,
    comparison: Comparison,
    pub(crate) next: String,
}

#[derive(Debug)]
enum Comparison {
    BooleanEquals(bool),
    StringEquals(String),
}

const COMPARISONS: [&str; 2] = ["BooleanEquals", "StringEquals"];

impl ChoiceRule {
    pub(super) fn parse(value: &Value, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut fields = FieldReader::of(value, path, problems)?;
        fields.comment(problems);
        let next = fields.required_text("Next", problems).map(str::to_owned);
        let variable = fields.text("Variable", problems);
        let comparisons: Vec<_> = COMPARISONS
            .into_iter()
            .filter_map(|name| Some((name, fields.take(name)?)))
            .collect();
        let condition =
            if let (Some(variable), [(name, operand)]) = (variable, comparisons.as_slice()) {
                let comparison = Comparison::parse(name, operand);
                if let Err(message) = &comparison {
                    problems.add(&fields.at(name), message.as_str());
                }
                let variable = Expression::parse(variable, Vantage::State);
                if let Err(message) = &variable {
                    problems.add(&fields.at("Variable"), message.as_str());
                }
                variable.ok().zip(comparison.ok())
            } else {
                problems.add(
                    path,
                    format!(
                        "a rule is a Variable with exactly one of {}",
                        COMPARISONS.join(", ")
                    ),
                );
                None
            };
        fields.refuse_rest(problems);
        let (variable, comparison) = condition?;
        Some(Self {
            variable,
            comparison,
            next: next?,
        })
    }

    /// Whether the comparison holds. The error is the variable that the input does not have.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Result<bool, String> {
        match self.variable.evaluate(scope) {
            Ok(value) => Ok(self.comparison.holds(&value)),
            Err(_) => Err(self.variable.to_string()),
        }
    }
}

impl Comparison {
    fn parse(name: &str, operand: &Value) -> Result<Self, String> {
        let wrong = |expected: &str| {
            Err(format!(
                "must be compared with {expected}, not {}",
                kind_of(operand)
            ))
        };
        match (name, operand) {
            ("BooleanEquals", Value::Bool(expected)) => Ok(Self::BooleanEquals(*expected)),
            ("BooleanEquals", _) => wrong("true or false"),
            (_, Value::String(text)) => Ok(Self::StringEquals(text.clone())),
            _ => wrong("text"),
        }
    }

    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::BooleanEquals(expected), Value::Bool(value)) => value == expected,
            (Self::StringEquals(expected), Value::String(value)) => value == expected,
            _ => false,
        }
    }
}
