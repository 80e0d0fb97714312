//! The texts of a request body, which become tokens.

use super::text::TextClasses;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

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

#[derive(Deserialize)]
struct RecordWithBody<'a> {
    // The JSON texts of the members, because most of a record are tools, whose values nothing here needs.
    #[serde(borrow, rename = "modelInput")]
    model_input: BTreeMap<String, &'a RawValue>,
}

impl RequestTexts {
    /// Reads a record, one line of a job's input, with a body of compact JSON. Text that is not a record has no
    /// texts.
    pub fn of_record(line: &[u8]) -> Self {
        let body = serde_json::from_slice(line).map_or_else(
            |_| BTreeMap::default(),
            |record: RecordWithBody<'_>| record.model_input,
        );
        let mut classes = TextClasses::default();
        for name in TEXTS {
            let value = body
                .get(name)
                .and_then(|json| serde_json::from_str(json.get()).ok());
            add_texts(value.as_ref(), &mut classes);
        }
        for json in JSON.iter().filter_map(|name| body.get(*name)) {
            classes += TextClasses::of(json.get());
        }
        Self {
            classes,
            has_tool: body.contains_key("tools") || body.contains_key("toolConfig"),
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

    fn texts_of(body: &Value) -> RequestTexts {
        let record = json!({"recordId": "record_0", "modelInput": body}).to_string();
        RequestTexts::of_record(record.as_bytes())
    }

    #[test]
    fn a_body_is_read_for_what_the_model_reads() {
        let body = json!({
            "anthropic_version": "bedrock-2023-05-31",
            "system": "be brief",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "what is it"}]}],
            "tools": [{"name": "t"}],
        });
        let texts = texts_of(&body);
        let mut expected = TextClasses::of("be brief");
        expected += TextClasses::of("what is it");
        expected += TextClasses::of(r#"[{"name":"t"}]"#);
        assert_eq!(texts.classes, expected);
        assert!(texts.has_tool);
        let converse =
            json!({"system": [{"text": "be brief"}], "inferenceConfig": {"maxTokens": 9}});
        let texts = texts_of(&converse);
        assert_eq!(texts.classes, TextClasses::of("be brief"));
        assert!(!texts.has_tool);
    }
    #[test]
    fn a_text_that_is_no_record_has_no_texts() {
        let nothing = RequestTexts {
            classes: TextClasses::default(),
            has_tool: false,
        };
        for line in [
            "",
            "{}",
            "[]",
            r#"{"modelInput": 7}"#,
            r#"{"modelInput": {"prompt": "a""#,
        ] {
            assert_eq!(RequestTexts::of_record(line.as_bytes()), nothing, "{line}");
        }
        assert_eq!(texts_of(&json!({"prompt": 7, "messages": null})), nothing);
    }
}
