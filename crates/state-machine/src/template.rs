//! Payload templates: JSON in which a field whose name ends in `.$` takes its value from the input
//! or the context object (`Parameters`, `ResultSelector`, `ItemSelector`, and parts of them).

use crate::context::Vantage;
use crate::definition::{FieldReader, Problems};
use crate::expression::{Expression, PathNotFound, Scope};
use serde_json::{Map, Value};

/// A parsed payload template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PayloadTemplate {
    /// A template without a computed field.
    Literal(Value),
    Computed(ComputedField),
    Object(Vec<(String, PayloadTemplate)>),
    Array(Vec<PayloadTemplate>),
}

/// A field whose value is computed from the input or the context object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ComputedField {
    /// The field's name, including its `.$`.
    name: String,
    expression: Expression,
}

/// A field of a template that cannot be computed, and the reason.
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
        let field = ComputedField::parse(name, value, &field_path, vantage, problems)?;
        Some((target.to_owned(), Self::Computed(field)))
    }

    fn is_literal(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Computed(_) => false,
            Self::Object(fields) => fields.iter().all(|(_, field)| field.is_literal()),
            Self::Array(items) => items.iter().all(Self::is_literal),
        }
    }

    pub(crate) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, TemplateError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Computed(field) => field.evaluate(scope),
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

impl ComputedField {
    /// Reads the field `name`, which ends in `.$`. `path` is its place in the definition.
    fn parse(
        name: &str,
        value: &Value,
        path: &str,
        vantage: Vantage,
        problems: &mut Problems,
    ) -> Option<Self> {
        let Value::String(text) = value else {
            problems.add(path, "a field ending in `.$` must hold a path");
            return None;
        };
        match Expression::parse(text, vantage) {
            Ok(expression) => Some(Self {
                name: name.to_owned(),
                expression,
            }),
            Err(problem) => {
                problems.add(path, problem);
                None
            }
        }
    }

    /// Reads a required field of a state.
    pub(crate) fn required(
        name: &'static str,
        fields: &mut FieldReader<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let value = fields.required(name, problems)?;
        Self::parse(name, value, &fields.at(name), Vantage::State, problems)
    }

    pub(crate) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, TemplateError> {
        match self.expression.evaluate(scope) {
            Ok(value) => Ok(value.into_owned()),
            Err(error) => Err(TemplateError {
                field: self.name.clone(),
                error,
            }),
        }
    }
}
