//! Reading a request body: its text, and the form of the answer that it wants.

use crate::hash::hash;
use crate::known::{KnownJson, KnownJsons};
use crate::tokens::input_tokens;
use serde_json::Value;
use std::sync::Arc;

/// A family of models that share the form of their request bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Claude's messages.
    Anthropic,
    /// Amazon Nova, whose bodies and answers have the form of `Converse`.
    Nova,
    /// Amazon Titan text embeddings.
    TitanEmbeddings,
    /// Cohere Embed, one text for each record.
    CohereEmbeddings,
    /// Meta Llama, a single prompt text.
    Llama,
    /// All other models, with the form of chat completions.
    Chat,
}

impl Family {
    /// Finds the family by the model's id, or by the body if an ARN does not show the model.
    pub(crate) fn of(model_id: &str, body: &Value) -> Self {
        let name = model_id.rsplit('/').next().unwrap_or(model_id);
        if name.contains("anthropic.") || body.get("anthropic_version").is_some() {
            Self::Anthropic
        } else if name.contains("amazon.nova") || body.get("schemaVersion").is_some() {
            Self::Nova
        } else if name.contains("amazon.titan-embed") || body.get("inputText").is_some() {
            Self::TitanEmbeddings
        } else if name.contains("cohere.embed") || body.get("texts").is_some() {
            Self::CohereEmbeddings
        } else if name.contains("meta.llama") || body.get("prompt").is_some() {
            Self::Llama
        } else {
            Self::Chat
        }
    }
}

/// The form of a body and of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuestionForm {
    Anthropic,
    Converse,
    TitanEmbeddings,
    CohereEmbeddings,
    Llama,
    Chat,
}

impl QuestionForm {
    pub(crate) fn of(family: Family, converse: bool) -> Self {
        match family {
            _ if converse => Self::Converse,
            Family::Anthropic => Self::Anthropic,
            Family::Nova => Self::Converse,
            Family::TitanEmbeddings => Self::TitanEmbeddings,
            Family::CohereEmbeddings => Self::CohereEmbeddings,
            Family::Llama => Self::Llama,
            Family::Chat => Self::Chat,
        }
    }
}

/// The wanted form of the answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Want {
    /// Free text.
    Text,
    /// Free text that continues the assistant's own beginning.
    Prefill(String),
    /// Text that is JSON and keeps this schema.
    Json(Arc<KnownJson>),
    /// A call of this tool, with an input that keeps this schema.
    Tool {
        name: String,
        schema: Arc<KnownJson>,
    },
    /// A vector of this many numbers.
    Embedding { dimensions: usize },
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    pub(crate) form: QuestionForm,
    /// The user's text of all turns, without the system prompt and the assistant's beginning.
    pub(crate) prompt: String,
    /// The hash of the prompt.
    pub(crate) prompt_hash: u64,
    pub(crate) system: String,
    pub(crate) want: Want,
    /// Whether the request switches thinking on or off, if it does.
    pub(crate) thinks: Option<bool>,
    /// The most tokens of the answer.
    pub(crate) max_tokens: Option<u64>,
    /// An estimate.
    pub(crate) input_tokens: u64,
}

/// Tokens around the texts of a request.
const AROUND_TEXTS: u64 = 8;

/// The members of a body that are tools or schemas, whose JSON counts.
const TOOLS: [&str; 5] = [
    "tools",
    "toolConfig",
    "output_config",
    "outputConfig",
    "response_format",
];

impl Question {
    /// Reads a body that [`crate::body::check`] accepted; missing members count as empty.
    pub(crate) fn read(form: QuestionForm, body: &Value, known: &KnownJsons) -> Self {
        let mut question = match form {
            QuestionForm::Anthropic => anthropic(body, known),
            QuestionForm::Converse => converse(body, known),
            QuestionForm::TitanEmbeddings => titan(body),
            QuestionForm::CohereEmbeddings => cohere(body),
            QuestionForm::Llama => llama(body),
            QuestionForm::Chat => chat(body, known),
        };
        question.system = text_of(body.get("system").unwrap_or(&Value::Null));
        question.thinks = ["/thinking", "/additionalModelRequestFields/thinking"]
            .iter()
            .find_map(|pointer| body.pointer(pointer)?.get("type"))
            .map(|kind| kind != "disabled");
        let forced = match (form, &question.want) {
            // Claude gets a prompt of the service's own with a tool.
            (QuestionForm::Anthropic, Want::Tool { .. }) => 313,
            _ => 0,
        };
        let tools = TOOLS.iter().filter_map(|name| body.get(*name));
        question.input_tokens = input_tokens(&question.prompt)
            + input_tokens(&question.system)
            + tools.map(|json| known.of(json).input_tokens()).sum::<u64>()
            + forced
            + AROUND_TEXTS;
        question
    }

    fn new(form: QuestionForm, prompt: String, want: Want, max_tokens: Option<&Value>) -> Self {
        Self {
            form,
            prompt_hash: hash(prompt.as_bytes()),
            prompt,
            system: String::new(),
            want,
            thinks: None,
            max_tokens: max_tokens.and_then(Value::as_u64),
            input_tokens: 0,
        }
    }
}

