//! Reading what a model returned (`modelOutput`).
//!
//! The shape is recognised, not the model: one run may hold answers of a batch job, of Converse
//! and of on-demand calls, and a new model that answers in a known shape is read at once. Members
//! that are not needed are skipped without being parsed.
//!
//! Limits: only the first candidate of an answer is read, and images or other media in an answer
//! are passed over.

use crate::object::Object;
use crate::request::TOOL_NAME;
use crate::usage::{Count, Usage};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// A model's answer, taken out of its envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAnswer<'a> {
    /// What the model answered.
    pub content: AnswerContent<'a>,
    /// Why the model stopped, in its own words (`end_turn`, `max_tokens`, `tool_use`, …).
    pub stop_reason: Option<Cow<'a, str>>,
    /// Tokens read and written, zero where the answer does not say.
    pub usage: Usage,
}

/// The part of an answer that carries the result.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerContent<'a> {
    /// The input of a tool call, as JSON text.
    Tool(Cow<'a, str>),
    /// Answer text: all text blocks joined, without reasoning.
    Text(Cow<'a, str>),
    /// A vector, as JSON text.
    Embedding(Cow<'a, str>),
    /// The answer holds no content at all.
    Empty,
}

impl ModelAnswer<'_> {
    /// Whether the model had to stop before it was done: at the token limit, or with its context
    /// window full.
    pub fn cut_off(&self) -> bool {
        self.stopped_by(&[
            "max_tokens",
            "length",
            "max_output_tokens",
            "model_context_window_exceeded",
        ])
    }

    /// Whether the model, a content filter or a guardrail declined to answer.
    pub fn refused(&self) -> bool {
        self.stopped_by(&[
            "refusal",
            "content_filtered",
            "content_filter",
            "guardrail_intervened",
        ])
    }

    fn stopped_by(&self, reasons: &[&str]) -> bool {
        self.stop_reason.as_deref().is_some_and(|stop| {
            reasons
                .iter()
                .any(|reason| stop.eq_ignore_ascii_case(reason))
        })
    }
}

/// A model output nothing can be read from.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableOutput {
    /// The output, or the part of it that carries the answer, is not what its shape requires.
    #[error("model output is not readable: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The output has none of the members that carry an answer.
    #[error(
        "model output has no known shape: none of content, output, generation, outputs, choices, \
         results, completion, embedding, embeddings is present"
    )]
    UnknownShape,
}

/// Reads a model output, given as the JSON text of `modelOutput`.
///
/// Known shapes: Anthropic Messages (`content`), Converse and Nova (`output.message.content`),
/// Llama (`generation`), Mistral (`outputs`), chat completions (`choices`), Titan text
/// (`results`), Claude text completions (`completion`) and embeddings (`embedding`,
/// `embeddings`, `embeddingsByType`).
///
/// Of several content blocks the answer is the tool call named `structured_response`, else the
/// only tool call there is, else the text of all text blocks joined.
///
/// # Errors
///
/// [`UnreadableOutput`] when the text is not JSON or has no known shape. An answer without
/// content is not an error: it is [`AnswerContent::Empty`].
pub fn read_output(output: &str) -> Result<ModelAnswer<'_>, UnreadableOutput> {
    let Object(envelope): Object<Envelope<'_>> = serde_json::from_str(output)?;
    let (content, inner_stop, inner_usage) = if let Some(blocks) = envelope.content {
        (anthropic_content(blocks)?, None, None)
    } else if let Some(output) = envelope.output {
        (converse_content(output)?, None, None)
    } else if let Some(generation) = envelope.generation {
        let usage = Usage::plain(envelope.prompt_token_count, envelope.generation_token_count);
        (text_of(generation)?, None, Some(usage))
    } else if let Some(outputs) = envelope.outputs {
        let (text, stop) = first_candidate::<MistralOutput<'_>>(outputs)?
            .map_or((None, None), |first| (first.text, first.stop_reason));
        (plain(text), stop, None)
    } else if let Some(choices) = envelope.choices {
        chat_choice(choices)?
    } else if let Some(results) = envelope.results {
        let (text, stop, tokens) =
            first_candidate::<TitanResult<'_>>(results)?.map_or((None, None, None), |first| {
                (
                    first.output_text,
                    first.completion_reason,
                    first.token_count,
                )
            });
        let usage = Usage::plain(envelope.input_text_token_count, tokens);
        (plain(text), stop, Some(usage))
    } else if let Some(completion) = envelope.completion {
        (text_of(completion)?, None, None)
    } else if let Some(vectors) = envelope
        .embedding
        .or(envelope.embeddings)
        .or(envelope.embeddings_by_type)
    {
        let usage = Usage::plain(envelope.input_text_token_count, None);
        (embedding_content(vectors)?, None, Some(usage))
    } else {
        return Err(UnreadableOutput::UnknownShape);
    };
    Ok(ModelAnswer {
        content,
        stop_reason: envelope
            .stop_reason
            .or(envelope.stop_reason_camel)
            .or(inner_stop)
            .map(|text| text.0),
        usage: envelope
            .usage
            .map(Usage::read)
            .or(inner_usage)
            .unwrap_or_default(),
    })
}

