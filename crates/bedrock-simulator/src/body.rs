//! Whether a model would take a request body.
//!
//! The rules are those of the model families' parameter pages and of the errors that users report;
//! the texts are close to the service's. They hold for batch records (whose refusal is an error
//! line) and on-demand calls (`ValidationException`) alike.

use crate::question::{Family, Form};
use serde_json::{Map, Value};

/// Where a body is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a batch job; `tools` says whether `Converse` records may have a `toolConfig`.
    Job { converse_tools: bool },
    /// In an on-demand call.
    OnDemand,
}

/// The HTTP status of every refusal here.
pub(crate) const REFUSED: u16 = 400;

/// The reason for which the model refuses `body`, if it does.
pub(crate) fn check(
    model_id: &str,
    family: Family,
    form: Form,
    place: Place,
    body: &Value,
) -> Result<(), String> {
    let Value::Object(fields) = body else {
        return Err("Malformed input request: expected type: JSONObject".to_owned());
    };
    let claude = (family == Family::Anthropic).then(|| Claude::of(model_id));
    match form {
        Form::Anthropic => anthropic(fields, claude.unwrap_or_default()),
        Form::Converse => converse(fields, family, claude, place),
        Form::TitanEmbeddings => titan(fields),
        Form::Llama => llama(fields),
        Form::Chat => chat(fields),
    }
}

/// The generation of a Claude model: `claude-sonnet-4-5-20250929` is (4, 5), `claude-3-7-sonnet` (3, 7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Claude {
    generation: (u32, u32),
}

impl Claude {
    fn of(model_id: &str) -> Self {
        let name = model_id.split("claude-").nth(1).unwrap_or_default();
        // Dates have eight digits, generations one or two.
        let mut numbers = name
            .split(['-', ':'])
            .take_while(|part| !part.starts_with('v'))
            .filter(|part| part.len() <= 2)
            .filter_map(|part| part.parse().ok());
        Self {
            generation: (
                numbers.next().unwrap_or_default(),
                numbers.next().unwrap_or_default(),
            ),
        }
    }

    /// Claude 4.6 and later refuse a conversation that ends with the assistant's turn.
    fn refuses_prefill(self) -> bool {
        self.generation >= (4, 6)
    }

    /// Claude 4.5 and later take one of the two only.
    fn refuses_temperature_with_top_p(self) -> bool {
        self.generation >= (4, 5)
    }
}

const ANTHROPIC_FIELDS: [&str; 16] = [
    "anthropic_version",
    "anthropic_beta",
    "max_tokens",
    "messages",
    "system",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "thinking",
    "metadata",
    "output_config",
    "output_format",
    "context_management",
];

fn anthropic(body: &Map<String, Value>, claude: Claude) -> Result<(), String> {
    if let Some(name) = body
        .keys()
        .find(|key| !ANTHROPIC_FIELDS.contains(&key.as_str()))
    {
        return Err(format!("{name}: Extra inputs are not permitted"));
    }
    match body.get("anthropic_version") {
        None => return Err("anthropic_version: Field required".to_owned()),
        Some(Value::String(version)) if version == "bedrock-2023-05-31" => {}
        Some(_) => return Err("anthropic_version: Input should be 'bedrock-2023-05-31'".to_owned()),
    }
    positive_integer(body.get("max_tokens"), "max_tokens", true)?;
    range(body.get("temperature"), "temperature", 0.0, 1.0)?;
    range(body.get("top_p"), "top_p", 0.0, 1.0)?;
    if body.contains_key("temperature")
        && body.contains_key("top_p")
        && claude.refuses_temperature_with_top_p()
    {
        return Err(TEMPERATURE_AND_TOP_P.to_owned());
    }
    if let Some(system) = body.get("system") {
        match system {
            Value::String(_) => {}
            Value::Array(blocks) => text_blocks(blocks, "system")?,
            _ => return Err("system: Input should be a valid string".to_owned()),
        }
    }
    let turns = anthropic_messages(body.get("messages"))?;
    if let Some((role, text)) = turns.last()
        && role == "assistant"
    {
        if claude.refuses_prefill() {
            return Err(PREFILL.to_owned());
        }
        if text.ends_with(char::is_whitespace) {
            return Err(
                "messages: final assistant content cannot end with trailing whitespace".to_owned(),
            );
        }
    }
    anthropic_tools(body)
}

