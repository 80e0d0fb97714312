//! The rules that a body must keep, and the checks that all families share.

use crate::models::{Feature, ModelRow};
use crate::question::{Family, Question};

/// The rules that a body must keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) model_id: &'a str,
    pub(crate) facts: ModelRow<'a>,
    pub(crate) family: Family,
    /// Whether the body is one of `Converse`, whatever the family's own form.
    pub(crate) converse: bool,
    /// Whether the body is a record of a job.
    pub(crate) in_job: bool,
}

impl Judge<'_> {
    /// Returns the reason for which a question is too long for the model, if it is.
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

    pub(super) fn takes(&self, feature: Feature) -> bool {
        self.facts.takes(feature)
    }
}

/// Returns the model's words as the service passes them on.
pub(super) fn by_the_model(words: &str) -> String {
    format!("The model returned the following errors: {words}")
}
