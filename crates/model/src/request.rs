//! The request body of a record (`modelInput`), once per run: everything but the prompt.
//!
//! The body is a template. The text of the user turn is the string [`PROMPT_SLOT`], and nothing
//! else in the body is, so whoever writes the records cuts the serialised body there and puts the
//! escaped prompt of each row in between.

use crate::capabilities::{BodyForm, Capabilities};
use crate::enforcement::Enforcement;
use crate::schema::{closed_without_limits, object_schema, three_members};
use serde_json::{Map, Number, Value, json};

/// Stands for the prompt in a request body: the whole value of exactly one string.
///
/// Made of private use characters, so that neither a prompt nor a schema holds it by chance.
pub const PROMPT_SLOT: &str = "\u{E000}\u{F8FF}prompt\u{F8FF}\u{E000}";

/// The tool a model is made to call, and the name given to a structured output.
pub const TOOL_NAME: &str = "structured_response";

/// The one property of an embedding model's answer, and so its result column.
pub const EMBEDDING_FIELD: &str = "embedding";

const TOOL_DESCRIPTION: &str = "Return the structured analysis response";

/// The temperature sent when nothing is set.
pub const DEFAULT_TEMPERATURE: f64 = 1.0;

/// The `top_p` sent when nothing is set.
pub const DEFAULT_TOP_P: f64 = 0.999;

const DEFAULT_MAX_TOKENS: u64 = 32_768;

/// The numbers of a request body, already checked against their allowed ranges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BodySettings {
    /// Most tokens the model may answer with.
    pub max_tokens: u64,
    /// Sampling temperature; a value that is not finite is not sent.
    pub temperature: f64,
    /// Nucleus sampling; a value that is not finite is not sent.
    pub top_p: f64,
}

impl Default for BodySettings {
    fn default() -> Self {
        Self {
            max_tokens: DEFAULT_MAX_TOKENS,
            temperature: DEFAULT_TEMPERATURE,
            top_p: DEFAULT_TOP_P,
        }
    }
}

impl BodySettings {
    /// The sampling parameters this model accepts, as written into the body.
    ///
    /// Where only one of the two may be sent it is the temperature, unless that is at its default
    /// and `top_p` is not.
    fn sampling(&self, capabilities: Capabilities) -> (Option<Number>, Option<Number>) {
        let only_top_p = self.temperature == DEFAULT_TEMPERATURE && self.top_p != DEFAULT_TOP_P;
        let (send_temperature, send_top_p) =
            match (capabilities.sampling, capabilities.temperature_with_top_p) {
                (false, _) => (false, false),
                (true, true) => (true, true),
                (true, false) => (!only_top_p, only_top_p),
            };
        (
            send_temperature
                .then(|| Number::from_f64(self.temperature))
                .flatten(),
            send_top_p.then(|| Number::from_f64(self.top_p)).flatten(),
        )
    }
}