const TEMPERATURE_AND_TOP_P: &str = "`temperature` and `top_p` cannot both be specified for this \
     model. Please use only one.";
const PREFILL: &str = "This model does not support assistant message prefill. The conversation \
     must end with a user message.";

/// The turns as role and text, when they are good.
fn anthropic_messages(messages: Option<&Value>) -> Result<Vec<(String, String)>, String> {
    let messages = match messages {
        None => return Err("messages: Field required".to_owned()),
        Some(Value::Array(messages)) => messages,
        Some(_) => return Err("messages: Input should be a valid list".to_owned()),
    };
    if messages.is_empty() {
        return Err("messages: at least one message is required".to_owned());
    }
    let mut turns: Vec<(String, String)> = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let role = match message.get("role").and_then(Value::as_str) {
            Some(role @ ("user" | "assistant")) => role,
            _ => {
                return Err(format!(
                    "messages.{index}.role: Input should be 'user' or 'assistant'"
                ));
            }
        };
        let text = match message.get("content") {
            None => return Err(format!("messages.{index}.content: Field required")),
            Some(Value::String(text)) if text.is_empty() => {
                return Err(format!(
                    "messages.{index}: {role} messages must have non-empty content"
                ));
            }
            Some(Value::String(text)) if text.trim().is_empty() => {
                return Err(
                    "messages: text content blocks must contain non-whitespace text".to_owned(),
                );
            }
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(blocks)) => {
                if blocks.is_empty() {
                    return Err(format!(
                        "messages.{index}: {role} messages must have non-empty content"
                    ));
                }
                text_blocks(blocks, "messages")?;
                let last = blocks.last().and_then(|block| block.get("text"));
                last.and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            Some(_) => {
                return Err(format!(
                    "messages.{index}.content: Input should be a valid list"
                ));
            }
        };
        if turns.last().is_some_and(|(previous, _)| previous == role) {
            return Err(format!(
                "messages: roles must alternate between \"user\" and \"assistant\", but found \
                 multiple \"{role}\" roles in a row"
            ));
        }
        if index == 0 && role != "user" {
            return Err("messages: first message must use the \"user\" role".to_owned());
        }
        turns.push((role.to_owned(), text));
    }
    Ok(turns)
}

fn text_blocks(blocks: &[Value], at: &str) -> Result<(), String> {
    for (index, block) in blocks.iter().enumerate() {
        match block.get("type").and_then(Value::as_str) {
            None => return Err(format!("{at}.{index}.type: Field required")),
            Some("text") => match block.get("text").and_then(Value::as_str) {
                None => return Err(format!("{at}.{index}.text.text: Field required")),
                Some("") => return Err(format!("{at}: text content blocks must be non-empty")),
                Some(text) if text.trim().is_empty() => {
                    return Err(format!(
                        "{at}: text content blocks must contain non-whitespace text"
                    ));
                }
                Some(_) => {}
            },
            Some(_) => {}
        }
    }
    Ok(())
}

