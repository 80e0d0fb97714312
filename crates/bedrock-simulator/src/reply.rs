//! A reply: an answer in the form that the request wants, spoilt if a fault says so, and written as
//! the model family's output.

use crate::answer::Content;
use crate::faults::RecordFaultKind;
use crate::hash::Random;
use crate::question::{Form, Question, Want, tokens};
use serde_json::{Map, Value, json};

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    End,
    Tool,
    MaxTokens,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Tool {
        name: String,
        input: Value,
    },
    /// With the beginning that the request gave.
    Text(String),
    Output(Value),
    Vector(Vec<f64>),
}

/// A reply in the making.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    body: Body,
    stop: Stop,
}

/// A reply as the service writes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Written {
    pub(crate) value: Value,
    pub(crate) output_tokens: u64,
    /// Whether the model came to an end by itself.
    pub(crate) complete: bool,
}

impl Reply {
    pub(crate) fn new(question: &Question, content: Content) -> Self {
        match (content, &question.want) {
            (Content::Json(input @ Value::Object(_)), Want::Tool { name, .. }) => Self {
                body: Body::Tool {
                    name: name.clone(),
                    input,
                },
                stop: Stop::Tool,
            },
            (Content::Json(value), _) => Self::text(value.to_string()),
            (Content::Text(text), _) => Self::text(text),
            (Content::Output(output), _) => Self {
                body: Body::Output(output),
                stop: Stop::End,
            },
            (Content::Vector(numbers), _) => Self {
                body: Body::Vector(numbers),
                stop: Stop::End,
            },
        }
    }

    fn text(text: String) -> Self {
        Self {
            body: Body::Text(text),
            stop: Stop::End,
        }
    }

    /// Spoils the reply as the fault says. Replies that are whole given outputs or vectors stay as
    /// they are. `schema` is the one that the answer should keep.
    pub(crate) fn spoil(
        &mut self,
        kind: RecordFaultKind,
        question: &Question,
        schema: Option<&Value>,
    ) {
        match kind {
            RecordFaultKind::GermanQuotes => {
                if let Some(value) = self.json() {
                    *self = Self::text(with_german_quotes(value, schema));
                }
            }
            RecordFaultKind::Fenced => {
                self.wrap(question, "```json\n", "\n```");
            }
            RecordFaultKind::Prose => {
                self.wrap(
                    question,
                    "Here is the result you asked for:\n\n",
                    "\n\nLet me know if you need anything else.",
                );
            }
            RecordFaultKind::SchemaViolation => {
                if let Some(mut value) = self.json() {
                    violate(&mut value, schema);
                    match &mut self.body {
                        Body::Tool { input, .. } => *input = value,
                        body => *body = Body::Text(value.to_string()),
                    }
                }
            }
            RecordFaultKind::MaxTokens => self.cut(None),
            // These concern the line, not the reply.
            RecordFaultKind::ErrorLine
            | RecordFaultKind::Missing
            | RecordFaultKind::Duplicate
            | RecordFaultKind::ConflictingDuplicate
            | RecordFaultKind::UnknownId
            | RecordFaultKind::MalformedLine => {}
        }
    }

    /// Puts text around the answer. Nothing can come before a beginning that the request gave.
    fn wrap(&mut self, question: &Question, before: &str, after: &str) {
        let Some(text) = self.full_text() else { return };
        let begun = matches!(&question.want, Want::Prefill(prefill) if text.starts_with(prefill));
        let before = if begun { "" } else { before };
        *self = Self::text(format!("{before}{text}{after}"));
    }

    /// Cuts the reply after `most` tokens, or in its middle.
    fn cut(&mut self, most: Option<u64>) {
        match &mut self.body {
            Body::Text(text) => {
                let keep = most.map_or(text.len() / 2, |most| {
                    usize::try_from(most.saturating_mul(4)).unwrap_or(usize::MAX)
                });
                if keep >= text.len() {
                    return;
                }
                let mut end = keep;
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text.truncate(end);
            }
            Body::Tool { input, .. } => {
                let length = input.to_string().len();
                if most.is_some_and(|most| tokens(length) <= most) {
                    return;
                }
                // A call that was cut arrives with the members that were finished.
                if let Value::Object(members) = input {
                    let keep = members.len() / 2;
                    *members = std::mem::take(members).into_iter().take(keep).collect();
                }
            }
            Body::Output(_) | Body::Vector(_) => return,
        }
        self.stop = Stop::MaxTokens;
    }

    fn json(&self) -> Option<Value> {
        match &self.body {
            Body::Tool { input, .. } => Some(input.clone()),
            Body::Text(text) => serde_json::from_str(text).ok(),
            Body::Output(_) | Body::Vector(_) => None,
        }
    }