/// The members of every known shape; those that carry content are looked into once the shape is
/// known.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    generation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    outputs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    choices: Option<&'a RawValue>,
    #[serde(borrow, default)]
    results: Option<&'a RawValue>,
    #[serde(borrow, default)]
    completion: Option<&'a RawValue>,
    #[serde(borrow, default)]
    embedding: Option<&'a RawValue>,
    #[serde(borrow, default)]
    embeddings: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "embeddingsByType")]
    embeddings_by_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    stop_reason: Option<LenientText<'a>>,
    #[serde(borrow, default, rename = "stopReason")]
    stop_reason_camel: Option<LenientText<'a>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(default)]
    prompt_token_count: Option<Count>,
    #[serde(default)]
    generation_token_count: Option<Count>,
    #[serde(default, rename = "inputTextTokenCount")]
    input_text_token_count: Option<Count>,
}

#[derive(Deserialize)]
struct AnthropicBlock<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<LenientText<'a>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

fn anthropic_content(blocks: &RawValue) -> Result<AnswerContent<'_>, UnreadableOutput> {
    let blocks: Vec<AnthropicBlock<'_>> = serde_json::from_str(blocks.get())?;
    Ok(answer_of(blocks.into_iter().filter_map(
        |block| match &*block.kind {
            "text" => block.text.map(Block::Text),
            "tool_use" => Some(Block::Tool {
                named: block.name.as_deref() == Some(TOOL_NAME),
                input: Cow::Borrowed(block.input.map_or("null", RawValue::get)),
            }),
            _ => None,
        },
    )))
}

#[derive(Deserialize)]
struct ConverseOutput<'a> {
    #[serde(borrow, default)]
    message: Option<ConverseMessage<'a>>,
}

#[derive(Deserialize)]
struct ConverseMessage<'a> {
    #[serde(borrow, default)]
    content: Vec<ConverseBlock<'a>>,
}

#[derive(Deserialize)]
struct ConverseBlock<'a> {
    #[serde(borrow, default)]
    text: Option<LenientText<'a>>,
    #[serde(borrow, default, rename = "toolUse")]
    tool_use: Option<ConverseTool<'a>>,
}

#[derive(Deserialize)]
struct ConverseTool<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

fn converse_content(output: &RawValue) -> Result<AnswerContent<'_>, UnreadableOutput> {
    let output: ConverseOutput<'_> = serde_json::from_str(output.get())?;
    let blocks = output.message.map(|message| message.content);
    Ok(answer_of(blocks.into_iter().flatten().filter_map(
        |block| match (block.tool_use, block.text) {
            (Some(tool), _) => Some(Block::Tool {
                named: tool.name.as_deref() == Some(TOOL_NAME),
                input: Cow::Borrowed(tool.input.map_or("null", RawValue::get)),
            }),
            (None, text) => text.map(Block::Text),
        },
    )))
}

