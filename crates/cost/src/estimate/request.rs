//! The texts of a request body, which become tokens.

use super::text::TextClasses;
use serde_json::Value;

/// Members that hold texts.
const TEXTS: [&str; 5] = ["system", "messages", "prompt", "inputText", "texts"];
/// Members whose JSON the model reads: tools and schemas.
const JSON: [&str; 5] = [
    "tools",
    "toolConfig",
    "output_config",
    "outputConfig",
    "response_format",
];

/// The texts of a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTexts {
    /// All texts that the model reads.
    pub classes: TextClasses,
    /// Whether the request has a tool.
    pub has_tool: bool,
}

impl RequestTexts {
    /// Reads a record, one line of a job's input. Text that is not a record has no texts.
    pub fn of_record(line: &[u8]) -> Self {
        let record: Value = serde_json::from_slice(line).unwrap_or_default();
        Self::of(&record["modelInput"])
    }

    /// Reads the body of a record (`modelInput`).
    pub fn of(body: &Value) -> Self {
        let mut classes = TextClasses::default();
        for name in TEXTS {
            add_texts(body.get(name), &mut classes);
        }
        for name in JSON {
            if let Some(json) = body.get(name) {
                classes += TextClasses::of(&json.to_string());
            }
        }
        Self {
            classes,
            has_tool: body.get("tools").is_some() || body.get("toolConfig").is_some(),
        }
    }
}

/// Adds a text, or the texts of blocks and turns.
fn add_texts(value: Option<&Value>, classes: &mut TextClasses) {
    match value {
        Some(Value::String(text)) => *classes += TextClasses::of(text),
        Some(Value::Array(items)) => {
            for item in items {
                add_texts(Some(item), classes);
            }
        }
        Some(Value::Object(members)) => {
            add_texts(members.get("content"), classes);
            add_texts(members.get("text"), classes);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_read_for_what_the_model_reads() {
        let body = json!({
            "anthropic_version": "bedrock-2023-05-31",
            "system": "be brief",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "what is it"}]}],
            "tools": [{"name": "t"}],
        });
        let texts = RequestTexts::of(&body);
        let mut expected = TextClasses::of("be brief");
        expected += TextClasses::of("what is it");
        expected += TextClasses::of(r#"[{"name":"t"}]"#);
        assert_eq!(texts.classes, expected);
        assert!(texts.has_tool);
        let record = json!({"recordId": "record_0", "modelInput": body}).to_string();
        assert_eq!(RequestTexts::of_record(record.as_bytes()), texts);
        let converse =
            json!({"system": [{"text": "be brief"}], "inferenceConfig": {"maxTokens": 9}});
        let texts = RequestTexts::of(&converse);
        assert_eq!(texts.classes, TextClasses::of("be brief"));
        assert!(!texts.has_tool);
    }
}
