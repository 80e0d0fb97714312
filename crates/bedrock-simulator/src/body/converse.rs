//! `Converse` bodies, and those of Amazon Nova, which are nearly the same.

use super::judge::by_the_model;
use super::members::{
    below_ceiling, malformed, only, positive_integer, range, tool_name, unsupported,
};
use super::{Judge, messages, structured};
use crate::known::KnownJsons;
use crate::models::Feature;
use crate::question::Family;
use serde_json::{Map, Value, json};

const CONVERSE_FIELDS: [&str; 12] = [
    "messages",
    "system",
    "inferenceConfig",
    "toolConfig",
    "guardrailConfig",
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "promptVariables",
    "requestMetadata",
    "performanceConfig",
    "serviceTier",
    "outputConfig",
];
const NOVA_FIELDS: [&str; 5] = [
    "schemaVersion",
    "messages",
    "system",
    "inferenceConfig",
    "toolConfig",
];
const CONVERSE_INFERENCE_FIELDS: [&str; 4] = ["maxTokens", "temperature", "topP", "stopSequences"];
const NOVA_INFERENCE_FIELDS: [&str; 7] = [
    "maxTokens",
    "max_new_tokens",
    "temperature",
    "topP",
    "top_p",
    "topK",
    "stopSequences",
];

impl Judge<'_> {
    /// `Converse` bodies, and Nova's own, which are nearly the same.
    pub(super) fn converse(
        &self,
        body: &Map<String, Value>,
        known: &KnownJsons,
    ) -> Result<(), String> {
        let (fields, inference_fields) = if self.converse {
            (&CONVERSE_FIELDS[..], &CONVERSE_INFERENCE_FIELDS[..])
        } else {
            (&NOVA_FIELDS[..], &NOVA_INFERENCE_FIELDS[..])
        };
        only(body, fields, "#")?;
        if self.in_job && body.contains_key("serviceTier") {
            return Err(malformed(
                "#: extraneous key [serviceTier] is not permitted",
            ));
        }
        if let Some(inference) = body.get("inferenceConfig") {
            let Value::Object(inference) = inference else {
                return Err(malformed("#/inferenceConfig: expected type: JSONObject"));
            };
            only(inference, inference_fields, "#/inferenceConfig")?;
            shape_of_inference(inference)?;
        }
        match body.get("system") {
            None => {}
            Some(Value::Array(blocks)) => {
                for (index, block) in blocks.iter().enumerate() {
                    text(block, &format!("system.{index}"))?;
                }
            }
            Some(_) => return Err(malformed("#/system: expected type: JSONArray")),
        }
        turns(body.get("messages"))?;
        if let Some(tools) = body.get("toolConfig") {
            if self.in_job && self.converse {
                return Err("Tool use is not supported in Converse batch inference.".to_owned());
            }
            tool_specs(tools)?;
        }
        let schema = schema(body)?;
        if self.family == Family::Anthropic {
            let claude = as_messages(body, schema, self.facts.output);
            return messages::check(&claude, self, known).map_err(|words| by_the_model(&words));
        }
        self.features(body, schema.as_ref())
    }

    /// Checks that the model has every feature that the request uses.
    fn features(&self, body: &Map<String, Value>, schema: Option<&Value>) -> Result<(), String> {
        if body.contains_key("system") && !self.takes(Feature::System) {
            return Err(
                "This model doesn't support system messages. Try again without system messages or \
                 use a model that supports system messages."
                    .to_owned(),
            );
        }
        self.inference(body.get("inferenceConfig"))?;
        let config = |pointer: &str| body.get("outputConfig").and_then(|c| c.pointer(pointer));
        if let Some(schema) = schema {
            if !self.takes(Feature::TextFormat) {
                return Err(unsupported("outputConfig.textFormat"));
            }
            structured::check(
                schema,
                "outputConfig.textFormat.structure.jsonSchema.schema",
            )?;
        }
        if config("/effort").is_some() && !self.takes(Feature::Effort) {
            return Err(unsupported("outputConfig.effort"));
        }
        let Some(tools) = body.get("toolConfig") else {
            return Ok(());
        };
        if !self.takes(Feature::Tools) {
            return Err("This model doesn't support tool use.".to_owned());
        }
        for choice in ["tool", "any"] {
            let pointer = format!("/toolChoice/{choice}");
            if tools.pointer(&pointer).is_some() && !self.takes(Feature::ToolChoice) {
                return Err(unsupported(&format!("toolConfig.toolChoice.{choice}")));
            }
        }
        if self.family == Family::Nova {
            nova_tools(tools)?;
        }
        Ok(())
    }

    fn inference(&self, inference: Option<&Value>) -> Result<(), String> {
        let Some(inference) = inference else {
            return Ok(());
        };
        for name in ["maxTokens", "max_new_tokens"] {
            let asked = inference.get(name);
            if self.converse {
                below_ceiling(asked, self.facts.output)?;
            } else if let (Some(asked), Some(most)) =
                (asked.and_then(Value::as_u64), self.facts.output)
                && asked > most
            {
                return Err(malformed(&format!(
                    "#/inferenceConfig/{name}: {asked} is not less or equal to {most}"
                )));
            }
        }
        for name in ["temperature", "topP"] {
            if inference.get(name).is_some() && !self.takes(Feature::Sampling) {
                return Err(unsupported(&format!("inferenceConfig.{name}")));
            }
        }
        Ok(())
    }
}