    fn full_text(&self) -> Option<String> {
        match &self.body {
            Body::Tool { input, .. } => Some(input.to_string()),
            Body::Text(text) => Some(text.clone()),
            Body::Output(_) | Body::Vector(_) => None,
        }
    }

    /// Writes the reply in the form of the request's model family.
    pub(crate) fn write(mut self, question: &Question, model_id: &str, seed: u64) -> Written {
        if let Some(most) = question.max_tokens {
            self.cut(Some(most));
        }
        if let (Body::Text(text), Want::Prefill(prefill)) = (&mut self.body, &question.want)
            && let Some(rest) = text.strip_prefix(prefill.as_str())
        {
            *text = rest.to_owned();
        }
        let output_tokens = match &self.body {
            Body::Text(text) => tokens(text.len()),
            Body::Tool { input, .. } => tokens(input.to_string().len()),
            Body::Output(output) => output_tokens_of(output),
            Body::Vector(_) => 0,
        };
        let complete = self.stop != Stop::MaxTokens;
        let value = match (self.body, question.form) {
            (Body::Output(output), _) => output,
            (Body::Vector(numbers), Form::CohereEmbeddings) => json!({
                "id": Random::new(seed).id(24),
                "texts": [question.prompt],
                "embeddings": [numbers],
                "response_type": "embeddings_floats",
            }),
            (Body::Vector(numbers), _) => json!({
                "embedding": numbers,
                "embeddingsByType": {"float": numbers},
                "inputTextTokenCount": question.input_tokens,
            }),
            (body, Form::Anthropic) => {
                anthropic(body, self.stop, question, output_tokens, model_id, seed)
            }
            (body, Form::Converse) => converse(body, self.stop, question, output_tokens, seed),
            (body, Form::Llama) => json!({
                "generation": plain(body),
                "prompt_token_count": question.input_tokens,
                "generation_token_count": output_tokens,
                "stop_reason": if self.stop == Stop::MaxTokens { "length" } else { "stop" },
            }),
            (body, Form::Chat | Form::TitanEmbeddings | Form::CohereEmbeddings) => {
                chat(body, self.stop, question, output_tokens, model_id, seed)
            }
        };
        Written {
            value,
            output_tokens,
            complete,
        }
    }
}

/// What a whole given output says of its own tokens.
fn output_tokens_of(output: &Value) -> u64 {
    ["/usage/output_tokens", "/usage/outputTokens"]
        .iter()
        .find_map(|pointer| output.pointer(pointer).and_then(Value::as_u64))
        .unwrap_or_else(|| tokens(output.to_string().len()))
}

fn plain(body: Body) -> String {
    match body {
        Body::Text(text) => text,
        Body::Tool { input, .. } => input.to_string(),
        Body::Output(output) => output.to_string(),
        Body::Vector(_) => String::new(),
    }
}

fn anthropic(
    body: Body,
    stop: Stop,
    question: &Question,
    output_tokens: u64,
    model_id: &str,
    seed: u64,
) -> Value {
    let mut random = Random::new(seed);
    let id = format!("msg_bdrk_{}", random.id(24));
    let content = match body {
        Body::Tool { name, input } => json!([{
            "type": "tool_use",
            "id": format!("toolu_bdrk_{}", random.id(24)),
            "name": name,
            "input": input,
        }]),
        other => json!([{"type": "text", "text": plain(other)}]),
    };
    let model = model_id.split("anthropic.").nth(1).unwrap_or(model_id);
    json!({
        "model": model.split("-v1").next().unwrap_or(model),
        "id": id,
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": match stop {
            Stop::End => "end_turn",
            Stop::Tool => "tool_use",
            Stop::MaxTokens => "max_tokens",
        },
        "stop_sequence": null,
        "usage": {
            "input_tokens": question.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
        },
    })
}

fn converse(body: Body, stop: Stop, question: &Question, output_tokens: u64, seed: u64) -> Value {
    let content = match body {
        Body::Tool { name, input } => json!([{
            "toolUse": {
                "toolUseId": format!("tooluse_{}", Random::new(seed).id(22)),
                "name": name,
                "input": input,
            }
        }]),
        other => json!([{"text": plain(other)}]),
    };
    json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": match stop {
            Stop::End => "end_turn",
            Stop::Tool => "tool_use",
            Stop::MaxTokens => "max_tokens",
        },
        "usage": {
            "inputTokens": question.input_tokens,
            "outputTokens": output_tokens,
            "totalTokens": question.input_tokens + output_tokens,
        },
        "metrics": {"latencyMs": 400 + seed % 1_000},
    })
}

