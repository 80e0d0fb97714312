//! Claude's messages.
//!
//! The texts are those of Claude's API, as public threads quote them.

use super::members::{not_permitted, positive_integer, range};
use super::tools::{self, forces_tool};
use super::{Judge, structured, turns};
use crate::known::KnownJsons;
use crate::models::{Feature, ThinkingRule, base_name};
use serde_json::{Map, Value};

const FIELDS: [&str; 16] = [
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

/// Returns the reason for which Claude refuses the body, if it does.
pub(super) fn check(
    body: &Map<String, Value>,
    judge: &Judge<'_>,
    known: &KnownJsons,
) -> Result<(), String> {
    if let Some(name) = body.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        return Err(not_permitted(name));
    }
    match body.get("anthropic_version") {
        None => return Err("anthropic_version: Field required".to_owned()),
        Some(Value::String(version)) if version == "bedrock-2023-05-31" => {}
        Some(_) => return Err("anthropic_version: Input should be 'bedrock-2023-05-31'".to_owned()),
    }
    max_tokens(body, judge)?;
    sampling(body, judge)?;
    output_config(body, judge)?;
    if let Some(system) = body.get("system") {
        match system {
            Value::String(_) => {}
            Value::Array(blocks) => turns::text_blocks(blocks, "system")?,
            _ => return Err("system: Input should be a valid string".to_owned()),
        }
    }
    prefill(body, judge)?;
    tools::check(body, judge, known)?;
    thinking(body, judge)
}

fn max_tokens(body: &Map<String, Value>, judge: &Judge<'_>) -> Result<(), String> {
    positive_integer(body.get("max_tokens"), "max_tokens", true)?;
    let asked = body.get("max_tokens").and_then(Value::as_u64);
    match (asked, judge.facts.output) {
        (Some(asked), Some(most)) if asked > most => Err(format!(
            "max_tokens: {asked} > {most}, which is the maximum allowed number of output tokens for {}",
            base_name(judge.model_id)
        )),
        _ => Ok(()),
    }
}

fn sampling(body: &Map<String, Value>, judge: &Judge<'_>) -> Result<(), String> {
    range(body.get("temperature"), "temperature", 0.0, 1.0)?;
    range(body.get("top_p"), "top_p", 0.0, 1.0)?;
    for name in ["temperature", "top_p", "top_k"] {
        if body.contains_key(name) && !judge.takes(Feature::Sampling) {
            return Err(format!("`{name}` is deprecated for this model."));
        }
    }
    if body.contains_key("temperature")
        && body.contains_key("top_p")
        && !judge.takes(Feature::TemperatureWithTopP)
    {
        return Err(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
                .to_owned(),
        );
    }
    Ok(())
}

const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

fn output_config(body: &Map<String, Value>, judge: &Judge<'_>) -> Result<(), String> {
    let structured = judge.takes(Feature::StructuredOutput);
    if let Some(format) = body.get("output_format") {
        if !structured {
            return Err(not_permitted("output_format"));
        }
        format_schema(format)?;
    }
    let Some(config) = body.get("output_config") else {
        return Ok(());
    };
    if !structured && !judge.takes(Feature::Effort) {
        return Err(not_permitted("output_config"));
    }
    let Value::Object(config) = config else {
        return Err("output_config: Input should be an object".to_owned());
    };
    if let Some(name) = config
        .keys()
        .find(|name| !matches!(name.as_str(), "format" | "effort"))
    {
        return Err(not_permitted(&format!("output_config.{name}")));
    }
    if let Some(format) = config.get("format") {
        if !structured {
            return Err(not_permitted("output_config.format"));
        }
        format_schema(format)?;
    }
    match config.get("effort") {
        None => Ok(()),
        Some(_) if !judge.takes(Feature::Effort) => {
            Err("This model does not support the effort parameter.".to_owned())
        }
        Some(Value::String(effort)) if EFFORTS.contains(&effort.as_str()) => Ok(()),
        Some(_) => Err(format!(
            "output_config.effort: Input should be one of {}",
            EFFORTS.join(", ")
        )),
    }
}

