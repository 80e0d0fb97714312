//! Choice rules: conditions on the input of a Choice state.
//!
//! Supported: `And`, `Or`, `Not`, `StringEquals`, `BooleanEquals`, `IsPresent`, `IsNull`,
//! `NumericEquals`, `NumericLessThan`, `NumericLessThanEquals`, `NumericGreaterThan`,
//! `NumericGreaterThanEquals`. A comparison with a value of another type is false. A variable that
//! the input does not have is an error except for `IsPresent`; `And` and `Or` stop as soon as they
//! are decided, so that `IsPresent` can guard what follows it.

use super::document::{Fields, Problems};
use crate::context::Place;
use crate::expression::{Expression, Scope};
use crate::path::kind_of;
use serde_json::{Number, Value};
use std::cmp::Ordering;

/// A rule of a Choice state: where to go when the condition holds.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) condition: Condition,
    pub(crate) next: String,
}

#[derive(Debug)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Test { variable: Expression, test: Test },
}

#[derive(Debug)]
pub(crate) enum Test {
    BooleanEquals(bool),
    IsNull(bool),
    IsPresent(bool),
    Numeric(NumericTest, Number),
    StringEquals(String),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum NumericTest {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

const TESTS: [&str; 9] = [
    "BooleanEquals",
    "IsNull",
    "IsPresent",
    "NumericEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "StringEquals",
];

impl Rule {
    pub(super) fn parse(value: &Value, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(value, path, problems)?;
        fields.comment(problems);
        let next = fields.required_text("Next", problems).map(str::to_owned);
        let condition = Condition::parse(fields, problems);
        Some(Self {
            condition: condition?,
            next: next?,
        })
    }
}

impl Condition {
    fn parse(mut fields: Fields<'_>, problems: &mut Problems) -> Option<Self> {
        let path = fields.path().to_owned();
        let all = fields.take("And");
        let any = fields.take("Or");
        let not = fields.take("Not");
        let variable = fields.text("Variable", problems);
        let tests: Vec<_> = TESTS
            .into_iter()
            .filter_map(|name| Some((name, fields.take(name)?)))
            .collect();
        let condition = match (all, any, not, variable, tests.as_slice()) {
            (Some(list), None, None, None, []) => {
                Self::parse_list(list, &fields.at("And"), problems).map(Self::And)
            }
            (None, Some(list), None, None, []) => {
                Self::parse_list(list, &fields.at("Or"), problems).map(Self::Or)
            }
            (None, None, Some(inner), None, []) => {
                Self::parse_nested(inner, &fields.at("Not"), problems)
                    .map(|inner| Self::Not(Box::new(inner)))
            }
            (None, None, None, Some(variable), [(name, operand)]) => {
                let test = Test::parse(name, operand);
                if let Err(message) = &test {
                    problems.add(&fields.at(name), message.as_str());
                }
                let variable = Expression::parse_path(variable, Place::State);
                if let Err(message) = &variable {
                    problems.add(&fields.at("Variable"), message.as_str());
                }
                variable
                    .ok()
                    .zip(test.ok())
                    .map(|(variable, test)| Self::Test { variable, test })
            }
            _ => {
                problems.add(
                    &path,
                    format!(
                        "a condition is one of And, Or, Not, or a Variable with exactly one of {}",
                        TESTS.join(", ")
                    ),
                );
                None
            }
        };
        fields.refuse_rest(problems);
        condition
    }

    fn parse_nested(value: &Value, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(value, path, problems)?;
        fields.comment(problems);
        Self::parse(fields, problems)
    }

    fn parse_list(value: &Value, path: &str, problems: &mut Problems) -> Option<Vec<Self>> {
        let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
            problems.add(path, "must be a list of at least one condition");
            return None;
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| Self::parse_nested(item, &format!("{path}[{index}]"), problems))
            .collect()
    }

    /// Whether the condition holds. The error is the variable that the input does not have.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Result<bool, String> {
        match self {
            Self::And(conditions) => {
                for condition in conditions {
                    if !condition.holds(scope)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(conditions) => {
                for condition in conditions {
                    if condition.holds(scope)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(condition) => Ok(!condition.holds(scope)?),
            Self::Test { variable, test } => {
                let value = variable.evaluate(scope).ok();
                match (test, value.as_deref()) {
                    (Test::IsPresent(expected), value) => Ok(value.is_some() == *expected),
                    (_, None) => Err(variable.to_string()),
                    (test, Some(value)) => Ok(test.holds(value)),
                }
            }
        }
    }
}

impl Test {
    fn parse(name: &str, operand: &Value) -> Result<Self, String> {
        let wrong = |expected: &str| {
            Err(format!(
                "must be compared with {expected}, not {}",
                kind_of(operand)
            ))
        };
        let numeric = |test: NumericTest| match operand {
            Value::Number(number) => Ok(Self::Numeric(test, number.clone())),
            _ => wrong("a number"),
        };
        let boolean = |test: fn(bool) -> Self| match operand {
            Value::Bool(expected) => Ok(test(*expected)),
            _ => wrong("true or false"),
        };
        match name {
            "BooleanEquals" => boolean(Self::BooleanEquals),
            "IsNull" => boolean(Self::IsNull),
            "IsPresent" => boolean(Self::IsPresent),
            "NumericEquals" => numeric(NumericTest::Equals),
            "NumericLessThan" => numeric(NumericTest::LessThan),
            "NumericLessThanEquals" => numeric(NumericTest::LessThanEquals),
            "NumericGreaterThan" => numeric(NumericTest::GreaterThan),
            "NumericGreaterThanEquals" => numeric(NumericTest::GreaterThanEquals),
            _ => match operand {
                Value::String(text) => Ok(Self::StringEquals(text.clone())),
                _ => wrong("text"),
            },
        }
    }

    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::BooleanEquals(expected), Value::Bool(value)) => value == expected,
            (Self::IsNull(expected), value) => value.is_null() == *expected,
            (Self::IsPresent(expected), _) => *expected,
            (Self::StringEquals(expected), Value::String(value)) => value == expected,
            (Self::Numeric(test, operand), Value::Number(value)) => {
                let ordering = compare(value, operand);
                match test {
                    NumericTest::Equals => ordering == Some(Ordering::Equal),
                    NumericTest::LessThan => ordering == Some(Ordering::Less),
                    NumericTest::LessThanEquals => ordering.is_some_and(Ordering::is_le),
                    NumericTest::GreaterThan => ordering == Some(Ordering::Greater),
                    NumericTest::GreaterThanEquals => ordering.is_some_and(Ordering::is_ge),
                }
            }
            _ => false,
        }
    }
}

/// Integers are compared exactly, anything else as floating point.
fn compare(left: &Number, right: &Number) -> Option<Ordering> {
    let integer = |number: &Number| {
        number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
    };
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}
