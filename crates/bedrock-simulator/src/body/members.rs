//! Checks of single members that several families share, with the words of the refusals.

use serde_json::{Map, Value};

/// Checks the most tokens of an answer, in the service's own words.
pub(super) fn below_ceiling(asked: Option<&Value>, most: Option<u64>) -> Result<(), String> {
    match (asked.and_then(Value::as_u64), most) {
        (Some(asked), Some(most)) if asked > most => Err(format!(
            "The maximum tokens you requested exceeds the model limit of {most}. Try again with a \
             maximum tokens value that is lower than {most}."
        )),
        _ => Ok(()),
    }
}

/// Refuses a feature that the model does not have, in the words of `Converse`.
pub(super) fn unsupported(field: &str) -> String {
    format!("This model doesn't support the {field} field. Remove {field} and try again.")
}

pub(super) fn tool_name(name: Option<&Value>, at: &str) -> Result<(), String> {
    let Some(name) = name.and_then(Value::as_str) else {
        return Err(format!("{at}: Field required"));
    };
    let valid = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if valid {
        Ok(())
    } else {
        Err(format!(
            "{at}: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
        ))
    }
}

pub(super) fn only(body: &Map<String, Value>, fields: &[&str], at: &str) -> Result<(), String> {
    match body.keys().find(|key| !fields.contains(&key.as_str())) {
        None => Ok(()),
        Some(name) => Err(malformed(&format!(
            "{at}: extraneous key [{name}] is not permitted"
        ))),
    }
}

pub(super) fn malformed(what: &str) -> String {
    format!("Malformed input request: {what}, please reformat your input and try again.")
}

pub(super) fn positive_integer(
    value: Option<&Value>,
    name: &str,
    required: bool,
) -> Result<(), String> {
    match value {
        None if required => Err(format!("{name}: Field required")),
        None => Ok(()),
        Some(value) if value.as_u64().is_some_and(|number| number >= 1) => Ok(()),
        Some(value) if value.is_i64() || value.is_u64() => Err(format!(
            "{name}: Input should be greater than or equal to 1"
        )),
        Some(_) => Err(format!("{name}: Input should be a valid integer")),
    }
}

pub(super) fn range(value: Option<&Value>, name: &str, low: f64, high: f64) -> Result<(), String> {
    match value {
        None => Ok(()),
        Some(value) => match value.as_f64() {
            None => Err(format!("{name}: Input should be a valid number")),
            Some(number) if (low..=high).contains(&number) => Ok(()),
            Some(_) => Err(format!("{name}: range: {low}..{high}")),
        },
    }
}

pub(super) fn not_permitted(name: &str) -> String {
    format!("{name}: Extra inputs are not permitted")
}