#[derive(Deserialize)]
struct MistralOutput<'a> {
    #[serde(borrow, default)]
    text: Option<LenientText<'a>>,
    #[serde(borrow, default)]
    stop_reason: Option<LenientText<'a>>,
}

#[derive(Deserialize)]
struct TitanResult<'a> {
    #[serde(borrow, default, rename = "outputText")]
    output_text: Option<LenientText<'a>>,
    #[serde(borrow, default, rename = "completionReason")]
    completion_reason: Option<LenientText<'a>>,
    #[serde(default, rename = "tokenCount")]
    token_count: Option<Count>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    message: Option<ChatMessage<'a>>,
    #[serde(borrow, default)]
    text: Option<LenientText<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<LenientText<'a>>,
    #[serde(borrow, default)]
    stop_reason: Option<LenientText<'a>>,
}

#[derive(Deserialize)]
struct ChatMessage<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<ChatToolCall<'a>>>,
}

#[derive(Deserialize)]
struct ChatToolCall<'a> {
    #[serde(borrow)]
    function: ChatFunction<'a>,
}

#[derive(Deserialize)]
struct ChatFunction<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    /// JSON text inside a JSON string.
    #[serde(borrow)]
    arguments: LenientText<'a>,
}

#[derive(Deserialize)]
struct ChatPart<'a> {
    #[serde(borrow, default)]
    text: Option<LenientText<'a>>,
}

type Candidate<'a> = (AnswerContent<'a>, Option<LenientText<'a>>, Option<Usage>);

fn chat_choice(choices: &RawValue) -> Result<Candidate<'_>, UnreadableOutput> {
    let Some(choice) = first_candidate::<Choice<'_>>(choices)? else {
        return Ok((AnswerContent::Empty, None, None));
    };
    let stop = choice.finish_reason.or(choice.stop_reason);
    let Some(message) = choice.message else {
        return Ok((plain(choice.text), stop, None));
    };
    let mut blocks = Vec::new();
    for call in message.tool_calls.into_iter().flatten() {
        blocks.push(Block::Tool {
            named: call.function.name.as_deref() == Some(TOOL_NAME),
            input: call.function.arguments.0,
        });
    }
    match message.content.map(RawValue::get) {
        None | Some("null") => {}
        Some(parts) if parts.starts_with('[') => {
            let parts: Vec<ChatPart<'_>> = serde_json::from_str(parts)?;
            blocks.extend(
                parts
                    .into_iter()
                    .filter_map(|part| part.text.map(Block::Text)),
            );
        }
        Some(text) => blocks.push(Block::Text(serde_json::from_str(text)?)),
    }
    Ok((answer_of(blocks), stop, None))
}

/// One content block that can carry the answer.
enum Block<'a> {
    Text(LenientText<'a>),
    Tool { named: bool, input: Cow<'a, str> },
}

fn answer_of<'a>(blocks: impl IntoIterator<Item = Block<'a>>) -> AnswerContent<'a> {
    let mut text: Option<Cow<'a, str>> = None;
    let mut tools: Vec<(bool, Cow<'a, str>)> = Vec::new();
    for block in blocks {
        match block {
            Block::Text(more) => match &mut text {
                None => text = Some(more.0),
                Some(text) => text.to_mut().push_str(&more.0),
            },
            Block::Tool { named, input } => tools.push((named, input)),
        }
    }
    if let Some(index) = tools.iter().position(|(named, _)| *named) {
        return AnswerContent::Tool(tools.swap_remove(index).1);
    }
    if let [_] = tools.as_slice()
        && let Some((_, input)) = tools.pop()
    {
        return AnswerContent::Tool(input);
    }
    text.map_or(AnswerContent::Empty, AnswerContent::Text)
}

fn plain(text: Option<LenientText<'_>>) -> AnswerContent<'_> {
    text.map_or(AnswerContent::Empty, |text| AnswerContent::Text(text.0))
}

fn text_of(text: &RawValue) -> Result<AnswerContent<'_>, UnreadableOutput> {
    let text: Option<LenientText<'_>> = serde_json::from_str(text.get())?;
    Ok(plain(text))
}