fn shape_of_inference(inference: &Map<String, Value>) -> Result<(), String> {
    for name in ["maxTokens", "max_new_tokens"] {
        let at = format!("inferenceConfig.{name}");
        positive_integer(inference.get(name), &at, false)?;
    }
    for name in ["temperature", "topP", "top_p"] {
        let at = format!("inferenceConfig.{name}");
        range(inference.get(name), &at, 0.0, 1.0)?;
    }
    Ok(())
}

/// Returns the schema of `outputConfig.textFormat`, which the API expects as a text.
fn schema(body: &Map<String, Value>) -> Result<Option<Value>, String> {
    let Some(config) = body.get("outputConfig") else {
        return Ok(None);
    };
    let Value::Object(config) = config else {
        return Err(malformed("#/outputConfig: expected type: JSONObject"));
    };
    only(config, &["textFormat", "effort"], "#/outputConfig")?;
    let Some(format) = config.get("textFormat") else {
        return Ok(None);
    };
    if format.get("type").and_then(Value::as_str) != Some("json_schema") {
        return Err(
            "1 validation error detected: Value at 'outputConfig.textFormat.type' failed to satisfy \
             constraint: Member must satisfy enum value set: [json_schema]"
                .to_owned(),
        );
    }
    let text = format.pointer("/structure/jsonSchema/schema");
    let text = text.and_then(Value::as_str);
    text.and_then(|text| serde_json::from_str(text).ok())
        .map(Some)
        .ok_or_else(|| malformed("#/outputConfig: the schema is not a JSON text"))
}