fn format_schema(format: &Value) -> Result<(), String> {
    const AT: &str = "output_config.format.schema";
    if format.get("type").and_then(Value::as_str) != Some("json_schema") {
        return Err("output_config.format.type: Input should be 'json_schema'".to_owned());
    }
    match format.get("schema") {
        Some(schema) => structured::check(schema, AT),
        None => Err(format!("{AT}: Field required")),
    }
}

fn prefill(body: &Map<String, Value>, judge: &Judge<'_>) -> Result<(), String> {
    let turns = turns::read(body.get("messages"))?;
    match turns.last() {
        Some((role, _)) if role == "assistant" && !judge.takes(Feature::Prefill) => Err(
            "This model does not support assistant message prefill. The conversation must end with \
             a user message."
                .to_owned(),
        ),
        Some((role, text)) if role == "assistant" && text.ends_with(char::is_whitespace) => {
            Err("messages: final assistant content cannot end with trailing whitespace".to_owned())
        }
        _ => Ok(()),
    }
}

fn thinking(body: &Map<String, Value>, judge: &Judge<'_>) -> Result<(), String> {
    const FORCED: &str = "Thinking may not be enabled when tool_choice forces tool use.";
    let Some(config) = body.get("thinking") else {
        let thinks = judge.facts.thinking != ThinkingRule::Asked;
        let taken = judge.takes(Feature::ToolChoiceWhileThinking);
        return if thinks && forces_tool(body) && !taken {
            Err(FORCED.to_owned())
        } else {
            Ok(())
        };
    };
    match config.get("type").and_then(Value::as_str) {
        Some("enabled") if !judge.takes(Feature::ThinkingBudget) => Err(
            "\"thinking.type.enabled\" is not supported for this model. Use \
             \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior."
                .to_owned(),
        ),
        Some("adaptive") if !judge.takes(Feature::ThinkingAdaptive) => {
            Err("adaptive thinking is not supported on this model".to_owned())
        }
        Some("disabled") if !judge.takes(Feature::ThinkingOff) => {
            Err("\"thinking.type.disabled\" is not supported for this model.".to_owned())
        }
        Some("enabled" | "adaptive") if forces_tool(body) => Err(FORCED.to_owned()),
        Some("enabled") => budget(body, config),
        Some("disabled" | "adaptive") => Ok(()),
        _ => Err(
            "thinking: Input tag does not match any of the expected tags: 'disabled', 'enabled', \
             'adaptive'"
                .to_owned(),
        ),
    }
}