/// The vector of a record's one text. Titan gives the vector itself, Cohere a list with a vector
/// for each text; both give an object of these by element type where types were asked for, of
/// which `float` counts, else the first (`embeddings` of Cohere Embed, `embeddingsByType` of Titan
/// Text Embeddings V2).
fn embedding_content(vectors: &RawValue) -> Result<AnswerContent<'_>, UnreadableOutput> {
    let mut vectors = vectors;
    if vectors.get().starts_with('{') {
        let mut types: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(vectors.get())?;
        let chosen = types.remove("float");
        match chosen.or_else(|| types.pop_first().map(|(_, first)| first)) {
            Some(chosen) => vectors = chosen,
            None => return Ok(AnswerContent::Empty),
        }
    }
    let is_list_of_lists = vectors
        .get()
        .strip_prefix('[')
        .is_some_and(|items| items.trim_start().starts_with('['));
    let vector = if is_list_of_lists {
        first_candidate::<&RawValue>(vectors)?
    } else {
        Some(vectors)
    };
    Ok(match vector.map(RawValue::get) {
        Some(vector) if vector != "[]" => AnswerContent::Embedding(Cow::Borrowed(vector)),
        _ => AnswerContent::Empty,
    })
}

fn first_candidate<'a, T: Deserialize<'a>>(
    list: &'a RawValue,
) -> Result<Option<T>, UnreadableOutput> {
    let list: Vec<T> = serde_json::from_str(list.get())?;
    Ok(list.into_iter().next())
}

/// A JSON string in which half a surrogate pair is read as U+FFFD: a model that stops in the
/// middle of an emoji must not make the rest of its answer unreadable.
#[derive(Debug, Clone, PartialEq)]
struct LenientText<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for LenientText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = LenientText<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(LenientText(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(LenientText(Cow::Owned(text.to_owned())))
            }

            fn visit_borrowed_bytes<E: de::Error>(
                self,
                bytes: &'de [u8],
            ) -> Result<Self::Value, E> {
                Ok(LenientText(match std::str::from_utf8(bytes) {
                    Ok(text) => Cow::Borrowed(text),
                    Err(_) => Cow::Owned(without_half_pairs(bytes)),
                }))
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(LenientText(Cow::Owned(without_half_pairs(bytes))))
            }
        }

        // Asking for bytes makes the JSON reader hand over half pairs instead of refusing them.
        deserializer.deserialize_bytes(TextVisitor)
    }
}