/// Returns the body as Claude gets it. The service rewrites `Converse` requests as Claude's
/// messages, so Claude's own words name what it refuses.
fn as_messages(
    body: &Map<String, Value>,
    schema: Option<Value>,
    most_tokens: Option<u64>,
) -> Map<String, Value> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let blocks = |blocks: Option<&Value>| -> Value {
        let block = |block: &Value| match block.get("text") {
            Some(text) => json!({"type": "text", "text": text}),
            None => json!({"type": "other"}),
        };
        list(blocks).iter().map(block).collect()
    };
    let turn =
        |turn: &Value| json!({"role": turn.get("role"), "content": blocks(turn.get("content"))});
    let mut claude = Map::new();
    claude.insert("anthropic_version".to_owned(), json!("bedrock-2023-05-31"));
    let turns = list(body.get("messages")).iter().map(turn).collect();
    claude.insert("messages".to_owned(), turns);
    if let Some(system) = body.get("system") {
        claude.insert("system".to_owned(), blocks(Some(system)));
    }
    let inference = body.get("inferenceConfig");
    let most_tokens = json!(most_tokens.unwrap_or(4_096));
    let asked = inference.and_then(|inference| inference.get("maxTokens"));
    claude.insert(
        "max_tokens".to_owned(),
        asked.cloned().unwrap_or(most_tokens),
    );
    for (theirs, ours) in [("temperature", "temperature"), ("topP", "top_p")] {
        if let Some(value) = inference.and_then(|inference| inference.get(theirs)) {
            claude.insert(ours.to_owned(), value.clone());
        }
    }
    if let Some(config) = body.get("toolConfig") {
        let tools = list(config.get("tools")).iter().map(claude_tool).collect();
        claude.insert("tools".to_owned(), tools);
        let choice = match config.get("toolChoice") {
            Some(choice) if choice.get("any").is_some() => Some(json!({"type": "any"})),
            Some(choice) => choice
                .pointer("/tool/name")
                .map(|name| json!({"type": "tool", "name": name})),
            None => None,
        };
        claude.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
    }
    let mut output = Map::new();
    if let Some(schema) = schema {
        let format = json!({"type": "json_schema", "schema": schema});
        output.insert("format".to_owned(), format);
    }
    if let Some(effort) = body.get("outputConfig").and_then(|c| c.get("effort")) {
        output.insert("effort".to_owned(), effort.clone());
    }
    let more = body.get("additionalModelRequestFields");
    for (name, value) in more.and_then(Value::as_object).into_iter().flatten() {
        match value {
            Value::Object(members) if name == "output_config" => output.extend(members.clone()),
            _ => {
                claude.insert(name.clone(), value.clone());
            }
        }
    }
    if !output.is_empty() {
        claude.insert("output_config".to_owned(), Value::Object(output));
    }
    claude
}

fn claude_tool(tool: &Value) -> Value {
    let mut claude = json!({
        "name": tool.pointer("/toolSpec/name"),
        "input_schema": tool.pointer("/toolSpec/inputSchema/json"),
    });
    if let Some(strict) = tool.pointer("/toolSpec/strict") {
        claude["strict"] = strict.clone();
    }
    claude
}

/// Returns the reason for which the turns are not valid, if they are not.
fn turns(messages: Option<&Value>) -> Result<(), String> {
    let Some(Value::Array(messages)) = messages else {
        return Err(malformed("#: required key [messages] not found"));
    };
    let mut previous = "";
    for (index, message) in messages.iter().enumerate() {
        let role = message.get("role").and_then(Value::as_str);
        let Some(role @ ("user" | "assistant")) = role else {
            return Err(format!(
                "1 validation error detected: Value at 'messages.{}.member.role' failed to \
                 satisfy constraint: Member must satisfy enum value set: [user, assistant]",
                index + 1
            ));
        };
        if index == 0 && role != "user" {
            return Err(
                "A conversation must start with a user message. Try again with a \
                        conversation that starts with a user message."
                    .to_owned(),
            );
        }
        if role == previous {
            return Err(
                "A conversation must alternate between user and assistant roles. Make \
                        sure the conversation alternates between user and assistant roles and \
                        try again."
                    .to_owned(),
            );
        }
        let Some(Value::Array(blocks)) = message.get("content") else {
            return Err(malformed(&format!(
                "#/messages/{index}/content: expected type: JSONArray"
            )));
        };
        if blocks.is_empty() {
            return Err(format!(
                "The content field in the Message object at messages.{index} is empty. Add a \
                 ContentBlock object to the content field and try again."
            ));
        }
        for (block_index, block) in blocks.iter().enumerate() {
            text(block, &format!("messages.{index}.content.{block_index}"))?;
        }
        previous = role;
    }
    if messages.is_empty() {
        return Err("The messages field is empty. Add a Message object and try again.".to_owned());
    }
    Ok(())
}