fn anthropic(body: &Value, known: &KnownJsons) -> Question {
    let (prompt, prefill) = turns(body);
    let tools = items(body, "tools");
    let choice = body.pointer("/tool_choice/type").and_then(Value::as_str);
    let named = body.pointer("/tool_choice/name").and_then(Value::as_str);
    let tool = match choice {
        Some("none") => None,
        Some("tool") => tools
            .iter()
            .find(|tool| tool.get("name").and_then(Value::as_str) == named),
        Some("any") => tools.first(),
        _ => offered(tools, "/description"),
    };
    let schema = ["/output_config/format/schema", "/output_format/schema"]
        .iter()
        .find_map(|pointer| body.pointer(pointer));
    let want = match (tool, schema, prefill) {
        (Some(tool), _, _) => Want::Tool {
            name: string(tool.get("name")),
            schema: known.of(tool.get("input_schema").unwrap_or(&Value::Null)),
        },
        (None, Some(schema), _) => Want::Json(known.of(schema)),
        (None, None, Some(prefill)) => Want::Prefill(prefill),
        (None, None, None) => Want::Text,
    };
    Question::new(
        QuestionForm::Anthropic,
        prompt,
        want,
        body.get("max_tokens"),
    )
}

fn converse(body: &Value, known: &KnownJsons) -> Question {
    let (prompt, prefill) = turns(body);
    let tools = body
        .get("toolConfig")
        .map_or(&[][..], |c| items(c, "tools"));
    let named = body.pointer("/toolConfig/toolChoice/tool/name");
    let tool = match named.and_then(Value::as_str) {
        Some(name) => tools
            .iter()
            .find(|tool| tool.pointer("/toolSpec/name").and_then(Value::as_str) == Some(name)),
        None if body.pointer("/toolConfig/toolChoice/any").is_some() => tools.first(),
        None => offered(tools, "/toolSpec/description"),
    };
    let schema = body
        .pointer("/outputConfig/textFormat/structure/jsonSchema/schema")
        .and_then(|schema| match schema {
            // The API expects the schema as a text.
            Value::String(text) => Some(known.of(&serde_json::from_str(text).ok()?)),
            other => Some(known.of(other)),
        });
    let want = match (tool, schema, prefill) {
        (Some(tool), _, _) => Want::Tool {
            name: string(tool.pointer("/toolSpec/name")),
            schema: known.of(tool
                .pointer("/toolSpec/inputSchema/json")
                .unwrap_or(&Value::Null)),
        },
        (None, Some(schema), _) => Want::Json(schema),
        (None, None, Some(prefill)) => Want::Prefill(prefill),
        (None, None, None) => Want::Text,
    };
    let max_tokens = [
        "/inferenceConfig/maxTokens",
        "/inferenceConfig/max_new_tokens",
    ]
    .iter()
    .find_map(|pointer| body.pointer(pointer));
    Question::new(QuestionForm::Converse, prompt, want, max_tokens)
}

fn titan(body: &Value) -> Question {
    let dimensions = body
        .get("dimensions")
        .and_then(Value::as_u64)
        .and_then(|dimensions| usize::try_from(dimensions).ok())
        .unwrap_or(1_024);
    Question::new(
        QuestionForm::TitanEmbeddings,
        string(body.get("inputText")),
        Want::Embedding { dimensions },
        None,
    )
}

fn cohere(body: &Value) -> Question {
    let dimensions = body
        .get("output_dimension")
        .and_then(Value::as_u64)
        .and_then(|dimensions| usize::try_from(dimensions).ok())
        .unwrap_or(1_024);
    let texts: Vec<&str> = items(body, "texts")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    Question::new(
        QuestionForm::CohereEmbeddings,
        texts.join("\n"),
        Want::Embedding { dimensions },
        None,
    )
}

fn llama(body: &Value) -> Question {
    Question::new(
        QuestionForm::Llama,
        string(body.get("prompt")),
        Want::Text,
        body.get("max_gen_len"),
    )
}

fn chat(body: &Value, known: &KnownJsons) -> Question {
    let (prompt, _) = turns(body);
    let tools = items(body, "tools");
    let tool = match body.get("tool_choice") {
        Some(Value::String(choice)) if choice == "none" => None,
        Some(Value::String(choice)) if choice == "auto" => offered(tools, "/function/description"),
        None => offered(tools, "/function/description"),
        Some(_) => tools.first(),
    };
    let schema = body.pointer("/response_format/json_schema/schema");
    let want = match (tool, schema) {
        (Some(tool), _) => Want::Tool {
            name: string(tool.pointer("/function/name")),
            schema: known.of(tool.pointer("/function/parameters").unwrap_or(&Value::Null)),
        },
        (None, Some(schema)) => Want::Json(known.of(schema)),
        (None, None) => Want::Text,
    };
    let max_tokens = ["/max_tokens", "/max_completion_tokens"]
        .iter()
        .find_map(|pointer| body.pointer(pointer));
    Question::new(QuestionForm::Chat, prompt, want, max_tokens)
}