/// The text of a JSON string in which a half pair stands as the three bytes its code point would
/// have; each becomes one U+FFFD.
fn without_half_pairs(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        // Such a code point starts with ED and is refused byte by byte.
        if chunk.invalid().first().is_some_and(|first| *first == 0xED) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(output: &str) -> AnswerContent<'_> {
        read_output(output).expect("readable").content
    }

    fn text(text: &str) -> AnswerContent<'_> {
        AnswerContent::Text(Cow::Borrowed(text))
    }

    fn tool(json: &str) -> AnswerContent<'_> {
        AnswerContent::Tool(Cow::Borrowed(json))
    }

    #[test]
    fn all_text_blocks_are_joined_and_thinking_is_passed_over() {
        assert_eq!(
            content(
                r#"{"content":[{"type":"thinking","thinking":"{hm}"},{"type":"text","text":"{\"a\":"},{"type":"text","text":"1}"}]}"#
            ),
            text(r#"{"a":1}"#)
        );
        assert_eq!(
            content(
                r#"{"output":{"message":{"content":[{"reasoningContent":{"reasoningText":{"text":"hm"}}},{"text":"a"},{"text":"b"}]}}}"#
            ),
            text("ab")
        );
    }

    #[test]
    fn the_expected_tool_wins_over_text_and_other_tools() {
        assert_eq!(
            content(
                r#"{"content":[{"type":"text","text":"x"},{"type":"tool_use","name":"other","input":{"b":2}},{"type":"tool_use","name":"structured_response","input":{"a": 1}}]}"#
            ),
            tool(r#"{"a": 1}"#)
        );
    }

    #[test]
    fn a_single_tool_of_another_name_is_taken_but_two_are_not() {
        assert_eq!(
            content(r#"{"content":[{"type":"tool_use","name":"other","input":{"b":2}}]}"#),
            tool(r#"{"b":2}"#)
        );
        assert_eq!(
            content(
                r#"{"content":[{"type":"tool_use","name":"o","input":{}},{"type":"tool_use","name":"p","input":{}},{"type":"text","text":"t"}]}"#
            ),
            text("t")
        );
    }

    #[test]
    fn no_content_is_empty_and_empty_text_is_text() {
        assert_eq!(content(r#"{"content":[]}"#), AnswerContent::Empty);
        assert_eq!(
            content(r#"{"content":[{"type":"text","text":""}]}"#),
            text("")
        );
        assert_eq!(
            content(r#"{"generation":null,"outputs":[]}"#),
            AnswerContent::Empty
        );
        assert_eq!(content(r#"{"choices":[]}"#), AnswerContent::Empty);
    }

    #[test]
    fn half_a_surrogate_pair_does_not_lose_the_answer() {
        assert_eq!(
            content(r#"{"content":[{"type":"text","text":"ok \ud83d!"}]}"#),
            text("ok \u{FFFD}!")
        );
    }

    #[test]
    fn an_embedding_is_one_vector_in_every_form() {
        let vector = |json: &'static str| AnswerContent::Embedding(Cow::Borrowed(json));
        for output in [
            r#"{"embedding":[1.5,2]}"#,
            r#"{"embeddingsByType":{"binary":[0,1],"float":[1.5,2]}}"#,
            r#"{"embeddings":[[1.5,2]],"response_type":"embeddings_floats"}"#,
            r#"{"embeddings":{"float":[[1.5,2]]},"response_type":"embeddings_by_type"}"#,
            r#"{"embeddings":{"int8":[[3]],"float":[ [1.5,2] ]}}"#,
        ] {
            assert_eq!(content(output), vector("[1.5,2]"), "{output}");
        }
        assert_eq!(content(r#"{"embeddings":{"int8":[[3]]}}"#), vector("[3]"));
        for output in [
            r#"{"embedding":[]}"#,
            r#"{"embeddings":[]}"#,
            r#"{"embeddings":{}}"#,
        ] {
            assert_eq!(content(output), AnswerContent::Empty, "{output}");
        }
    }

    #[test]
    fn an_unknown_shape_is_named() {
        let error = read_output(r#"{"answer":"x"}"#).expect_err("unknown");
        assert!(matches!(error, UnreadableOutput::UnknownShape));
        assert!(matches!(
            read_output("[1]").expect_err("not an object"),
            UnreadableOutput::Malformed(_)
        ));
        assert!(read_output("").is_err());
    }

    #[test]
    fn stop_reasons_of_all_shapes_tell_a_cut_answer_from_a_refusal() {
        let answer = |stop: &str| ModelAnswer {
            content: AnswerContent::Empty,
            stop_reason: Some(Cow::Owned(stop.to_owned())),
            usage: Usage::default(),
        };
        for stop in ["max_tokens", "length", "LENGTH"] {
            assert!(answer(stop).cut_off(), "{stop}");
            assert!(!answer(stop).refused(), "{stop}");
        }
        for stop in [
            "refusal",
            "content_filtered",
            "CONTENT_FILTERED",
            "guardrail_intervened",
        ] {
            assert!(answer(stop).refused(), "{stop}");
            assert!(!answer(stop).cut_off(), "{stop}");
        }
        for stop in ["end_turn", "tool_use", "stop", "FINISH"] {
            assert!(!answer(stop).cut_off() && !answer(stop).refused(), "{stop}");
        }
    }

    #[test]
    fn an_odd_usage_costs_no_answer() {
        let answer = read_output(
            r#"{"content":[{"type":"text","text":"a"}],"usage":{"input_tokens":"many"}}"#,
        )
        .expect("readable");
        assert_eq!(answer.usage, Usage::default());
    }
}