/// A content block is a union of exactly one member; a text must not be blank.
fn text(block: &Value, at: &str) -> Result<(), String> {
    match block {
        Value::Object(members) if members.len() == 1 => match members.get("text") {
            Some(Value::String(text)) if text.trim().is_empty() => Err(format!(
                "The text field in the ContentBlock object at {at} is blank. Add text to the \
                 text field, and try again."
            )),
            Some(Value::String(_)) | None => Ok(()),
            Some(_) => Err(malformed(&format!("#/{at}/text: expected type: String"))),
        },
        _ => Err(malformed(&format!(
            "#/{at}: a content block has exactly one member"
        ))),
    }
}

fn tool_specs(config: &Value) -> Result<(), String> {
    let Some(Value::Array(tools)) = config.get("tools") else {
        return Err(malformed("#/toolConfig: required key [tools] not found"));
    };
    if tools.is_empty() {
        return Err(malformed(
            "#/toolConfig/tools: expected minimum item count: 1",
        ));
    }
    for (index, tool) in tools.iter().enumerate() {
        tool_name(
            tool.pointer("/toolSpec/name"),
            &format!("toolConfig.tools.{index}.toolSpec.name"),
        )?;
        let at = format!("toolConfig.tools.{index}.toolSpec.inputSchema.json");
        match tool.pointer("/toolSpec/inputSchema/json") {
            Some(Value::Object(schema)) => {
                if schema.get("type").is_none_or(|kind| kind != "object") {
                    return Err(format!(
                        "The value at {at}.type must be one of the following: object."
                    ));
                }
            }
            _ => {
                return Err(malformed(&format!(
                    "#/toolConfig/tools/{index}/toolSpec: required key [inputSchema] not found"
                )));
            }
        }
    }
    Ok(())
}

