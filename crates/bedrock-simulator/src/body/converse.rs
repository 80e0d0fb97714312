//! `Converse` bodies, and those of Amazon Nova, which are nearly the same.

use super::anthropic::{PREFILL, TEMPERATURE_AND_TOP_P, structured_schema};
use super::{Judge, malformed, only, positive_integer, range, tool_name};
use crate::question::Family;
use serde_json::{Map, Value};

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
    pub(super) fn converse(&self, body: &Map<String, Value>) -> Result<(), String> {
        let (fields, inference_fields) = if self.converse {
            (&CONVERSE_FIELDS[..], &CONVERSE_INFERENCE_FIELDS[..])
        } else {
            (&NOVA_FIELDS[..], &NOVA_INFERENCE_FIELDS[..])
        };
        only(body, fields, "#")?;
        if let Some(inference) = body.get("inferenceConfig") {
            let Value::Object(inference) = inference else {
                return Err(malformed("#/inferenceConfig: expected type: JSONObject"));
            };
            only(inference, inference_fields, "#/inferenceConfig")?;
            self.inference(inference)?;
        }
        match body.get("system") {
            None => {}
            Some(Value::Array(blocks)) => {
                for (index, block) in blocks.iter().enumerate() {
                    converse_text(block, &format!("system.{index}"))?;
                }
            }
            Some(_) => return Err(malformed("#/system: expected type: JSONArray")),
        }
        let last_role = converse_messages(body.get("messages"))?;
        if last_role == "assistant" && self.claude().refuses_prefill() {
            return Err(by_the_model(PREFILL));
        }
        let schema = body
            .get("outputConfig")
            .and_then(|config| config.pointer("/textFormat/structure/jsonSchema/schema"));
        if let Some(schema) = schema {
            // The API takes the schema as a text.
            let schema: Value = schema
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok())
                .ok_or_else(|| malformed("#/outputConfig: the schema is no JSON text"))?;
            structured_schema(&schema).map_err(|message| by_the_model(&message))?;
        }
        match body.get("toolConfig") {
            None => Ok(()),
            Some(_) if !self.tools => {
                Err("Tool use is not supported in Converse batch inference.".to_owned())
            }
            Some(tools) => {
                converse_tools(tools)?;
                if self.family == Family::Nova {
                    nova_tools(tools)?;
                }
                Ok(())
            }
        }
    }

    fn inference(&self, inference: &Map<String, Value>) -> Result<(), String> {
        for name in ["maxTokens", "max_new_tokens"] {
            let at = format!("inferenceConfig.{name}");
            positive_integer(inference.get(name), &at, false)?;
        }
        for name in ["temperature", "topP", "top_p"] {
            let at = format!("inferenceConfig.{name}");
            range(inference.get(name), &at, 0.0, 1.0)?;
        }
        let claude = self.claude();
        let (temperature, top_p) = (
            inference.contains_key("temperature"),
            inference.contains_key("topP"),
        );
        if (temperature || top_p) && claude.refuses_sampling() {
            return Err(by_the_model("`temperature` and `top_p` are not supported."));
        }
        if temperature && top_p && claude.refuses_temperature_with_top_p() {
            return Err(by_the_model(TEMPERATURE_AND_TOP_P));
        }
        Ok(())
    }
}

fn by_the_model(message: &str) -> String {
    format!("The model returned the following errors: {message}")
}

/// The role of the last turn, when all are good.
fn converse_messages(messages: Option<&Value>) -> Result<String, String> {
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
            converse_text(block, &format!("messages.{index}.content.{block_index}"))?;
        }
        previous = role;
    }
    if messages.is_empty() {
        return Err("The messages field is empty. Add a Message object and try again.".to_owned());
    }
    Ok(previous.to_owned())
}

/// A content block is a union: exactly one member; a text is not blank.
fn converse_text(block: &Value, at: &str) -> Result<(), String> {
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

fn converse_tools(config: &Value) -> Result<(), String> {
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
        if !tool
            .pointer("/toolSpec/inputSchema/json")
            .is_some_and(Value::is_object)
        {
            return Err(malformed(&format!(
                "#/toolConfig/tools/{index}/toolSpec: required key [inputSchema] not found"
            )));
        }
    }
    Ok(())
}

/// Nova's tools take `type`, which is `object`, `properties` and `required` at the top of a schema
/// and nothing else (Nova user guide, "Troubleshooting tool calls"). The service's text is not
/// documented.
fn nova_tools(config: &Value) -> Result<(), String> {
    let tools = config.get("tools").and_then(Value::as_array);
    for (index, tool) in tools.into_iter().flatten().enumerate() {
        let at = format!("toolConfig.tools.{index}.toolSpec.inputSchema.json");
        let Some(Value::Object(schema)) = tool.pointer("/toolSpec/inputSchema/json") else {
            continue;
        };
        if schema.get("type").is_none_or(|kind| kind != "object") {
            return Err(format!("{at}: the type at the top must be object"));
        }
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
    use serde_json::json;

    const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
    const SONNET_4_5: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const OPUS_4_6: &str = "anthropic.claude-opus-4-6-v1";
    const NOVA: &str = "amazon.nova-lite-v1:0";

    fn in_a_job(model_id: &str, body: &Value) -> Result<(), String> {
        Judge {
            model_id,
            family: Family::of(model_id, body),
            converse: true,
            tools: false,
        }
        .check(body)
    }

    #[test]
    fn bodies_and_their_settings_are_checked() {
        let ask = json!([{"role": "user", "content": [{"text": "a"}]}]);
        in_a_job(NOVA, &json!({"messages": ask})).unwrap();
        let config = |config: Value| json!({"messages": ask, "inferenceConfig": config});
        let good = json!({"maxTokens": 5, "temperature": 0.5, "topP": 1});
        in_a_job(NOVA, &config(good.clone())).unwrap();
        in_a_job(SONNET_4, &config(good.clone())).unwrap();
        in_a_job(SONNET_4_5, &config(good)).unwrap_err();
        in_a_job(NOVA, &config(json!({"maxTokens": 0}))).unwrap_err();
        in_a_job(NOVA, &config(json!({"max_tokens": 5}))).unwrap_err();
        in_a_job(NOVA, &json!({"messages": ask, "modelId": NOVA})).unwrap_err();
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

    /// Records with tools fail in `Converse` jobs; Nova's own bodies may have them there.
    #[test]
    fn converse_jobs_take_no_tools() {
        let body = json!({
            "messages": [{"role": "user", "content": [{"text": "a"}]}],
            "toolConfig": {"tools": [
                {"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object"}}}}
            ]}
        });
        let check = |converse: bool, tools: bool| {
            Judge {
                model_id: NOVA,
                family: Family::Nova,
                converse,
                tools,
            }
            .check(&body)
        };
        assert!(check(true, false).unwrap_err().contains("not supported"));
        check(true, true).unwrap();
        check(false, true).unwrap();
    }
}
