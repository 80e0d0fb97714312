//! Claude's messages.

use super::{positive_integer, range, tool_name};
use serde_json::{Map, Value};

/// The generation of a Claude model: `claude-sonnet-4-5-20250929` is (4, 5), `claude-3-7-sonnet`
/// (3, 7). A name without a number counts as the newest; an ARN that hides the name has none, and
/// is held to nothing that depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Claude {
    generation: Option<(u32, u32)>,
}

impl Claude {
    pub(super) fn of(model_id: &str) -> Self {
        let Some(name) = model_id.split("claude-").nth(1) else {
            return Self::default();
        };
        if name.starts_with('v') || name.starts_with("instant") {
            return Self {
                generation: Some((2, 0)),
            };
        }
        // Dates have eight digits, generations one or two.
        let mut numbers = name
            .split(['-', ':'])
            .take_while(|part| !part.starts_with('v'))
            .filter(|part| part.len() <= 2)
            .filter_map(|part| part.parse().ok());
        let generation = match numbers.next() {
            Some(major) => (major, numbers.next().unwrap_or_default()),
            None => (u32::MAX, 0),
        };
        Self {
            generation: Some(generation),
        }
    }

    fn since(self, generation: (u32, u32)) -> bool {
        self.generation.is_some_and(|own| own >= generation)
    }

    /// Claude 4.6 and later refuse a conversation that ends with the assistant's turn.
    pub(super) fn refuses_prefill(self) -> bool {
        self.since((4, 6))
    }

    /// Claude 4.1 and later take one of the two only.
    pub(super) fn refuses_temperature_with_top_p(self) -> bool {
        self.since((4, 1))
    }

    /// Claude 4.7 and later take neither.
    pub(super) fn refuses_sampling(self) -> bool {
        self.since((4, 7))
    }

    /// Structured output came with Claude 4.5.
    pub(super) fn refuses_structured_output(self) -> bool {
        self.generation.is_some_and(|own| own < (4, 5))
    }
}

pub(super) const TEMPERATURE_AND_TOP_P: &str = "`temperature` and `top_p` cannot both be specified for this \
     model. Please use only one.";
pub(super) const PREFILL: &str = "This model does not support assistant message prefill. The conversation \
     must end with a user message.";

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