/// Nova's tools accept only `type` (which is `object`), `properties` and `required` at the top of a
/// schema (Nova user guide, "Troubleshooting tool calls"). The service's text is not documented.
fn nova_tools(config: &Value) -> Result<(), String> {
    let tools = config.get("tools").and_then(Value::as_array);
    for (index, tool) in tools.into_iter().flatten().enumerate() {
        let at = format!("toolConfig.tools.{index}.toolSpec.inputSchema.json");
        let Some(Value::Object(schema)) = tool.pointer("/toolSpec/inputSchema/json") else {
            continue;
        };
        let other = schema
            .keys()
            .find(|key| !matches!(key.as_str(), "type" | "properties" | "required"));
        if let Some(other) = other {
            return Err(format!("{at}: `{other}` is not supported at the top"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Models;

    const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
    const SONNET_4_5: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const OPUS_4_6: &str = "anthropic.claude-opus-4-6-v1";
    const SONNET_5_5: &str = "us.anthropic.claude-sonnet-5-5";
    const NOVA: &str = "amazon.nova-lite-v1:0";
    const QWEN: &str = "qwen.qwen3-32b-v1:0";
    const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";

    fn check(model_id: &str, converse: bool, in_job: bool, body: &Value) -> Result<(), String> {
        let models = Models::new(Vec::new());
        Judge {
            model_id,
            facts: models.of(model_id),
            family: Family::of(model_id, body),
            converse,
            in_job,
        }
        .check(body, &KnownJsons::default())
    }

    fn in_a_job(model_id: &str, body: &Value) -> Result<(), String> {
        check(model_id, true, true, body)
    }

    fn on_demand(model_id: &str, body: &Value) -> Result<(), String> {
        check(model_id, true, false, body)
    }

    fn ask(name: &str, value: Value) -> Value {
        let mut body = json!({"messages": [{"role": "user", "content": [{"text": "a"}]}]});
        body[name] = value;
        body
    }

    fn tool(schema: &Value, choice: &Value) -> Value {
        let spec = json!({"name": "t", "description": "d", "inputSchema": {"json": schema}});
        let mut config = json!({"tools": [{"toolSpec": spec}]});
        if !choice.is_null() {
            config["toolChoice"] = choice.clone();
        }
        ask("toolConfig", config)
    }

    fn format(schema: &Value) -> Value {
        let structure = json!({"jsonSchema": {"name": "n", "schema": schema.to_string()}});
        let format = json!({"type": "json_schema", "structure": structure});
        ask("outputConfig", json!({"textFormat": format}))
    }

    #[test]
    fn bodies_and_their_settings_are_checked() {
        let config = |config: Value| ask("inferenceConfig", config);
        let good = json!({"maxTokens": 5, "temperature": 0.5, "topP": 1});
        in_a_job(NOVA, &config(good.clone())).unwrap();
        in_a_job(SONNET_4, &config(good.clone())).unwrap();
        in_a_job(SONNET_4_5, &config(good)).unwrap_err();
        in_a_job(NOVA, &config(json!({"maxTokens": 0}))).unwrap_err();
        in_a_job(NOVA, &config(json!({"max_tokens": 5}))).unwrap_err();
        in_a_job(NOVA, &ask("modelId", json!(NOVA))).unwrap_err();
        in_a_job(NOVA, &ask("serviceTier", json!({"type": "flex"}))).unwrap_err();
    }

    #[test]
    fn turns_are_checked() {
        for messages in [
            json!([]),
            json!([{"role": "user", "content": "a"}]),
            json!([{"role": "user", "content": []}]),
            json!([{"role": "user", "content": [{"text": " "}]}]),
            json!([{"role": "user", "content": [{"text": "a", "image": {}}]}]),
            json!([{"role": "assistant", "content": [{"text": "a"}]}]),
            json!([
                {"role": "user", "content": [{"text": "a"}]},
                {"role": "user", "content": [{"text": "a"}]}
            ]),
        ] {
            let text = messages.to_string();
            in_a_job(NOVA, &json!({"messages": messages})).expect_err(&text);
        }
        let prefill = json!({"messages": [
            {"role": "user", "content": [{"text": "a"}]},
            {"role": "assistant", "content": [{"text": "{"}]}
        ]});
        in_a_job(SONNET_4_5, &prefill).unwrap();
        in_a_job(OPUS_4_6, &prefill).unwrap_err();
    }

    /// Records with tools fail in `Converse` jobs; Nova's own bodies may have tools there.
    #[test]
    fn converse_jobs_refuse_tools() {
        let body = tool(&json!({"type": "object"}), &Value::Null);
        assert!(in_a_job(NOVA, &body).unwrap_err().contains("not supported"));
        on_demand(NOVA, &body).unwrap();
        check(NOVA, false, true, &body).unwrap();
    }

    /// The service passes a `Converse` request on as Claude's messages, and returns Claude's words.
    #[test]
    fn claude_names_what_it_refuses_in_its_own_words() {
        let object = json!({"type": "object"});
        let named = json!({"tool": {"name": "t"}});
        on_demand(SONNET_4_5, &tool(&object, &named)).unwrap();
        assert_eq!(
            on_demand(SONNET_5_5, &tool(&object, &named)).unwrap_err(),
            "The model returned the following errors: tool_choice: type \"tool\" and \"any\" are \
             not supported for this model."
        );
        let closed = json!({"type": "object", "additionalProperties": false, "properties": {}});
        on_demand(SONNET_4_5, &format(&closed)).unwrap();
        let message = on_demand("us.anthropic.claude-opus-5-5", &format(&closed)).unwrap_err();
        assert!(
            message.ends_with("output_config.format: Extra inputs are not permitted"),
            "{message}"
        );
        let config = json!({"effort": "low"});
        on_demand(SONNET_5_5, &ask("outputConfig", config.clone())).unwrap();
        let message = on_demand(SONNET_4_5, &ask("outputConfig", config)).unwrap_err();
        assert!(message.contains("effort parameter"), "{message}");
        let message = on_demand(
            SONNET_4_5,
            &ask("inferenceConfig", json!({"maxTokens": 99_999})),
        );
        assert!(message.unwrap_err().contains("max_tokens: 99999 > 64000"));
        let more = json!({"thinking": {"type": "disabled"}});
        let message = on_demand(SONNET_5_5, &ask("additionalModelRequestFields", more));
        assert!(message.unwrap_err().contains("thinking.type.disabled"));
        let combined = json!({"type": "object", "anyOf": [{"required": ["a"]}]});
        let message = on_demand(SONNET_4_5, &tool(&combined, &Value::Null)).unwrap_err();
        assert!(message.contains("tools.0.custom.input_schema"), "{message}");
    }

    #[test]
    fn other_models_name_the_field_that_they_do_not_have() {
        let closed = json!({"type": "object", "additionalProperties": false, "properties": {}});
        on_demand(QWEN, &format(&closed)).unwrap();
        in_a_job(QWEN, &format(&closed)).unwrap();
        for model in [NOVA, LLAMA, "us.xai.grok-4.6"] {
            let message = on_demand(model, &format(&closed)).unwrap_err();
            assert!(
                message.contains("the outputConfig.textFormat field"),
                "{message}"
            );
        }
        let open = json!({"type": "object", "properties": {}});
        on_demand(QWEN, &format(&open)).unwrap_err();
        let object = json!({"type": "object"});
        on_demand(LLAMA, &tool(&object, &Value::Null)).unwrap();
        let named = json!({"tool": {"name": "t"}});
        let message = on_demand(LLAMA, &tool(&object, &named)).unwrap_err();
        assert!(
            message.contains("the toolConfig.toolChoice.tool field"),
            "{message}"
        );
        let message = on_demand("us.deepseek.r1-v1:0", &tool(&object, &Value::Null)).unwrap_err();
        assert_eq!(message, "This model doesn't support tool use.");
        let message = on_demand(QWEN, &ask("inferenceConfig", json!({"maxTokens": 32_768})));
        assert!(
            message
                .unwrap_err()
                .contains("exceeds the model limit of 8192")
        );
        let warm = ask("inferenceConfig", json!({"temperature": 1}));
        let message = on_demand("us.openai.gpt-5.5", &warm).unwrap_err();
        assert!(message.contains("inferenceConfig.temperature"), "{message}");
        let system = ask("system", json!([{"text": "s"}]));
        on_demand(QWEN, &system).unwrap();
        let message = on_demand("mistral.mistral-7b-instruct-v0:2", &system).unwrap_err();
        assert!(message.contains("system messages"), "{message}");
    }

    #[test]
    fn tool_schemas_have_a_type_and_nova_takes_little_beside_it() {
        let none = json!({"properties": {}});
        for model in [QWEN, NOVA, SONNET_4_5] {
            let message = on_demand(model, &tool(&none, &Value::Null)).unwrap_err();
            assert!(
                message.contains("inputSchema.json.type must be one of"),
                "{message}"
            );
        }
        let closed = json!({"type": "object", "additionalProperties": false});
        on_demand(QWEN, &tool(&closed, &Value::Null)).unwrap();
        let message = on_demand(NOVA, &tool(&closed, &Value::Null)).unwrap_err();
        assert!(message.contains("`additionalProperties`"), "{message}");
        let large = ask("inferenceConfig", json!({"maxTokens": 32_768}));
        let message = check(NOVA, false, true, &large).unwrap_err();
        assert!(
            message.contains("is not less or equal to 10000"),
            "{message}"
        );
    }
}
