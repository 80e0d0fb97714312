//! Builds the request body of a record (`modelInput`) without the prompt, once per run.
//!
//! The body is a template. The text of the user turn is the string [`PROMPT_SLOT`], which occurs nowhere else in the
//! body. To write a record, cut the serialised body there and put the escaped prompt of the row in its place.

mod anthropic;
mod converse;
mod instructions;
mod refused;

use crate::capabilities::{BodyForm, Capabilities, Invocation, Thinking};
use crate::enforcement::{Enforcement, takes_schema, tool_input, ways};
use crate::form::{Parameter, RequestForm};
use crate::schema::RenamedProperty;
use serde_json::{Map, Number, Value, json};

/// Stands for the prompt in a request body: the whole value of exactly one string.
///
/// It consists of private use characters, so that no prompt and no schema contains it by chance.
pub const PROMPT_SLOT: &str = "\u{E000}\u{F8FF}prompt\u{F8FF}\u{E000}";

/// The name of the tool that a model must call, and of a structured output.
pub const TOOL_NAME: &str = "structured_response";

/// The only property of an embedding model's answer, which becomes its result column.
pub const EMBEDDING_FIELD: &str = "embedding";

/// The temperature that is sent if none is set.
pub const DEFAULT_TEMPERATURE: f64 = 1.0;

/// The `top_p` that is sent if none is set.
pub const DEFAULT_TOP_P: f64 = 0.999;

/// The most tokens of an answer if no limit is set and the model's ceiling is not lower.
pub const DEFAULT_MAX_TOKENS: u64 = 32_768;

/// The description of a tool that the model must call.
const FORCED_TOOL: &str = "Return the structured analysis response";

/// The description of a tool that the model is free to call. It tells the model to call the tool, because otherwise
/// models answer in text.
const OFFERED_TOOL: &str = "Takes the answer to the user's message. Call it exactly once, with the complete answer as its \
     input. It is the only way to give an answer.";

/// The settings of a request body. Its numbers have been checked against their allowed ranges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BodySettings {
    /// The most tokens of an answer, including those of the model's thinking.
    pub max_tokens: u64,
    /// Sampling temperature; a value that is not finite is not sent.
    pub temperature: f64,
    /// Nucleus sampling; a value that is not finite is not sent.
    pub top_p: f64,
    /// Thinking is switched off if it is on by default.
    pub thinking_off: bool,
    /// How much the model works on an answer, in the service's words.
    pub effort: Option<&'static str>,
}

impl Default for BodySettings {
    fn default() -> Self {
        Self {
            max_tokens: DEFAULT_MAX_TOKENS,
            temperature: DEFAULT_TEMPERATURE,
            top_p: DEFAULT_TOP_P,
            thinking_off: false,
            effort: None,
        }
    }
}

impl BodySettings {
    /// If only one of the two may be sent, it is the temperature, unless that has its default and `top_p` has not.
    fn prefers_top_p(&self) -> bool {
        self.temperature == DEFAULT_TEMPERATURE && self.top_p != DEFAULT_TOP_P
    }
}

/// Builds a run's requests to one model, in each form that the model accepts.
#[derive(Debug, Clone)]
pub struct RequestBuilder {
    settings: BodySettings,
    capabilities: Capabilities,
    system: Option<String>,
    schema: Option<Value>,
}

impl RequestBuilder {
    /// `schema` is the schema that the request enforces; `None` if a setting leaves that to the prompt.
    pub fn new(
        settings: BodySettings,
        capabilities: Capabilities,
        system: Option<&str>,
        schema: Option<&Value>,
    ) -> Self {
        Self {
            settings,
            capabilities,
            system: system.filter(|text| !text.is_empty()).map(str::to_owned),
            schema: schema.cloned(),
        }
    }

    /// What the model accepts.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The form of a run's first request.
    pub fn first_form(&self) -> RequestForm {
        let form = RequestForm::new(Enforcement::None);
        let first = self.ways(&form).first().copied();
        RequestForm::new(first.unwrap_or(Enforcement::None))
    }

    /// Whether the model is not known to refuse requests in this form.
    pub fn takes(&self, form: &RequestForm) -> bool {
        self.ways(form).contains(&form.enforcement)
    }