/// Builds the body of every record of a run, with [`PROMPT_SLOT`] in place of the prompt.
///
/// `enforcement` comes from [`crate::choose_enforcement`]; one that needs a schema does nothing
/// without it. Claude's tools get the schema whole (`$defs`, `additionalProperties`, titles), with
/// `"type": "object"` put in front if it has no type; other tools and structured output as much of
/// it as they take. An empty system prompt is left out.
/// Embedding bodies carry the prompt only.
///
/// ```
/// # use quarry_model::*;
/// let capabilities = Family::of("anthropic.claude-sonnet-4-20250514-v1:0").capabilities();
/// let body = request_body(&BodySettings::default(), &capabilities, Enforcement::Prefill, None, None);
/// let text = body.to_string().replace(PROMPT_SLOT, "Where is it?");
/// assert_eq!(
///     text,
///     r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":32768,"temperature":1.0,"top_p":0.999,"messages":[{"role":"user","content":"Where is it?"},{"role":"assistant","content":"{"}]}"#
/// );
/// ```
pub fn request_body(
    settings: &BodySettings,
    capabilities: &Capabilities,
    enforcement: Enforcement,
    system: Option<&str>,
    schema: Option<&Value>,
) -> Value {
    let system = system.filter(|text| !text.is_empty());
    match capabilities.body {
        BodyForm::AnthropicMessages => {
            anthropic(settings, *capabilities, enforcement, system, schema)
        }
        BodyForm::Converse => converse(settings, *capabilities, enforcement, system, schema),
        BodyForm::TitanEmbedding => json!({ "inputText": PROMPT_SLOT }),
        BodyForm::CohereEmbedding => json!({
            "texts": [PROMPT_SLOT],
            "input_type": "search_document",
        }),
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

fn structured_schema(schema: &Value) -> Value {
    closed_without_limits(&object_schema(schema))
}

fn anthropic(
    settings: &BodySettings,
    capabilities: Capabilities,
    enforcement: Enforcement,
    system: Option<&str>,
    schema: Option<&Value>,
) -> Value {
    let (temperature, top_p) = settings.sampling(capabilities);
    let mut messages = vec![json!({ "role": "user", "content": PROMPT_SLOT })];
    if enforcement.is_prefilled() {
        messages.push(json!({ "role": "assistant", "content": "{" }));
    }

    let mut body = Map::new();
    body.insert("anthropic_version".into(), "bedrock-2023-05-31".into());
    body.insert("max_tokens".into(), settings.max_tokens.into());
    if let Some(temperature) = temperature {
        body.insert("temperature".into(), Value::Number(temperature));
    }
    if let Some(top_p) = top_p {
        body.insert("top_p".into(), Value::Number(top_p));
    }
    body.insert("messages".into(), Value::Array(messages));
    match (enforcement, schema) {
        (Enforcement::ForcedTool, Some(schema)) => {
            body.insert(
                "tools".into(),
                json!([{
                    "name": TOOL_NAME,
                    "description": TOOL_DESCRIPTION,
                    "input_schema": object_schema(schema),
                }]),
            );
            body.insert(
                "tool_choice".into(),
                json!({ "type": "tool", "name": TOOL_NAME }),
            );
        }
        (Enforcement::StructuredOutput, Some(schema)) => {
            body.insert(
                "output_config".into(),
                json!({ "format": { "type": "json_schema", "schema": structured_schema(schema) } }),
            );
        }
        _ => {}
    }
    if let Some(system) = system {
        body.insert("system".into(), system.into());
    }
    Value::Object(body)
}

fn converse(
    settings: &BodySettings,
    capabilities: Capabilities,
    enforcement: Enforcement,
    system: Option<&str>,
    schema: Option<&Value>,
) -> Value {
    let (temperature, top_p) = settings.sampling(capabilities);
    let mut messages = vec![json!({ "role": "user", "content": [{ "text": PROMPT_SLOT }] })];
    if enforcement.is_prefilled() {
        messages.push(json!({ "role": "assistant", "content": [{ "text": "{" }] }));
    }
    let mut inference = Map::new();
    inference.insert("maxTokens".into(), settings.max_tokens.into());
    if let Some(temperature) = temperature {
        inference.insert("temperature".into(), Value::Number(temperature));
    }
    if let Some(top_p) = top_p {
        inference.insert("topP".into(), Value::Number(top_p));
    }

    let mut body = Map::new();
    body.insert("messages".into(), Value::Array(messages));
    if let Some(system) = system {
        body.insert("system".into(), json!([{ "text": system }]));
    }
    body.insert("inferenceConfig".into(), Value::Object(inference));
    match (enforcement, schema) {
        (Enforcement::ForcedTool, Some(schema)) => {
            body.insert(
                "toolConfig".into(),
                json!({
                    "tools": [{
                        "toolSpec": {
                            "name": TOOL_NAME,
                            "description": TOOL_DESCRIPTION,
                            "inputSchema": { "json": three_members(schema) },
                        },
                    }],
                    "toolChoice": { "tool": { "name": TOOL_NAME } },
                }),
            );
        }
        (Enforcement::StructuredOutput, Some(schema)) => {
            body.insert(
                "outputConfig".into(),
                json!({
                    "textFormat": {
                        "type": "json_schema",
                        "structure": {
                            "jsonSchema": {
                                "schema": structured_schema(schema).to_string(),
                                "name": TOOL_NAME,
                            },
                        },
                    },
                }),
            );
        }
        _ => {}
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Family;

    fn sent(temperature: f64, top_p: f64, capabilities: Capabilities) -> (Value, Value) {
        let settings = BodySettings {
            temperature,
            top_p,
            ..BodySettings::default()
        };
        let body = request_body(&settings, &capabilities, Enforcement::None, None, None);
        (body["temperature"].clone(), body["top_p"].clone())
    }

    #[test]
    fn temperature_and_top_p_are_sent_only_as_far_as_accepted() {
        let both = Family::Claude { major: 4, minor: 0 }.capabilities();
        assert_eq!(sent(0.0, 0.5, both), (json!(0.0), json!(0.5)));

        let one = Family::Claude { major: 4, minor: 5 }.capabilities();
        assert_eq!(sent(1.0, 0.999, one), (json!(1.0), Value::Null));
        assert_eq!(sent(0.2, 0.5, one), (json!(0.2), Value::Null));
        assert_eq!(sent(1.0, 0.5, one), (Value::Null, json!(0.5)));

        let none = Family::Claude { major: 4, minor: 7 }.capabilities();
        assert_eq!(sent(0.2, 0.5, none), (Value::Null, Value::Null));
    }

    #[test]
    fn whole_numbers_are_written_as_floats() {
        let both = Family::Claude { major: 3, minor: 0 }.capabilities();
        let settings = BodySettings {
            temperature: 0.0,
            top_p: 1.0,
            ..BodySettings::default()
        };
        let text = request_body(&settings, &both, Enforcement::None, None, None).to_string();
        assert!(text.contains(r#""temperature":0.0,"top_p":1.0"#), "{text}");
    }

    #[test]
    fn the_slot_is_one_whole_string_of_every_body() {
        let schema = json!({ "properties": { "a": { "type": "string" } } });
        for form in [
            BodyForm::AnthropicMessages,
            BodyForm::Converse,
            BodyForm::TitanEmbedding,
            BodyForm::CohereEmbedding,
        ] {
            for enforcement in [
                Enforcement::ForcedTool,
                Enforcement::StructuredOutput,
                Enforcement::Prefill,
                Enforcement::None,
            ] {
                let capabilities = Capabilities {
                    body: form,
                    ..Family::Unknown.capabilities()
                };
                let text = request_body(
                    &BodySettings::default(),
                    &capabilities,
                    enforcement,
                    Some("system"),
                    Some(&schema),
                )
                .to_string();
                let quoted = format!("\"{PROMPT_SLOT}\"");
                assert_eq!(text.matches(&quoted).count(), 1, "{form:?} {enforcement:?}");
                assert_eq!(
                    text.matches(PROMPT_SLOT).count(),
                    1,
                    "{form:?} {enforcement:?}"
                );
            }
        }
    }

    #[test]
    fn an_empty_system_prompt_is_left_out() {
        let capabilities = Family::Claude { major: 4, minor: 0 }.capabilities();
        let body = request_body(
            &BodySettings::default(),
            &capabilities,
            Enforcement::None,
            Some(""),
            None,
        );
        assert!(body.get("system").is_none());
    }
}