fn chat(
    body: Body,
    stop: Stop,
    question: &Question,
    output_tokens: u64,
    model_id: &str,
    seed: u64,
) -> Value {
    let mut random = Random::new(seed);
    let message = match body {
        Body::Tool { name, input } => json!({
            "role": "assistant",
            "content": null,
            "tool_calls": [{
                "id": format!("call_{}", random.id(24)),
                "type": "function",
                "function": {"name": name, "arguments": input.to_string()},
            }],
        }),
        other => json!({"role": "assistant", "content": plain(other)}),
    };
    json!({
        "id": format!("chatcmpl-{}", random.id(24)),
        "object": "chat.completion",
        "model": model_id,
        "choices": [{
            "index": 0,
            "finish_reason": match stop {
                Stop::End => "stop",
                Stop::Tool => "tool_calls",
                Stop::MaxTokens => "length",
            },
            "message": message,
        }],
        "usage": {
            "prompt_tokens": question.input_tokens,
            "completion_tokens": output_tokens,
            "total_tokens": question.input_tokens + output_tokens,
        },
    })
}

/// Stands for a bare ASCII quotation mark until the value is text; no schema makes it.
const BARE_QUOTE: char = '\u{E000}';

/// The value as text, with a word of a free text inside it quoted as `„word"`, the closing mark a
/// bare ASCII one: no JSON any more. Without a text in it, the value is only written.
fn with_german_quotes(mut value: Value, schema: Option<&Value>) -> String {
    let properties = schema.and_then(|schema| schema.get("properties"));
    let is_free = |name: &str, text: &str| {
        let property = properties.and_then(|properties| properties.get(name));
        let bound = ["enum", "const", "pattern", "format", "$ref"];
        property.is_none_or(|property| {
            let most = property.get("maxLength").and_then(Value::as_u64);
            // The two marks have to fit.
            let fits = most.is_none_or(|most| text.chars().count() as u64 + 2 <= most);
            fits && bound.iter().all(|keyword| property.get(keyword).is_none())
        })
    };
    let free = match &value {
        Value::Object(members) => members
            .iter()
            .find(|(name, member)| member.as_str().is_some_and(|text| is_free(name, text)))
            .map(|(name, _)| name.clone()),
        _ => None,
    };
    let target = match (free, &mut value) {
        (Some(name), Value::Object(members)) => members.get_mut(&name),
        (_, value) => first_text(value),
    };
    if let Some(Value::String(text)) = target {
        let (head, word) = text.rsplit_once(' ').unwrap_or(("", text));
        let gap = if head.is_empty() { "" } else { " " };
        *text = format!("{head}{gap}„{word}{BARE_QUOTE}");
    }
    value.to_string().replace(BARE_QUOTE, "\"")
}

fn first_text(value: &mut Value) -> Option<&mut Value> {
    match value {
        Value::String(_) => Some(value),
        Value::Array(items) => items.iter_mut().find_map(first_text),
        Value::Object(members) => members.values_mut().find_map(first_text),
        _ => None,
    }
}