fn budget(body: &Map<String, Value>, config: &Value) -> Result<(), String> {
    let Some(budget) = config.get("budget_tokens").and_then(Value::as_u64) else {
        return Err("thinking.enabled.budget_tokens: Field required".to_owned());
    };
    if budget < 1_024 {
        return Err(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
                .to_owned(),
        );
    }
    if body
        .get("max_tokens")
        .and_then(Value::as_u64)
        .is_some_and(|most| most <= budget)
    {
        return Err("`max_tokens` must be greater than `thinking.budget_tokens`.".to_owned());
    }
    match body.get("temperature").and_then(Value::as_f64) {
        Some(temperature) if temperature < 1.0 => {
            Err("`temperature` may only be set to 1 when thinking is enabled.".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Models;
    use crate::question::Family;
    use serde_json::json;

    const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
    const SONNET_4_5: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const HAIKU_4_5: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
    const OPUS_4_6: &str = "anthropic.claude-opus-4-6-v1";
    const OPUS_4_7: &str = "anthropic.claude-opus-4-7";
    const OPUS_5: &str = "anthropic.claude-opus-5";
    const SONNET_5_5: &str = "global.anthropic.claude-sonnet-5-5";

    fn check(model_id: &str, body: &Value) -> Result<(), String> {
        let models = Models::new(Vec::new());
        Judge {
            model_id,
            facts: models.of(model_id),
            family: Family::Anthropic,
            converse: false,
            in_job: false,
        }
        .check(body, &KnownJsons::default())
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
        check(model_id, body).unwrap_or_else(|words| panic!("{model_id}: {words}"));
    }

    #[test]
    fn claude_accepts_a_good_body() {
        taken(SONNET_4_5, &good());
        taken(SONNET_4_5, &with(good(), "temperature", json!(1.0)));
        taken(
            SONNET_4,
            &with(with(good(), "temperature", json!(1)), "top_p", json!(0.999)),
        );
    }

    #[test]
    fn claude_refuses_what_is_missing_extra_or_out_of_range() {
        let without = |name: &str| {
            let mut body = good();
            body.as_object_mut().unwrap().shift_remove(name);
            body
        };
        assert_eq!(
            refused(SONNET_4, &without("anthropic_version")),
            "anthropic_version: Field required"
        );
        assert_eq!(
            refused(SONNET_4, &without("max_tokens")),
            "max_tokens: Field required"
        );
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
    fn a_ceiling_is_named_with_the_model() {
        taken(
            "us.anthropic.claude-sonnet-5",
            &with(good(), "max_tokens", json!(128_000)),
        );
        assert_eq!(
            refused(
                "us.anthropic.claude-sonnet-5",
                &with(good(), "max_tokens", json!(999_999))
            ),
            "max_tokens: 999999 > 128000, which is the maximum allowed number of output tokens for \
             anthropic.claude-sonnet-5"
        );
        let haiku_3 = "anthropic.claude-3-haiku-20240307-v1:0";
        assert!(refused(haiku_3, &with(good(), "max_tokens", json!(32_768))).contains("> 4096"));
    }

    #[test]
    fn claude_refuses_bad_turns() {
        let turns = |messages: Value| refused(SONNET_4, &with(good(), "messages", messages));
        for (messages, words) in [
            (json!([]), "messages: at least one message is required"),
            (
                json!([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]),
                "roles must alternate",
            ),
            (
                json!([{"role": "user", "content": ""}]),
                "non-empty content",
            ),
            (
                json!([{"role": "user", "content": []}]),
                "non-empty content",
            ),
            (json!([{"role": "user", "content": " "}]), "non-whitespace"),
            (
                json!([{"role": "user", "content": [{"type": "text", "text": ""}]}]),
                "must be non-empty",
            ),
            (
                json!([{"role": "assistant", "content": "a"}]),
                "first message",
            ),
            (json!([{"role": "system", "content": "a"}]), "role"),
            (
                json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "{ "}]),
                "trailing whitespace",
            ),
        ] {
            let text = messages.to_string();
            let message = turns(messages);
            assert!(message.contains(words), "{text}: {message}");
        }
    }

    /// These rules make every record of a careless job fail on newer models.
    #[test]
    fn newer_claude_refuses_prefill_and_sampling_parameters() {
        let prefill = with(
            good(),
            "messages",
            json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "{"}]),
        );
        taken(SONNET_4_5, &prefill);
        assert_eq!(
            refused(OPUS_4_6, &prefill),
            "This model does not support assistant message prefill. The conversation must end with \
             a user message."
        );
        let both = with(with(good(), "temperature", json!(1.0)), "top_p", json!(0.9));
        taken(SONNET_4, &both);
        assert!(refused(SONNET_4_5, &both).contains("cannot both be specified"));
        let one = with(good(), "temperature", json!(1.0));
        taken(OPUS_4_6, &one);
        assert_eq!(
            refused(OPUS_4_7, &one),
            "`temperature` is deprecated for this model."
        );
    }

    #[test]
    fn structured_output_and_effort_depend_on_the_model() {
        let config = |config: Value| with(good(), "output_config", config);
        let schema = json!({"type": "object", "additionalProperties": false, "properties": {}});
        let format = config(json!({"format": {"type": "json_schema", "schema": schema}}));
        for model in [SONNET_4_5, HAIKU_4_5, OPUS_4_6, SONNET_5_5] {
            taken(model, &format);
        }
        assert_eq!(
            refused(SONNET_4, &format),
            "output_config: Extra inputs are not permitted"
        );
        for model in [OPUS_4_7, OPUS_5, "us.anthropic.claude-opus-5-5"] {
            assert_eq!(
                refused(model, &format),
                "output_config.format: Extra inputs are not permitted"
            );
        }
        let open = json!({"type": "object", "properties": {}});
        let open = config(json!({"format": {"type": "json_schema", "schema": open}}));
        assert!(refused(SONNET_4_5, &open).starts_with("output_config.format.schema: "));
        let effort = config(json!({"effort": "low"}));
        taken(OPUS_5, &effort);
        assert_eq!(
            refused(HAIKU_4_5, &effort),
            "This model does not support the effort parameter."
        );
        assert!(refused(OPUS_5, &config(json!({"effort": "some"}))).contains("xhigh"));
        assert!(refused(OPUS_5, &config(json!({"a": 1}))).contains("output_config.a: Extra"));
    }

    fn tool(schema: &Value, choice: &Value) -> Value {
        let tools = json!([{"name": "t", "input_schema": schema}]);
        let body = with(good(), "tools", tools);
        if choice.is_null() {
            body
        } else {
            with(body, "tool_choice", choice.clone())
        }
    }

    #[test]
    fn forced_tools_depend_on_the_model() {
        let object = json!({"type": "object"});
        let named = tool(&object, &json!({"type": "tool", "name": "t"}));
        for model in [SONNET_4, HAIKU_4_5, OPUS_5, "us.anthropic.claude-haiku-5-5"] {
            taken(model, &named);
        }
        for choice in [json!({"type": "tool", "name": "t"}), json!({"type": "any"})] {
            for model in [
                SONNET_5_5,
                "anthropic.claude-opus-5-5",
                "anthropic.claude-fable-5-1",
            ] {
                assert_eq!(
                    refused(model, &tool(&object, &choice)),
                    "tool_choice: type \"tool\" and \"any\" are not supported for this model."
                );
            }
        }
        taken(SONNET_5_5, &tool(&object, &json!({"type": "auto"})));
        let other = tool(&object, &json!({"type": "tool", "name": "u"}));
        assert!(refused(SONNET_4, &other).contains("not found"));
        let maybe = tool(&object, &json!({"type": "maybe"}));
        assert!(refused(SONNET_4, &maybe).contains("tool_choice"));
        let alone = with(good(), "tool_choice", json!({"type": "any"}));
        assert!(refused(SONNET_4, &alone).contains("providing tools"));
    }

    #[test]
    fn tool_schemas_keep_claudes_rules() {
        let schema = |schema: &Value| refused(HAIKU_4_5, &tool(schema, &Value::Null));
        let long = "a".repeat(70);
        for (properties, good) in [
            (json!({"a-b_c.D": {}}), true),
            (json!({"Account Number": {}}), false),
            (json!({&long: {}}), false),
            (json!({"": {}}), false),
            (json!({"größe": {}}), false),
        ] {
            let body = tool(
                &json!({"type": "object", "properties": properties}),
                &Value::Null,
            );
            let checked = check(HAIKU_4_5, &body);
            assert_eq!(checked.is_ok(), good, "{properties}: {checked:?}");
            if !good {
                assert_eq!(
                    checked.unwrap_err(),
                    "tools.0.custom.input_schema.properties: Property keys should match pattern \
                     '^[a-zA-Z0-9_.-]{1,64}$'"
                );
            }
        }
        assert_eq!(
            schema(&json!({"type": "object", "anyOf": [{"required": ["a"]}]})),
            "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at \
             the top level"
        );
        for part in [
            json!({"type": "array", "items": [{"type": "string"}, {"type": "number"}]}),
            json!({"type": "number", "minimum": 0, "exclusiveMinimum": true}),
            json!({"type": "string", "required": true}),
        ] {
            let message = schema(&json!({"type": "object", "properties": {"a": part}}));
            assert!(
                message.contains("must match JSON Schema draft 2020-12"),
                "{message}"
            );
        }
        taken(
            HAIKU_4_5,
            &tool(
                &json!({"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}]}}}),
                &Value::Null,
            ),
        );
        assert!(schema(&json!({})).contains("input_schema.type: Field required"));
        let name = json!([{"name": "a b", "input_schema": {"type": "object"}}]);
        assert!(refused(SONNET_4, &with(good(), "tools", name)).contains("pattern"));
        let strict = json!([{"name": "a", "strict": true, "input_schema": {"type": "object"}}]);
        let strict = with(good(), "tools", strict);
        assert_eq!(
            refused("us.anthropic.claude-opus-5-5", &strict),
            "tools.0.custom.strict: Extra inputs are not permitted"
        );
        assert!(refused(HAIKU_4_5, &strict).contains("additionalProperties"));
    }

    #[test]
    fn thinking_depends_on_the_model_and_excludes_a_forced_tool() {
        let thinking = |body: Value, config: Value| {
            with(with(body, "max_tokens", json!(4_000)), "thinking", config)
        };
        let budget = json!({"type": "enabled", "budget_tokens": 2_000});
        let adaptive = json!({"type": "adaptive"});
        let off = json!({"type": "disabled"});
        taken(HAIKU_4_5, &thinking(good(), budget.clone()));
        assert!(refused(HAIKU_4_5, &thinking(good(), adaptive.clone())).contains("adaptive"));
        taken(OPUS_5, &thinking(good(), adaptive.clone()));
        assert!(
            refused(OPUS_5, &thinking(good(), budget.clone()))
                .starts_with("\"thinking.type.enabled\" is not supported for this model. Use")
        );
        taken(OPUS_5, &thinking(good(), off.clone()));
        assert!(refused(SONNET_5_5, &thinking(good(), off)).contains("thinking.type.disabled"));
        let forced = tool(&json!({"type": "object"}), &json!({"type": "any"}));
        for (model, config) in [(HAIKU_4_5, &budget), (OPUS_5, &adaptive)] {
            assert_eq!(
                refused(model, &thinking(forced.clone(), config.clone())),
                "Thinking may not be enabled when tool_choice forces tool use."
            );
        }
        // Thinking that no request switched on does not exclude it.
        taken(OPUS_5, &forced);
        let small = json!({"type": "enabled", "budget_tokens": 10});
        assert!(refused(HAIKU_4_5, &thinking(good(), small)).contains("1024"));
        let large = json!({"type": "enabled", "budget_tokens": 4_000});
        assert!(refused(HAIKU_4_5, &thinking(good(), large)).contains("must be greater than"));
        let warm = with(good(), "temperature", json!(0.5));
        assert!(refused(HAIKU_4_5, &thinking(warm, budget)).contains("may only be set to 1"));
    }

    /// Nothing that is unknown about a model counts against a request.
    #[test]
    fn an_opaque_profile_is_held_to_the_form_only() {
        let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1";
        let forced = tool(&json!({"type": "object"}), &json!({"type": "any"}));
        taken(profile, &with(forced, "max_tokens", json!(900_000)));
        assert!(refused(profile, &with(good(), "x", json!(1))).contains("Extra inputs"));
    }

    /// A job's error line holds the model's words after a few words of the service.
    #[test]
    fn a_job_passes_on_the_words_of_the_model() {
        let models = Models::new(Vec::new());
        let judge = Judge {
            model_id: SONNET_4_5,
            facts: models.of(SONNET_4_5),
            family: Family::Anthropic,
            converse: false,
            in_job: true,
        };
        let both = with(with(good(), "temperature", json!(1.0)), "top_p", json!(0.9));
        assert_eq!(
            judge.check(&both, &KnownJsons::default()).unwrap_err(),
            "The model returned the following errors: `temperature` and `top_p` cannot both be \
             specified for this model. Please use only one."
        );
    }
}