/// Returns the tool that a model calls without being forced to. Models call only a tool with a
/// description (litellm#42717).
fn offered<'a>(tools: &'a [Value], description: &str) -> Option<&'a Value> {
    tools.iter().find(|tool| {
        let description = tool.pointer(description).and_then(Value::as_str);
        description.is_some_and(|text| !text.trim().is_empty())
    })
}

/// Returns the text of all user turns, and the assistant's beginning if the last turn is the
/// assistant's.
fn turns(body: &Value) -> (String, Option<String>) {
    let messages = items(body, "messages");
    let role = |message: &Value| string(message.get("role"));
    let text = |message: &Value| text_of(message.get("content").unwrap_or(&Value::Null));
    let prompt = messages
        .iter()
        .filter(|message| role(message) == "user")
        .map(text)
        .collect::<Vec<_>>()
        .join("\n");
    let prefill = messages
        .last()
        .filter(|message| role(message) == "assistant")
        .map(text);
    (prompt, prefill)
}

/// Returns the text of a content: a text, or the texts of its blocks.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block.get("text").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn string(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(form: QuestionForm, body: &Value) -> Question {
        Question::read(form, body, &KnownJsons::default())
    }

    #[test]
    fn a_question_counts_its_texts_its_tools_and_what_is_around_them() {
        let tokens = |body: Value| read(QuestionForm::Anthropic, &body).input_tokens;
        assert_eq!(
            input_tokens("A letterbox, 12345 \"{}\": é日\n"),
            1 + 2 + 1 + 2 + 2 + 1 + 1
        );
        let plain = tokens(json!({"messages": [{"role": "user", "content": "two words"}]}));
        assert_eq!(plain, 2 + AROUND_TEXTS);
        let tool = json!([{"name": "t"}]);
        let with_tool = tokens(json!({
            "messages": [{"role": "user", "content": "two words"}],
            "tools": tool,
            "tool_choice": {"type": "any"},
        }));
        assert_eq!(with_tool, plain + 313 + input_tokens(&tool.to_string()));
    }

    #[test]
    fn the_family_is_read_from_ids_and_arns_and_otherwise_from_the_body() {
        let none = json!({});
        for (id, family) in [
            (
                "anthropic.claude-sonnet-4-5-20250929-v1:0",
                Family::Anthropic,
            ),
            (
                "global.anthropic.claude-haiku-4-5-20251001-v1:0",
                Family::Anthropic,
            ),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
                Family::Nova,
            ),
            ("amazon.titan-embed-text-v2:0", Family::TitanEmbeddings),
            ("us.cohere.embed-v4:0", Family::CohereEmbeddings),
            ("us.meta.llama3-3-70b-instruct-v1:0", Family::Llama),
            ("openai.gpt-oss-120b-1:0", Family::Chat),
        ] {
            assert_eq!(Family::of(id, &none), family, "{id}");
        }
        let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
        let body = json!({"anthropic_version": "bedrock-2023-05-31"});
        assert_eq!(Family::of(profile, &body), Family::Anthropic);
    }

    #[test]
    fn the_prompt_is_the_users_text_whatever_the_mode() {
        let plain = json!({
            "system": "be brief", "max_tokens": 10,
            "messages": [{"role": "user", "content": "ask"}]
        });
        let prefill = json!({
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "ask"}]},
                {"role": "assistant", "content": "{"}
            ]
        });
        let tool = json!({
            "messages": [{"role": "user", "content": "ask"}],
            "tools": [{"name": "t", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "tool", "name": "t"}
        });
        let read = |body: &Value| read(QuestionForm::Anthropic, body);
        assert_eq!(read(&plain).prompt, "ask");
        assert_eq!(read(&plain).want, Want::Text);
        assert_eq!(read(&plain).max_tokens, Some(10));
        assert_eq!(read(&prefill).prompt, "ask");
        assert_eq!(read(&prefill).want, Want::Prefill("{".into()));
        assert_eq!(read(&tool).prompt, "ask");
        assert!(matches!(read(&tool).want, Want::Tool { name, .. } if name == "t"));
        assert_eq!(read(&plain).system, "be brief");
    }

    #[test]
    fn a_tool_that_is_not_forced_is_called_when_it_says_what_it_is_for() {
        let ask = |description: &str| {
            let tool = json!({"name": "t", "description": description, "input_schema": {}});
            let body = json!({
                "messages": [{"role": "user", "content": "ask"}], "tools": [tool]
            });
            read(QuestionForm::Anthropic, &body).want
        };
        assert!(matches!(ask("writes the answer down"), Want::Tool { .. }));
        assert_eq!(ask(""), Want::Text);
    }

    #[test]
    fn thinking_is_read_from_the_requests_of_both_apis() {
        let thinking = json!({"type": "disabled"});
        let invoke = json!({"thinking": thinking});
        let converse = json!({"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}});
        assert_eq!(read(QuestionForm::Anthropic, &invoke).thinks, Some(false));
        assert_eq!(read(QuestionForm::Converse, &converse).thinks, Some(true));
        assert_eq!(read(QuestionForm::Converse, &json!({})).thinks, None);
    }
}
