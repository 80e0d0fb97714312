//! The fields that several types of states have.

use super::document::FieldReader;
use super::policy::Retrier;
use super::problem::Problems;
use super::states::{OutcomePolicy, Then};
use crate::context::Vantage;
use crate::expression::Expression;
use crate::path::ResultPath;
use crate::template::PayloadTemplate;
use serde_json::Value;

pub(super) fn parse_outcome(
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> Option<OutcomePolicy> {
    let result_selector = parse_template("ResultSelector", Vantage::State, fields, problems);
    let result_path = parse_result_path(fields, problems);
    let retry = Retrier::parse_list(fields, problems);
    let then = parse_then(fields, problems);
    Some(OutcomePolicy {
        result_selector,
        result_path,
        retry,
        then: then?,
    })
}

pub(super) fn parse_then(fields: &mut FieldReader<'_>, problems: &mut Problems) -> Option<Then> {
    let next = fields.text("Next", problems);
    let end = fields.take("End");
    match (next, end) {
        (Some(next), None) => Some(Then::Next(next.to_owned())),
        (None, Some(Value::Bool(true))) => Some(Then::End),
        (None, None) if fields.has("Next") => None,
        _ => {
            problems.add(
                fields.path(),
                "exactly one of `Next` and `\"End\": true` is needed",
            );
            None
        }
    }
}

pub(super) fn parse_template(
    name: &'static str,
    vantage: Vantage,
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> Option<PayloadTemplate> {
    let value = fields.take(name)?;
    Some(PayloadTemplate::parse(
        value,
        &fields.at(name),
        vantage,
        problems,
    ))
}

pub(super) fn parse_path_field(
    name: &'static str,
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> Option<Expression> {
    let text = fields.text(name, problems)?;
    match Expression::parse(text, Vantage::State) {
        Ok(path) => Some(path),
        Err(problem) => {
            problems.add(&fields.at(name), problem);
            None
        }
    }
}

pub(super) fn parse_required_path(
    name: &'static str,
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> Option<Expression> {
    if !fields.has(name) {
        fields.required(name, problems);
        return None;
    }
    parse_path_field(name, fields, problems)
}

/// Reads the `ResultPath` of a state: the whole output if it is absent.
pub(super) fn parse_result_path(
    fields: &mut FieldReader<'_>,
    problems: &mut Problems,
) -> ResultPath {
    if fields.is_null("ResultPath") {
        fields.take("ResultPath");
        return ResultPath::Discard;
    }
    let parsed = fields
        .text("ResultPath", problems)
        .map_or(Ok(ResultPath::Replace), ResultPath::parse);
    parsed.unwrap_or_else(|problem| {
        problems.add(&fields.at("ResultPath"), problem);
        ResultPath::Replace
    })
}

/// Reads a state's `Resource`, and refuses any but the supported one: an ARN that ends with `rest`.
pub(super) fn check_resource(fields: &mut FieldReader<'_>, rest: &str, problems: &mut Problems) {
    if let Some(resource) = fields.required_text("Resource", problems)
        && !is_arn(resource, rest)
    {
        problems.add(
            &fields.at("Resource"),
            format!("`{resource}` is not supported (supported: arn:<partition>:{rest})"),
        );
    }
}

/// Whether `text` is `arn:<partition>:` followed by `rest`, in a partition of AWS.
fn is_arn(text: &str, rest: &str) -> bool {
    text.strip_prefix("arn:")
        .and_then(|text| text.split_once(':'))
        .is_some_and(|(partition, found)| {
            found == rest
                && partition.strip_prefix("aws").is_some_and(|suffix| {
                    suffix.is_empty()
                        || suffix.starts_with('-')
                            && suffix.len() > 1
                            && suffix.chars().all(|c| c.is_ascii_lowercase() || c == '-')
                })
        })
}
