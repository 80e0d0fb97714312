//! Whether a model would accept a request body.
//!
//! The rules come from the model families' parameter pages and from errors that users report. The
//! texts are the service's where they are public, and close to them elsewhere. They hold for batch
//! records (whose refusal is an error line) and for on-demand calls (`ValidationException`) alike.

mod converse;
mod judge;
mod members;
mod messages;
mod others;
mod structured;
mod tools;
mod turns;

pub(crate) use judge::Judge;

use crate::known::KnownJsons;
use crate::question::QuestionForm;
use judge::by_the_model;
use serde_json::Value;

/// The HTTP status of every refusal here.
pub(crate) const REFUSED: u16 = 400;

impl Judge<'_> {
    /// Returns the reason for which the model refuses `body`, if it does.
    pub(crate) fn check(&self, body: &Value, known: &KnownJsons) -> Result<(), String> {
        let Value::Object(fields) = body else {
            return Err("Malformed input request: expected type: JSONObject".to_owned());
        };
        match QuestionForm::of(self.family, self.converse) {
            QuestionForm::Anthropic => {
                let checked = messages::check(fields, self, known);
                // On demand, the model's words are not changed.
                checked.map_err(|words| {
                    if self.in_job {
                        by_the_model(&words)
                    } else {
                        words
                    }
                })
            }
            QuestionForm::Converse => self.converse(fields, known),
            QuestionForm::TitanEmbeddings => others::titan(fields),
            QuestionForm::CohereEmbeddings => others::cohere(fields),
            QuestionForm::Llama => others::llama(fields, self.facts.output),
            QuestionForm::Chat => others::chat(fields, self),
        }
    }
}
