//! Whether a model would take a request body.
//!
//! The rules are those of the model families' parameter pages and of the errors that users report;
//! the texts are close to the service's. They hold for batch records (whose refusal is an error
//! line) and on-demand calls (`ValidationException`) alike.

mod anthropic;
mod converse;
mod others;

use crate::question::{Family, Form};
use anthropic::Claude;
use serde_json::{Map, Value};

/// The HTTP status of every refusal here.
pub(crate) const REFUSED: u16 = 400;

/// Whose rules a body has to keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) model_id: &'a str,
    pub(crate) family: Family,
    /// Whether it is a `Converse` body, whatever the family's own form.
    pub(crate) converse: bool,
    /// Whether tools are taken; `Converse` jobs take none.
    pub(crate) tools: bool,
}

impl Judge<'_> {
    /// The reason for which the model refuses `body`, if it does.
    pub(crate) fn check(&self, body: &Value) -> Result<(), String> {
        let Value::Object(fields) = body else {
            return Err("Malformed input request: expected type: JSONObject".to_owned());
        };
        match Form::of(self.family, self.converse) {
            Form::Anthropic => anthropic::check(fields, self.claude()),
            Form::Converse => self.converse(fields),
            Form::TitanEmbeddings => others::titan(fields),
            Form::CohereEmbeddings => others::cohere(fields),
            Form::Llama => others::llama(fields),
            Form::Chat => others::chat(fields),
        }
    }

    fn claude(&self) -> Claude {
        match self.family {
            Family::Anthropic => Claude::of(self.model_id),
            _ => Claude::default(),
        }
    }
}

fn tool_name(name: Option<&Value>, at: &str) -> Result<(), String> {
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

fn only(body: &Map<String, Value>, fields: &[&str], at: &str) -> Result<(), String> {
    match body.keys().find(|key| !fields.contains(&key.as_str())) {
        None => Ok(()),
        Some(name) => Err(malformed(&format!(
            "{at}: extraneous key [{name}] is not permitted"
        ))),
    }
}

fn malformed(what: &str) -> String {
    format!("Malformed input request: {what}, please reformat your input and try again.")
}

fn positive_integer(value: Option<&Value>, name: &str, required: bool) -> Result<(), String> {
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

fn range(value: Option<&Value>, name: &str, low: f64, high: f64) -> Result<(), String> {
    match value {
        None => Ok(()),
        Some(value) => match value.as_f64() {
            None => Err(format!("{name}: Input should be a valid number")),
            Some(number) if (low..=high).contains(&number) => Ok(()),
            Some(_) => Err(format!("{name}: range: {low}..{high}")),
        },
    }
}