/// Makes the value break its schema: a property with a wrong value where one is declared, else a
/// required one taken away, else a value of no declared type.
fn violate(value: &mut Value, schema: Option<&Value>) {
    let empty = Map::new();
    let properties = schema
        .and_then(|schema| schema.get("properties"))
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let Value::Object(members) = value else {
        *value = json!({"unexpected": true});
        return;
    };
    let listed = properties
        .iter()
        .find(|(name, property)| property.get("enum").is_some() && members.contains_key(*name));
    if let Some((name, _)) = listed {
        members.insert(name.clone(), json!("none of the listed"));
        return;
    }
    let typed = properties.iter().find(|(name, property)| {
        property.get("type").is_some_and(Value::is_string) && members.contains_key(*name)
    });
    if let Some((name, property)) = typed {
        // Neither of them can be taken for the other by a lenient reader.
        let wrong = if property.get("type") == Some(&json!("array")) {
            json!({"unexpected": true})
        } else {
            json!([["unexpected"]])
        };
        members.insert(name.clone(), wrong);
        return;
    }
    let required = schema
        .and_then(|schema| schema.pointer("/required/0"))
        .and_then(Value::as_str);
    if let Some(name) = required {
        members.shift_remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(want: Want) -> Question {
        Question {
            form: Form::Anthropic,
            prompt: "q".into(),
            want,
            max_tokens: None,
            input_tokens: 7,
        }
    }

    fn tool(schema: &Value) -> Want {
        Want::Tool {
            name: "t".into(),
            schema: schema.clone(),
        }
    }

    #[test]
    fn a_prefilled_beginning_is_not_repeated() {
        let question = question(Want::Prefill("{".into()));
        let reply = Reply::new(&question, Content::Json(json!({"a": 1})));
        let output = reply.write(&question, "anthropic.claude-x", 1).value;
        assert_eq!(output["content"][0]["text"], "\"a\":1}");
    }

    #[test]
    fn a_forced_tool_is_called() {
        let question = question(tool(&json!({})));
        let reply = Reply::new(&question, Content::Json(json!({"a": 1})));
        let output = reply.write(&question, "anthropic.claude-x", 1).value;
        assert_eq!(output["content"][0]["type"], "tool_use");
        assert_eq!(output["content"][0]["input"], json!({"a": 1}));
        assert_eq!(output["stop_reason"], "tool_use");
    }

    /// The broken text holds the pattern, is no JSON, and is JSON again when the mark is escaped.
    #[test]
    fn german_quotes_break_the_json_by_one_mark_only() {
        let schema = json!({"properties": {
            "kind": {"enum": ["a b"]}, "note": {"type": "string"}
        }});
        let question = question(tool(&schema));
        let mut reply = Reply::new(
            &question,
            Content::Json(json!({"kind": "a b", "note": "one two"})),
        );
        reply.spoil(RecordFaultKind::GermanQuotes, &question, Some(&schema));
        let output = reply.write(&question, "m", 1).value;
        let text = output["content"][0]["text"].as_str().unwrap();
        assert_eq!(text, "{\"kind\":\"a b\",\"note\":\"one „two\"\"}");
        assert!(serde_json::from_str::<Value>(text).is_err());
        assert_eq!(output["stop_reason"], "end_turn");
    }

    #[test]
    fn a_violation_really_violates() {
        for schema in [
            json!({"type": "object", "properties": {"a": {"enum": ["x"]}}}),
            json!({"type": "object", "properties": {"a": {"type": "array"}}}),
            json!({"type": "object", "properties": {"a": {"type": "number"}}}),
            json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}),
        ] {
            let question = question(tool(&schema));
            let mut reply = Reply::new(&question, Content::Json(json!({"a": "x"})));
            reply.spoil(RecordFaultKind::SchemaViolation, &question, Some(&schema));
            let output = reply.write(&question, "m", 1).value;
            let input = &output["content"][0]["input"];
            assert!(!jsonschema::is_valid(&schema, input), "{schema}: {input}");
        }
    }

    #[test]
    fn fences_and_prose_go_around_the_answer_and_never_before_a_given_beginning() {
        let spoilt = |want: Want, kind: RecordFaultKind| {
            let question = question(want);
            let mut reply = Reply::new(&question, Content::Json(json!({"a": 1})));
            reply.spoil(kind, &question, None);
            let output = reply.write(&question, "m", 1).value;
            output["content"][0]["text"].as_str().unwrap().to_owned()
        };
        let schema = json!({});
        assert_eq!(
            spoilt(tool(&schema), RecordFaultKind::Fenced),
            "```json\n{\"a\":1}\n```"
        );
        assert_eq!(
            spoilt(Want::Prefill("{".into()), RecordFaultKind::Fenced),
            "\"a\":1}\n```"
        );
        assert!(spoilt(Want::Text, RecordFaultKind::Prose).starts_with("Here is"));
        assert!(
            spoilt(Want::Prefill("{".into()), RecordFaultKind::Prose)
                .starts_with("\"a\":1}\n\nLet")
        );
    }

    #[test]
    fn a_reply_longer_than_the_limit_is_cut_and_says_so() {
        let mut limited = question(Want::Text);
        limited.max_tokens = Some(2);
        let reply = Reply::new(&limited, Content::Text("Größe und mehr davon".into()));
        let output = reply.write(&limited, "m", 1);
        assert_eq!(output.value["stop_reason"], "max_tokens");
        assert_eq!(output.value["content"][0]["text"], "Größe ");
        assert_eq!(output.output_tokens, 2);

        let schema = json!({});
        let question = question(tool(&schema));
        let mut reply = Reply::new(&question, Content::Json(json!({"a": 1, "b": 2})));
        reply.spoil(RecordFaultKind::MaxTokens, &question, None);
        let output = reply.write(&question, "m", 1).value;
        assert_eq!(output["content"][0]["input"], json!({"a": 1}));
        assert_eq!(output["stop_reason"], "max_tokens");
    }

    #[test]
    fn every_family_has_its_form() {
        let ask = |form: Form| {
            let question = Question {
                form,
                ..question(Want::Text)
            };
            Reply::new(&question, Content::Text("hello".into()))
                .write(&question, "m", 1)
                .value
        };
        assert_eq!(ask(Form::Anthropic)["usage"]["output_tokens"], 2);
        let converse = ask(Form::Converse);
        assert_eq!(converse["output"]["message"]["content"][0]["text"], "hello");
        assert_eq!(converse["usage"]["totalTokens"], 9);
        assert_eq!(ask(Form::Llama)["generation"], "hello");
        assert_eq!(ask(Form::Chat)["choices"][0]["message"]["content"], "hello");
    }
}