    /// Returns a body for `form`, with [`PROMPT_SLOT`] in place of the prompt.
    ///
    /// Sources: AWS Bedrock user guide, model parameters ("Anthropic Claude Messages API", "Amazon Nova" complete
    /// request schema) and the Converse API reference.
    pub fn body(&self, form: &RequestForm) -> Value {
        match self.capabilities.body {
            BodyForm::AnthropicMessages => self.anthropic(form),
            BodyForm::Converse => self.converse(form),
            BodyForm::TitanEmbedding => json!({ "inputText": PROMPT_SLOT }),
            BodyForm::CohereEmbedding => json!({
                "texts": [PROMPT_SLOT],
                "input_type": "search_document",
            }),
        }
    }

    /// The properties that have another name in answers to requests in this form.
    pub fn renamed(&self, form: &RequestForm) -> Vec<RenamedProperty> {
        match &self.schema {
            Some(schema) if form.enforcement.has_tool() => {
                tool_input(&self.capabilities, schema).map_or_else(Vec::new, |tool| tool.renamed)
            }
            _ => Vec::new(),
        }
    }

    /// Returns the means of enforcement that are possible, the preferred one first.
    fn ways(&self, form: &RequestForm) -> Vec<Enforcement> {
        let mut ways = ways(&self.capabilities, self.schema.is_some(), self.thinks(form));
        if let Some(schema) = &self.schema {
            ways.retain(|way| takes_schema(*way, &self.capabilities, schema));
        }
        ways
    }

    /// Whether the model thinks before it answers.
    fn thinks(&self, form: &RequestForm) -> bool {
        match self.capabilities.thinking {
            Thinking::None => false,
            Thinking::OffByDefault => self.is_nova() && self.effort(form).is_some(),
            Thinking::OnByDefault => !self.switches_thinking_off(form),
            Thinking::Always => true,
        }
    }

    fn switches_thinking_off(&self, form: &RequestForm) -> bool {
        self.settings.thinking_off
            && self.capabilities.thinking == Thinking::OnByDefault
            && form.sends(Parameter::Thinking)
    }

    fn effort(&self, form: &RequestForm) -> Option<&'static str> {
        self.settings
            .effort
            .filter(|_| self.capabilities.effort && form.sends(Parameter::Effort))
    }

    /// Nova's own body has the members of Converse.
    fn is_nova(&self) -> bool {
        self.capabilities.body == BodyForm::Converse
            && self.capabilities.invocation == Invocation::InvokeModel
    }

    /// The most tokens of an answer. At high effort, Nova accepts no limit.
    fn max_tokens(&self, form: &RequestForm) -> Option<u64> {
        let setting = self.settings.max_tokens;
        (!self.capabilities.body.is_embedding() && !self.is_unlimited(form))
            .then(|| form.max_tokens.map_or(setting, |most| most.min(setting)))
    }

    /// Whether the limit of tokens and the sampling are left to the service. Other clients do so at high effort, because
    /// Nova 2 refuses both then. This has not been tried on the service. Source: Amazon Nova 2 developer guide, "Core inference" and
    /// "Extended thinking in Amazon Nova 2"; read on 2026-11-28.
    fn is_unlimited(&self, form: &RequestForm) -> bool {
        self.is_nova() && matches!(self.effort(form), Some("high" | "max"))
    }

    fn temperature(&self, form: &RequestForm) -> Option<Number> {
        let is_preferred = !self.settings.prefers_top_p();
        self.samples_by(form, Parameter::Temperature, is_preferred)
            .then(|| Number::from_f64(self.settings.temperature))?
    }

    fn top_p(&self, form: &RequestForm) -> Option<Number> {
        let is_preferred = self.settings.prefers_top_p();
        self.samples_by(form, Parameter::TopP, is_preferred)
            .then(|| Number::from_f64(self.settings.top_p))?
    }

    /// Whether a sampling parameter is sent. If the model accepts only one of the two, it is the preferred one.
    fn samples_by(&self, form: &RequestForm, parameter: Parameter, is_preferred: bool) -> bool {
        self.capabilities.sampling
            && (self.capabilities.temperature_with_top_p || is_preferred)
            && form.sends(parameter)
            && !self.is_unlimited(form)
    }
}

const fn tool_description(enforcement: Enforcement) -> &'static str {
    match enforcement {
        Enforcement::OfferedTool => OFFERED_TOOL,
        _ => FORCED_TOOL,
    }
}

fn insert(members: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        members.insert(name.into(), value.into());
    }
}

/// The schema of an embedding model's answer: [`EMBEDDING_FIELD`], a list of numbers.
pub fn embedding_schema() -> Value {
    json!({
        "type": "object",
        "properties": { EMBEDDING_FIELD: { "type": "array", "items": { "type": "number" } } },
        "required": [EMBEDDING_FIELD],
    })
}