fn anthropic_tools(body: &Map<String, Value>) -> Result<(), String> {
    let tools = match body.get("tools") {
        None => &[][..],
        Some(Value::Array(tools)) => tools,
        Some(_) => return Err("tools: Input should be a valid list".to_owned()),
    };
    for (index, tool) in tools.iter().enumerate() {
        tool_name(tool.get("name"), &format!("tools.{index}.custom.name"))?;
        match tool.pointer("/input_schema/type").and_then(Value::as_str) {
            Some("object") => {}
            Some(_) => {
                return Err(format!(
                    "tools.{index}.custom.input_schema.type: Input should be 'object'"
                ));
            }
            None => {
                return Err(format!(
                    "tools.{index}.custom.input_schema.type: Field required"
                ));
            }
        }
    }
    let Some(choice) = body.get("tool_choice") else {
        return Ok(());
    };
    if tools.is_empty() {
        return Err("tool_choice: may only be specified while providing tools".to_owned());
    }
    match choice.get("type").and_then(Value::as_str) {
        Some("auto" | "any" | "none") => Ok(()),
        Some("tool") => {
            let name = choice.get("name").and_then(Value::as_str);
            let found = tools
                .iter()
                .any(|tool| tool.get("name").and_then(Value::as_str) == name);
            match (name, found) {
                (None, _) => Err("tool_choice.tool.name: Field required".to_owned()),
                (Some(_), true) => Ok(()),
                (Some(name), false) => Err(format!(
                    "tool_choice: Tool '{name}' not found in provided tools"
                )),
            }
        }
        _ => Err(
            "tool_choice: Input tag does not match any of the expected tags: 'auto', \
                  'any', 'tool', 'none'"
                .to_owned(),
        ),
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

/// `Converse` bodies, and Nova's own, which are nearly the same.
fn converse(
    body: &Map<String, Value>,
    family: Family,
    claude: Option<Claude>,
    place: Place,
) -> Result<(), String> {
    let own_body = family == Family::Nova && body.contains_key("schemaVersion");
    let (fields, inference_fields) = if own_body {
        (&NOVA_FIELDS[..], &NOVA_INFERENCE_FIELDS[..])
    } else {
        (&CONVERSE_FIELDS[..], &CONVERSE_INFERENCE_FIELDS[..])
    };
    only(body, fields, "#")?;
    if let Some(inference) = body.get("inferenceConfig") {
        let Value::Object(inference) = inference else {
            return Err(malformed("#/inferenceConfig: expected type: JSONObject"));
        };
        only(inference, inference_fields, "#/inferenceConfig")?;
        positive_integer(
            inference.get("maxTokens"),
            "inferenceConfig.maxTokens",
            false,
        )?;
        range(
            inference.get("temperature"),
            "inferenceConfig.temperature",
            0.0,
            1.0,
        )?;
        range(inference.get("topP"), "inferenceConfig.topP", 0.0, 1.0)?;
        if inference.contains_key("temperature")
            && inference.contains_key("topP")
            && claude.is_some_and(Claude::refuses_temperature_with_top_p)
        {
            return Err(format!(
                "The model returned the following errors: {TEMPERATURE_AND_TOP_P}"
            ));
        }
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
    if last_role == "assistant" && claude.is_some_and(Claude::refuses_prefill) {
        return Err(format!(
            "The model returned the following errors: {PREFILL}"
        ));
    }
    match (body.get("toolConfig"), place) {
        (None, _) => Ok(()),
        (
            Some(_),
            Place::Job {
                converse_tools: false,
            },
        ) if !own_body => Err("Tool use is not supported in Converse batch inference.".to_owned()),
        (Some(tools), _) => converse_tools(tools),
    }
}

/// The role of the last turn, when all are good.
fn converse_messages(messages: Option<&Value>) -> Result<String, String> {
    let Some(Value::Array(messages)) = messages else {
        return Err(malformed("#: required key [messages] not found"));
    };
    let mut previous = "";
    for (index, message) in messages.iter().enumerate() {
        let role = match message.get("role").and_then(Value::as_str) {
            Some(role @ ("user" | "assistant")) => role,
            _ => {
                return Err(format!(
                    "1 validation error detected: Value at 'messages.{}.member.role' failed to \
                     satisfy constraint: Member must satisfy enum value set: [user, assistant]",
                    index + 1
                ));
            }
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

fn titan(body: &Map<String, Value>) -> Result<(), String> {
    only(
        body,
        &["inputText", "dimensions", "normalize", "embeddingTypes"],
        "#",
    )?;
    match body.get("inputText").and_then(Value::as_str) {
        None => return Err(malformed("#: required key [inputText] not found")),
        Some("") => return Err(malformed("#/inputText: expected minLength: 1, actual: 0")),
        Some(text) if text.chars().count() > 50_000 => {
            return Err(malformed(&format!(
                "#/inputText: expected maxLength: 50000, actual: {}",
                text.chars().count()
            )));
        }
        Some(_) => {}
    }
    match body.get("dimensions") {
        None => Ok(()),
        Some(dimensions) if matches!(dimensions.as_u64(), Some(256 | 512 | 1_024)) => Ok(()),
        Some(other) => Err(malformed(&format!(
            "#/dimensions: {other} is not a valid enum value"
        ))),
    }
}

fn llama(body: &Map<String, Value>) -> Result<(), String> {
    only(
        body,
        &["prompt", "max_gen_len", "temperature", "top_p", "images"],
        "#",
    )?;
    if body.get("prompt").and_then(Value::as_str).is_none() {
        return Err(malformed("#: required key [prompt] not found"));
    }
    positive_integer(body.get("max_gen_len"), "max_gen_len", false)?;
    range(body.get("temperature"), "temperature", 0.0, 1.0)?;
    range(body.get("top_p"), "top_p", 0.0, 1.0)
}

fn chat(body: &Map<String, Value>) -> Result<(), String> {
    if body.contains_key("modelId") {
        return Err("modelId: Extra inputs are not permitted".to_owned());
    }
    let Some(Value::Array(messages)) = body.get("messages") else {
        return Err(malformed("#: required key [messages] not found"));
    };
    if messages.is_empty() {
        return Err(malformed("#/messages: expected minimum item count: 1"));
    }
    for (index, message) in messages.iter().enumerate() {
        if message.get("role").and_then(Value::as_str).is_none() {
            return Err(malformed(&format!(
                "#/messages/{index}: required key [role] not found"
            )));
        }
    }
    positive_integer(body.get("max_tokens"), "max_tokens", false)?;
    positive_integer(
        body.get("max_completion_tokens"),
        "max_completion_tokens",
        false,
    )?;
    range(body.get("temperature"), "temperature", 0.0, 2.0)?;
    range(body.get("top_p"), "top_p", 0.0, 1.0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
    const SONNET_4_5: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const OPUS_4_6: &str = "anthropic.claude-opus-4-6-v1";
    const JOB: Place = Place::Job {
        converse_tools: false,
    };

    fn good() -> Value {
        json!({
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "Hello"}]
        })
    }

    fn with(mut body: Value, name: &str, value: Value) -> Value {
        body[name] = value;
        body
    }

    fn refused(model_id: &str, body: &Value) -> String {
        check(model_id, Family::Anthropic, Form::Anthropic, JOB, body).unwrap_err()
    }

    fn taken(model_id: &str, body: &Value) {
        check(model_id, Family::Anthropic, Form::Anthropic, JOB, body).unwrap();
    }

    #[test]
    fn generations_are_read_from_model_ids() {
        for (id, generation) in [
            (SONNET_4, (4, 0)),
            (SONNET_4_5, (4, 5)),
            (OPUS_4_6, (4, 6)),
            ("anthropic.claude-opus-4-1-20250805-v1:0", (4, 1)),
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", (3, 7)),
            ("anthropic.claude-3-haiku-20240307-v1:0", (3, 0)),
            ("global.anthropic.claude-sonnet-5", (5, 0)),
        ] {
            assert_eq!(Claude::of(id).generation, generation, "{id}");
        }
    }

    #[test]
    fn claude_takes_a_good_body() {
        taken(SONNET_4_5, &good());
        taken(SONNET_4_5, &with(good(), "temperature", json!(1.0)));
        taken(
            SONNET_4,
            &with(with(good(), "temperature", json!(1)), "top_p", json!(0.999)),
        );
    }

    #[test]
    fn claude_refuses_what_is_missing_extra_or_out_of_range() {
        let mut body = good();
        body.as_object_mut()
            .unwrap()
            .shift_remove("anthropic_version");
        assert_eq!(
            refused(SONNET_4, &body),
            "anthropic_version: Field required"
        );
        let mut body = good();
        body.as_object_mut().unwrap().shift_remove("max_tokens");
        assert_eq!(refused(SONNET_4, &body), "max_tokens: Field required");
        assert_eq!(
            refused(SONNET_4, &with(good(), "max_tokens", json!(0))),
            "max_tokens: Input should be greater than or equal to 1"
        );
        assert_eq!(
            refused(SONNET_4, &with(good(), "modelId", json!("x"))),
            "modelId: Extra inputs are not permitted"
        );
        assert_eq!(
            refused(SONNET_4, &with(good(), "temperature", json!(1.5))),
            "temperature: range: 0..1"
        );
        assert!(refused(SONNET_4, &json!([])).starts_with("Malformed input request"));
    }

    #[test]
    fn claude_refuses_bad_turns() {
        let turns = |messages: Value| refused(SONNET_4, &with(good(), "messages", messages));
        assert_eq!(
            turns(json!([])),
            "messages: at least one message is required"
        );
        assert!(
            turns(json!([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]))
                .contains("roles must alternate")
        );
        assert!(turns(json!([{"role": "user", "content": ""}])).contains("non-empty content"));
        assert!(turns(json!([{"role": "user", "content": []}])).contains("non-empty content"));
        assert!(turns(json!([{"role": "user", "content": " "}])).contains("non-whitespace"));
        assert!(
            turns(json!([{"role": "user", "content": [{"type": "text", "text": ""}]}]))
                .contains("must be non-empty")
        );
        assert!(turns(json!([{"role": "assistant", "content": "a"}])).contains("first message"));
        assert!(turns(json!([{"role": "system", "content": "a"}])).contains("role"));
        assert!(
            turns(json!([
                {"role": "user", "content": "a"}, {"role": "assistant", "content": "{ "}
            ]))
            .contains("trailing whitespace")
        );
    }

    /// The two rules that make every record of a careless job fail on newer models.
    #[test]
    fn newer_claude_refuses_prefill_and_both_sampling_parameters() {
        let prefill = with(
            good(),
            "messages",
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "{"}]),
        );
        taken(SONNET_4_5, &prefill);
        assert!(refused(OPUS_4_6, &prefill).contains("prefill"));
        let both = with(with(good(), "temperature", json!(1.0)), "top_p", json!(0.9));
        taken(SONNET_4, &both);
        assert!(refused(SONNET_4_5, &both).contains("cannot both be specified"));
    }

    #[test]
    fn claude_checks_tools() {
        let tool = json!([{"name": "t", "input_schema": {"type": "object"}}]);
        let choose =
            |choice: Value| with(with(good(), "tools", tool.clone()), "tool_choice", choice);
        taken(SONNET_4, &choose(json!({"type": "tool", "name": "t"})));
        assert!(
            refused(SONNET_4, &choose(json!({"type": "tool", "name": "u"}))).contains("not found")
        );
        assert!(refused(SONNET_4, &choose(json!({"type": "maybe"}))).contains("tool_choice"));
        let no_type = json!([{"name": "t", "input_schema": {}}]);
        assert!(refused(SONNET_4, &with(good(), "tools", no_type)).contains("input_schema.type"));
        let bad_name = json!([{"name": "a b", "input_schema": {"type": "object"}}]);
        assert!(refused(SONNET_4, &with(good(), "tools", bad_name)).contains("pattern"));
        let alone = with(good(), "tool_choice", json!({"type": "any"}));
        assert!(refused(SONNET_4, &alone).contains("providing tools"));
    }

    #[test]
    fn converse_bodies_are_checked() {
        let check = |model: &str, place: Place, body: Value| {
            let family = Family::of(model, &body);
            super::check(model, family, Form::Converse, place, &body)
        };
        let nova = "amazon.nova-lite-v1:0";
        let ask = json!([{"role": "user", "content": [{"text": "a"}]}]);
        check(nova, JOB, json!({"messages": ask})).unwrap();
        let config = |config: Value| json!({"messages": ask, "inferenceConfig": config});
        check(
            nova,
            JOB,
            config(json!({"maxTokens": 5, "temperature": 0.5, "topP": 1})),
        )
        .unwrap();
        check(nova, JOB, config(json!({"maxTokens": 0}))).unwrap_err();
        check(nova, JOB, config(json!({"max_tokens": 5}))).unwrap_err();
        check(
            SONNET_4_5,
            JOB,
            config(json!({"temperature": 0.5, "topP": 1})),
        )
        .unwrap_err();
        check(nova, JOB, json!({"messages": ask, "modelId": nova})).unwrap_err();
        for messages in [
            json!([]),
            json!([{"role": "user", "content": "a"}]),
            json!([{"role": "user", "content": [{"text": " "}]}]),
            json!([{"role": "user", "content": [{"text": "a", "image": {}}]}]),
            json!([{"role": "assistant", "content": [{"text": "a"}]}]),
            json!([{"role": "user", "content": [{"text": "a"}]}, {"role": "user", "content": [{"text": "a"}]}]),
        ] {
            let text = messages.to_string();
            check(nova, JOB, json!({"messages": messages})).expect_err(&text);
        }
        let prefill = json!({"messages": [
            {"role": "user", "content": [{"text": "a"}]},
            {"role": "assistant", "content": [{"text": "{"}]}
        ]});
        check(SONNET_4_5, JOB, prefill.clone()).unwrap();
        check(OPUS_4_6, JOB, prefill).unwrap_err();
    }

    /// Records with tools fail in `Converse` jobs, and work on demand and where switched on.
    #[test]
    fn converse_jobs_take_no_tools() {
        let body = json!({
            "messages": [{"role": "user", "content": [{"text": "a"}]}],
            "toolConfig": {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {}}}}]}
        });
        let check =
            |place: Place| super::check(SONNET_4, Family::Anthropic, Form::Converse, place, &body);
        assert!(check(JOB).unwrap_err().contains("not supported"));
        check(Place::OnDemand).unwrap();
        check(Place::Job {
            converse_tools: true,
        })
        .unwrap();
    }

    #[test]
    fn other_families_are_checked() {
        let check = |form: Form, body: Value| {
            super::check("m.m", Family::of("m.m", &body), form, JOB, &body)
        };
        check(
            Form::TitanEmbeddings,
            json!({"inputText": "a", "dimensions": 256}),
        )
        .unwrap();
        check(Form::TitanEmbeddings, json!({"inputText": ""})).unwrap_err();
        check(
            Form::TitanEmbeddings,
            json!({"inputText": "a", "dimensions": 3}),
        )
        .unwrap_err();
        check(Form::TitanEmbeddings, json!({"inputText": "a", "x": 3})).unwrap_err();
        check(Form::Llama, json!({"prompt": "a", "max_gen_len": 5})).unwrap();
        check(Form::Llama, json!({"inputs": "a"})).unwrap_err();
        check(
            Form::Chat,
            json!({"messages": [{"role": "user", "content": "a"}]}),
        )
        .unwrap();
        check(Form::Chat, json!({"messages": []})).unwrap_err();
        check(Form::Chat, json!({"messages": [{"content": "a"}]})).unwrap_err();
        check(
            Form::Chat,
            json!({"modelId": "x", "messages": [{"role": "user"}]}),
        )
        .unwrap_err();
    }
}
