//! Whether a model would take a request body.
//!
//! The rules are those of the model families' parameter pages and of the errors that users report;
//! the texts are the service's where they are public, and close to them elsewhere. They hold for
//! batch records (whose refusal is an error line) and on-demand calls (`ValidationException`) alike.

mod converse;
mod messages;
mod others;
mod structured;
mod tools;
mod turns;

pub(crate) use tools::Drafts;

use crate::models::{Feature, ModelRow};
use crate::question::{Family, Question, QuestionForm};
use serde_json::{Map, Value};

/// The HTTP status of every refusal here.
pub(crate) const REFUSED: u16 = 400;

/// Whose rules a body has to keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) model_id: &'a str,
    pub(crate) facts: ModelRow<'a>,
    pub(crate) family: Family,
    /// Whether it is a `Converse` body, whatever the family's own form.
    pub(crate) converse: bool,
    /// Whether it is a record of a job.
    pub(crate) in_job: bool,
}

impl Judge<'_> {
    /// The reason for which the model refuses `body`, if it does.
    pub(crate) fn check(&self, body: &Value, drafts: &Drafts) -> Result<(), String> {
        let Value::Object(fields) = body else {
            return Err("Malformed input request: expected type: JSONObject".to_owned());
        };
        match QuestionForm::of(self.family, self.converse) {
            QuestionForm::Anthropic => {
                let checked = messages::check(fields, self, drafts);
                // On demand the model's words come as they are.
                checked.map_err(|words| {
                    if self.in_job {
                        by_the_model(&words)
                    } else {
                        words
                    }
                })
            }
            QuestionForm::Converse => self.converse(fields, drafts),
            QuestionForm::TitanEmbeddings => others::titan(fields),
            QuestionForm::CohereEmbeddings => others::cohere(fields),
            QuestionForm::Llama => others::llama(fields, self.facts.output),
            QuestionForm::Chat => others::chat(fields, self),
        }
    }

    /// The reason for which a question is too long for the model, if it is.
    pub(crate) fn check_length(&self, question: &Question) -> Result<(), String> {
        let asked = question.input_tokens;
        let Some(most) = self.facts.input.filter(|most| asked > *most) else {
            return Ok(());
        };
        let words = match self.family {
            Family::Anthropic => format!("prompt is too long: {asked} tokens > {most} maximum"),
            Family::TitanEmbeddings => format!(
                "400 Bad Request: Too many input tokens. Max input tokens: {most}, request input \
                 token count: {asked}"
            ),
            _ => "Input is too long for requested model.".to_owned(),
        };
        let by_model = self.family == Family::Anthropic && (self.converse || self.in_job);
        Err(if by_model {
            by_the_model(&words)
        } else {
            words
        })
    }

    fn takes(&self, feature: Feature) -> bool {
        self.facts.takes(feature)
    }
}

/// The words of the model, as the service passes them on.
fn by_the_model(words: &str) -> String {
    format!("The model returned the following errors: {words}")
}

/// Most tokens of an answer, in the service's own words.
fn below_ceiling(asked: Option<&Value>, most: Option<u64>) -> Result<(), String> {
    match (asked.and_then(Value::as_u64), most) {
        (Some(asked), Some(most)) if asked > most => Err(format!(
            "The maximum tokens you requested exceeds the model limit of {most}. Try again with a \
             maximum tokens value that is lower than {most}."
        )),
        _ => Ok(()),
    }
}

/// Something that the request asks of a model that has it not, in the words of `Converse`.
fn unsupported(field: &str) -> String {
    format!("This model doesn't support the {field} field. Remove {field} and try again.")
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
