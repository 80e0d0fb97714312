//! The request body of a record (`modelInput`), once per run: everything but the prompt.
//!
//! The body is a template. The text of the user turn is the string [`PROMPT_SLOT`], and nothing else in the body is, so
//! whoever writes the records cuts the serialised body there and puts the escaped prompt of each row in between.

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
/// Made of private use characters, so that neither a prompt nor a schema holds it by chance.
pub const PROMPT_SLOT: &str = "\u{E000}\u{F8FF}prompt\u{F8FF}\u{E000}";

/// The tool a model is made to call, and the name given to a structured output.
pub const TOOL_NAME: &str = "structured_response";

/// The one property of an embedding model's answer, and so its result column.
pub const EMBEDDING_FIELD: &str = "embedding";

/// The temperature sent when nothing is set.
pub const DEFAULT_TEMPERATURE: f64 = 1.0;

/// The `top_p` sent when nothing is set.
pub const DEFAULT_TOP_P: f64 = 0.999;

/// The most tokens of an answer when nothing is set and the model's ceiling is not lower.
pub const DEFAULT_MAX_TOKENS: u64 = 32_768;

/// What a tool is for that the model has to call.
const FORCED_TOOL: &str = "Return the structured analysis response";

/// What a tool is for that the model is free to call. Without saying so, models answer in text.
const OFFERED_TOOL: &str = "Takes the answer to the user's message. Call it exactly once, with the complete answer as its \
     input. It is the only way to give an answer.";

/// The numbers of a request body, already checked against their allowed ranges, and what else settings ask for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BodySettings {
    /// Most tokens the model may answer with, those of its thinking included.
    pub max_tokens: u64,
    /// Sampling temperature; a value that is not finite is not sent.
    pub temperature: f64,
    /// Nucleus sampling; a value that is not finite is not sent.
    pub top_p: f64,
    /// Thinking is switched off where it is on by default.
    pub thinking_off: bool,
    /// How much the model works on an answer, as the service names it.
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
    /// Where only one of the two may be sent it is the temperature, unless that is at its default and `top_p` is not.
    fn prefers_top_p(&self) -> bool {
        self.temperature == DEFAULT_TEMPERATURE && self.top_p != DEFAULT_TOP_P
    }
}

/// Builds a run's requests to one model, in each form that the model takes.
#[derive(Debug, Clone)]
pub struct RequestBuilder {
    settings: BodySettings,
    capabilities: Capabilities,
    system: Option<String>,
    schema: Option<Value>,
}

impl RequestBuilder {
    /// `schema` is what the model is held to: none if a setting says that the prompt alone asks for JSON.
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

    /// Whether requests in this form are none that the model is known to refuse.
    pub fn takes(&self, form: &RequestForm) -> bool {
        self.ways(form).contains(&form.enforcement)
    }

    /// A body for `form`, with [`PROMPT_SLOT`] in place of the prompt.
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

    /// The properties that answers to requests in this form have under another name.
    pub fn renamed(&self, form: &RequestForm) -> Vec<RenamedProperty> {
        match &self.schema {
            Some(schema) if form.enforcement.has_tool() => {
                tool_input(&self.capabilities, schema).map_or_else(Vec::new, |tool| tool.renamed)
            }
            _ => Vec::new(),
        }
    }

    /// The ways of enforcement that are open, the first one first.
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

    /// The most tokens of an answer. At high effort Nova takes no limit.
    fn max_tokens(&self, form: &RequestForm) -> Option<u64> {
        let setting = self.settings.max_tokens;
        (!self.capabilities.body.is_embedding() && !self.is_unlimited(form))
            .then(|| form.max_tokens.map_or(setting, |most| most.min(setting)))
    }

    /// Whether only the service's own limits and sampling are sent: other clients leave both out at high effort, since Nova 2
    /// refuses them. This has not been tried on the service. Source: Amazon Nova 2 developer guide, "Core inference" and
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

    /// Whether a sampling parameter is sent. Where only one of the two is taken, it is the preferred one.
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
