//! Payload templates: JSON in which a field whose name ends in `.$` takes its value from the input
//! or the context object (`Parameters`, `ResultSelector`, `ItemSelector`, and parts of them).

use crate::context::Vantage;
use crate::definition::Problems;
use crate::expression::{Expression, PathNotFound, Scope};
use serde_json::{Map, Value};

/// A parsed payload template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PayloadTemplate {
    /// The template has no computed field.
    Literal(Value),
    /// The whole value is computed; `field` is its name in the template, with its `.$`.
    Computed {
        field: String,
        expression: Expression,
    },
    Object(Vec<(String, PayloadTemplate)>),
    Array(Vec<PayloadTemplate>),
}

/// Why a template has no value, and in which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateError {
    pub(crate) field: String,
    pub(crate) error: PathNotFound,
}

impl PayloadTemplate {
    /// Reads a template that is at `path` in the definition.
    pub(crate) fn parse(
        value: &Value,
        path: &str,
        vantage: Vantage,
        problems: &mut Problems,
    ) -> Self {
        let template = match value {
            Value::Object(object) => Self::Object(
                object
                    .iter()
                    .filter_map(|(name, value)| {
                        Self::parse_field(object, name, value, path, vantage, problems)
                    })
                    .collect(),
            ),
            Value::Array(items) => Self::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| {
                        Self::parse(item, &format!("{path}[{index}]"), vantage, problems)
                    })
                    .collect(),
            ),
            scalar => return Self::Literal(scalar.clone()),
        };
        if template.is_literal() {
            Self::Literal(value.clone())
        } else {
            template
        }
    }

    fn parse_field(
        object: &Map<String, Value>,
        name: &str,
        value: &Value,
        path: &str,
        vantage: Vantage,
        problems: &mut Problems,
    ) -> Option<(String, Self)> {
        let field_path = format!("{path}.{name}");
        let Some(target) = name.strip_suffix(".$") else {
            let template = Self::parse(value, &field_path, vantage, problems);
            return Some((name.to_owned(), template));
        };
        if object.contains_key(target) {
            problems.add(&field_path, format!("`{target}` is given as well"));
            return None;
        }
        let template = Self::parse_computed(name, value, &field_path, vantage, problems)?;
        Some((target.to_owned(), template))
    }

    /// Reads the value of the field `name`, which ends in `.$` and is at `path`.
    pub(crate) fn parse_computed(
        name: &str,
        value: &Value,
        path: &str,
        vantage: Vantage,
        problems: &mut Problems,
    ) -> Option<Self> {
        let Value::String(text) = value else {
            problems.add(
                path,
                "a field ending in `.$` must hold a path or a function",
            );
            return None;
        };
        match Expression::parse(text, vantage) {
            Ok(expression) => Some(Self::Computed {
                field: name.to_owned(),
                expression,
            }),
            Err(problem) => {
                problems.add(path, problem);
                None
            }
        }
    }

    fn is_literal(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Computed { .. } => false,
            Self::Object(fields) => fields.iter().all(|(_, field)| field.is_literal()),
            Self::Array(items) => items.iter().all(Self::is_literal),
        }
    }

    pub(crate) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, TemplateError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Computed { field, expression } => match expression.evaluate(scope) {
                Ok(value) => Ok(value.into_owned()),
                Err(error) => Err(TemplateError {
                    field: field.clone(),
                    error,
                }),
            },
            Self::Object(fields) => fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), field.evaluate(scope)?)))
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object),
            Self::Array(items) => items
                .iter()
                .map(|item| item.evaluate(scope))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::Array),
        }
    }
}
