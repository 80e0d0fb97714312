//! The small bodies: embeddings, a single prompt, and chat completions.

use super::Judge;
use super::members::{below_ceiling, malformed, only, positive_integer, range, unsupported};
use crate::models::Feature;
use serde_json::{Map, Value};

pub(super) fn titan(body: &Map<String, Value>) -> Result<(), String> {
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

pub(super) fn cohere(body: &Map<String, Value>) -> Result<(), String> {
    only(
        body,
        &[
            "texts",
            "input_type",
            "truncate",
            "embedding_types",
            "output_dimension",
            "max_tokens",
        ],
        "#",
    )?;
    let texts = body.get("texts").and_then(Value::as_array);
    match texts.map(Vec::as_slice) {
        None => Err(malformed("#: required key [texts] not found")),
        Some([]) => Err(malformed("#/texts: expected minimum item count: 1")),
        Some(texts) if texts.len() > 96 => {
            Err(malformed("#/texts: expected maximum item count: 96"))
        }
        Some(texts) if !texts.iter().all(Value::is_string) => {
            Err(malformed("#/texts: expected type: String"))
        }
        Some(_) => match body.get("input_type").and_then(Value::as_str) {
            Some("search_document" | "search_query" | "classification" | "clustering") => Ok(()),
            Some(_) => Err(malformed("#/input_type: not a valid enum value")),
            None => Err(malformed("#: required key [input_type] not found")),
        },
    }
}

pub(super) fn llama(body: &Map<String, Value>, most: Option<u64>) -> Result<(), String> {
    only(
        body,
        &["prompt", "max_gen_len", "temperature", "top_p", "images"],
        "#",
    )?;
    if body.get("prompt").and_then(Value::as_str).is_none() {
        return Err(malformed("#: required key [prompt] not found"));
    }
    positive_integer(body.get("max_gen_len"), "max_gen_len", false)?;
    let asked = body.get("max_gen_len").and_then(Value::as_u64);
    if let (Some(asked), Some(most)) = (asked, most)
        && asked > most
    {
        return Err(malformed(&format!(
            "#/max_gen_len: {asked} is not less or equal to {most}"
        )));
    }
    range(body.get("temperature"), "temperature", 0.0, 1.0)?;
    range(body.get("top_p"), "top_p", 0.0, 1.0)
}

pub(super) fn chat(body: &Map<String, Value>, judge: &Judge<'_>) -> Result<(), String> {
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
    for name in ["max_tokens", "max_completion_tokens"] {
        below_ceiling(body.get(name), judge.facts.output)?;
    }
    range(body.get("temperature"), "temperature", 0.0, 2.0)?;
    range(body.get("top_p"), "top_p", 0.0, 1.0)?;
    for name in ["temperature", "top_p"] {
        if body.contains_key(name) && !judge.facts.takes(Feature::Sampling) {
            return Err(format!(
                "Unsupported parameter: '{name}' is not supported with this model."
            ));
        }
    }
    if body.contains_key("tools") && !judge.facts.takes(Feature::Tools) {
        return Err("This model doesn't support tool use.".to_owned());
    }
    let chosen = body.get("tool_choice");
    let forces = chosen.is_some_and(|choice| {
        choice.is_object() || matches!(choice.as_str(), Some("required" | "any"))
    });
    if forces && !judge.facts.takes(Feature::ToolChoice) {
        return Err(unsupported("tool_choice"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Models;
    use crate::question::Family;
    use serde_json::json;

    fn check(
        check: impl Fn(&Map<String, Value>) -> Result<(), String>,
        body: &Value,
    ) -> Result<(), String> {
        check(body.as_object().unwrap())
    }

    #[test]
    fn embeddings_take_a_text_and_little_else() {
        check(titan, &json!({"inputText": "a", "dimensions": 256})).unwrap();
        check(titan, &json!({"inputText": ""})).unwrap_err();
        check(titan, &json!({"inputText": "a", "dimensions": 3})).unwrap_err();
        check(titan, &json!({"inputText": "a", "x": 3})).unwrap_err();
        check(titan, &json!({"inputText": "a".repeat(50_001)})).unwrap_err();
        check(
            cohere,
            &json!({"texts": ["a"], "input_type": "search_document"}),
        )
        .unwrap();
        check(
            cohere,
            &json!({"texts": [], "input_type": "search_document"}),
        )
        .unwrap_err();
        check(cohere, &json!({"texts": ["a"]})).unwrap_err();
        check(cohere, &json!({"texts": ["a"], "input_type": "x"})).unwrap_err();
    }

    fn llama(body: &Value) -> Result<(), String> {
        check(|body| super::llama(body, Some(4_096)), body)
    }

    fn chat(model_id: &str, body: &Value) -> Result<(), String> {
        let models = Models::new(Vec::new());
        let judge = Judge {
            model_id,
            facts: models.of(model_id),
            family: Family::Chat,
            converse: false,
            in_job: false,
        };
        check(|body| super::chat(body, &judge), body)
    }

    const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";

    #[test]
    fn prompts_and_chats_need_their_text() {
        llama(&json!({"prompt": "a", "max_gen_len": 5})).unwrap();
        llama(&json!({"inputs": "a"})).unwrap_err();
        llama(&json!({"prompt": "a", "max_gen_len": 0})).unwrap_err();
        let good = json!({"messages": [{"role": "user", "content": "a"}]});
        chat(GPT_OSS, &good).unwrap();
        chat(GPT_OSS, &json!({"messages": []})).unwrap_err();
        chat(GPT_OSS, &json!({"messages": [{"content": "a"}]})).unwrap_err();
        chat(
            GPT_OSS,
            &json!({"modelId": "x", "messages": [{"role": "user"}]}),
        )
        .unwrap_err();
    }

    #[test]
    fn ceilings_sampling_and_forced_tools_are_the_models() {
        let message = llama(&json!({"prompt": "a", "max_gen_len": 32_768})).unwrap_err();
        assert!(message.contains("not less or equal to 4096"), "{message}");
        let with = |name: &str, value: Value| {
            let mut body = json!({"messages": [{"role": "user", "content": "a"}]});
            body[name] = value;
            body
        };
        let message = chat(GPT_OSS, &with("max_tokens", json!(32_768))).unwrap_err();
        assert!(message.contains("model limit of 16384"), "{message}");
        chat(GPT_OSS, &with("temperature", json!(1))).unwrap();
        let message = chat("openai.gpt-6-sol", &with("temperature", json!(1))).unwrap_err();
        assert!(message.contains("temperature"), "{message}");
        let forced = with("tool_choice", json!("required"));
        chat(GPT_OSS, &forced).unwrap();
        let large = "mistral.mistral-large-3-675b-instruct";
        assert!(chat(large, &forced).unwrap_err().contains("tool_choice"));
    }
}
