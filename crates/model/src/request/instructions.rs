//! The instructions that a request gives the model in addition to the prompt.

use super::RequestBuilder;
use crate::enforcement::Enforcement;
use crate::form::{Parameter, RequestForm};

/// Follows the user's system prompt if the model is free to call a tool.
const TOOL_INSTRUCTION: &str = "Give your answer by calling the tool `structured_response` once, with the complete answer \
     as its input. Do not answer with text.";

/// Follows the user's system prompt if the prompt shows the schema. The schema comes after it.
const SCHEMA_INSTRUCTION: &str = "Answer with one JSON object and nothing else: no text before or behind it and no code \
     fence. The object must be valid against this JSON Schema:";

impl RequestBuilder {
    /// Returns the user's system prompt, followed by the instruction that the means of enforcement needs.
    fn instructions(&self, form: &RequestForm) -> Option<String> {
        let own = match (form.enforcement, &self.schema) {
            (Enforcement::OfferedTool, Some(_)) => Some(TOOL_INSTRUCTION.to_owned()),
            (Enforcement::SchemaInPrompt | Enforcement::Prefill, Some(schema)) => {
                Some(format!("{SCHEMA_INSTRUCTION}\n\n{schema}"))
            }
            _ => None,
        };
        match (&self.system, own) {
            (Some(system), Some(own)) => Some(format!("{system}\n\n{own}")),
            (Some(text), None) => Some(text.clone()),
            (None, own) => own,
        }
    }

    pub(super) fn system_turn(&self, form: &RequestForm) -> Option<String> {
        self.instructions(form)
            .filter(|_| form.sends(Parameter::System))
    }

    /// Returns the text that comes before the prompt in the user turn, if the request has no system turn.
    pub(super) fn before_the_prompt(&self, form: &RequestForm) -> Option<String> {
        self.instructions(form)
            .filter(|_| !form.sends(Parameter::System))
    }
}