pub(super) fn check(body: &Map<String, Value>, claude: Claude) -> Result<(), String> {
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
    for name in ["temperature", "top_p", "top_k"] {
        if body.contains_key(name) && claude.refuses_sampling() {
            return Err(format!("`{name}` is not supported by this model."));
        }
    }
    if body.contains_key("temperature")
        && body.contains_key("top_p")
        && claude.refuses_temperature_with_top_p()
    {
        return Err(TEMPERATURE_AND_TOP_P.to_owned());
    }
    for name in ["output_config", "output_format"] {
        if body.contains_key(name) && claude.refuses_structured_output() {
            return Err(format!("{name}: Extra inputs are not permitted"));
        }
    }
    let format = match body.get("output_config") {
        Some(config) => config.get("format"),
        None => body.get("output_format"),
    };
    if let Some(format) = format {
        let schema = format
            .get("schema")
            .ok_or("output_config.format.schema: Field required")?;
        structured_schema(schema)?;
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

/// Keywords that structured output does not take.
const UNSUPPORTED_KEYWORDS: [&str; 12] = [
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "patternProperties",
    "uniqueItems",
];

/// The subset of JSON Schema that structured output takes: closed objects, no numeric, length or
/// item limits (Claude documentation, "Structured outputs", JSON Schema limitations). The texts are
/// those that users of Bedrock report, e.g. `output_config.format.schema: For 'number' type,
/// properties maximum, minimum are not supported`.
pub(super) fn structured_schema(schema: &Value) -> Result<(), String> {
    const AT: &str = "output_config.format.schema";
    let Value::Object(members) = schema else {
        return Ok(());
    };
    let kind = members.get("type").and_then(Value::as_str);
    if kind == Some("object") {
        match members.get("additionalProperties") {
            Some(Value::Bool(false)) => {}
            Some(Value::Object(_)) => {
                return Err(format!(
                    "{AT}: For 'object' type, 'additionalProperties: object' is not supported. \
                     Please set 'additionalProperties' to false"
                ));
            }
            _ => {
                return Err(format!(
                    "{AT}: For 'object' type, 'additionalProperties' must be explicitly set to false"
                ));
            }
        }
    }
    let of_type = kind.map_or_else(String::new, |kind| format!("For '{kind}' type, "));
    let unsupported: Vec<&str> = UNSUPPORTED_KEYWORDS
        .into_iter()
        .filter(|keyword| members.contains_key(*keyword))
        .collect();
    match unsupported.as_slice() {
        [] => {}
        [one] => return Err(format!("{AT}: {of_type}property '{one}' is not supported")),
        more => {
            let names = more.join(", ");
            return Err(format!(
                "{AT}: {of_type}properties {names} are not supported"
            ));
        }
    }
    if members
        .get("minItems")
        .is_some_and(|least| !matches!(least.as_u64(), Some(0 | 1)))
    {
        return Err(format!(
            "{AT}: {of_type}'minItems' values other than 0 or 1 are not supported"
        ));
    }
    for keyword in ["properties", "$defs", "definitions"] {
        if let Some(Value::Object(parts)) = members.get(keyword) {
            parts.values().try_for_each(structured_schema)?;
        }
    }
    for keyword in ["items", "anyOf", "allOf", "oneOf"] {
        match members.get(keyword) {
            Some(Value::Array(parts)) => parts.iter().try_for_each(structured_schema)?,
            Some(part) => structured_schema(part)?,
            None => {}
        }
    }
    Ok(())
}

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
        let role = message.get("role").and_then(Value::as_str);
        let Some(role @ ("user" | "assistant")) = role else {
            return Err(format!(
                "messages.{index}.role: Input should be 'user' or 'assistant'"
            ));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Judge;
    use crate::question::Family;
    use serde_json::json;

    const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
    const SONNET_4_5: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const OPUS_4_6: &str = "anthropic.claude-opus-4-6-v1";

    fn check(model_id: &str, body: &Value) -> Result<(), String> {
        Judge {
            model_id,
            family: Family::Anthropic,
            converse: false,
            tools: true,
        }
        .check(body)
    }

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
        check(model_id, body).unwrap_err()
    }

    fn taken(model_id: &str, body: &Value) {
        check(model_id, body).unwrap();
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
            ("anthropic.claude-v2:1", (2, 0)),
            ("anthropic.claude-next", (u32::MAX, 0)),
        ] {
            assert_eq!(Claude::of(id).generation, Some(generation), "{id}");
        }
        let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1";
        assert_eq!(Claude::of(profile).generation, None);
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

    /// The rules that make every record of a careless job fail on newer models.
    #[test]
    fn newer_claude_refuses_prefill_and_sampling_parameters() {
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
        let one = with(good(), "temperature", json!(1.0));
        taken(OPUS_4_6, &one);
        assert!(refused("anthropic.claude-opus-4-7", &one).contains("not supported"));
    }

    #[test]
    fn structured_output_takes_closed_objects_without_limits_on_newer_models() {
        let format = |schema: Value| {
            let config = json!({"format": {"type": "json_schema", "schema": schema}});
            with(good(), "output_config", config)
        };
        let closed = json!({
            "type": "object", "additionalProperties": false,
            "properties": {"a": {"type": "string", "enum": ["x"]}}
        });
        taken(SONNET_4_5, &format(closed.clone()));
        assert!(refused(SONNET_4, &format(closed.clone())).contains("Extra inputs"));
        let open = json!({"type": "object", "properties": {}});
        assert!(refused(SONNET_4_5, &format(open)).contains("additionalProperties"));
        let mut limited = closed;
        for (part, words) in [
            (
                json!({"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}}),
                "For 'number' type, properties maximum, minimum are not supported",
            ),
            (
                json!({"type": "array", "maxItems": 3}),
                "For 'array' type, property 'maxItems' is not supported",
            ),
            (
                json!({"type": "array", "minItems": 2}),
                "'minItems' values other than 0 or 1 are not supported",
            ),
            (
                json!({"type": "object", "additionalProperties": {"type": "string"}}),
                "Please set 'additionalProperties' to false",
            ),
        ] {
            limited["properties"]["n"] = part;
            let message = refused(SONNET_4_5, &format(limited.clone()));
            assert!(message.contains(words), "{message}");
        }
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
}
