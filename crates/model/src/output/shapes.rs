//! The content of each shape of output: the blocks, choices, candidates or vectors that contain the
//! answer.

use super::content::{AnswerContent, UnreadableOutput};
use super::lenient::LenientText;
use super::plain::{JsonText, PlainMember, members_named, objects_of, plain_objects, present};
use crate::object::Object;
use crate::request::TOOL_NAME;
use crate::usage::{Count, Usage};
use crate::walk::plain_text;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct AnthropicBlock<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<LenientText<'a>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input: Option<JsonText<'a>>,
}

impl<'a> AnthropicBlock<'a> {
    fn read_plain(block: &'a str) -> Option<Self> {
        let [kind, text, name, input] = members_named(block, ["type", "text", "name", "input"])?;
        Some(Self {
            kind: Cow::Borrowed(plain_text(kind?.0)?),
            text: PlainMember::read(text)?,
            name: PlainMember::read(name)?,
            input: present(input),
        })
    }
}

pub(super) fn anthropic_content(
    blocks: JsonText<'_>,
) -> Result<AnswerContent<'_>, UnreadableOutput> {
    let blocks = objects_of(blocks, AnthropicBlock::read_plain)?;
    Ok(answer_of(blocks.into_iter().filter_map(
        |block| match &*block.kind {
            "text" => block.text.map(Block::Text),
            "tool_use" => Some(Block::Tool {
                named: block.name.as_deref() == Some(TOOL_NAME),
                input: Cow::Borrowed(block.input.map_or("null", |input| input.0)),
            }),
            _ => None,
        },
    )))
}

#[derive(Deserialize)]
struct ConverseOutput<'a> {
    #[serde(borrow, default)]
    message: Option<Object<ConverseMessage<'a>>>,
}

#[derive(Deserialize)]
struct ConverseMessage<'a> {
    #[serde(borrow, default)]
    content: Vec<Object<ConverseBlock<'a>>>,
}

#[derive(Deserialize)]
struct ConverseBlock<'a> {
    #[serde(borrow, default)]
    text: Option<LenientText<'a>>,
    #[serde(borrow, default, rename = "toolUse")]
    tool_use: Option<Object<ConverseTool<'a>>>,
}

#[derive(Deserialize)]
struct ConverseTool<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input: Option<JsonText<'a>>,
}

/// Returns the content blocks of an output in its usual form.
fn plain_converse_blocks(output: &str) -> Option<Vec<ConverseBlock<'_>>> {
    let [message] = members_named(output, ["message"])?;
    let [content] = members_named(message?.0, ["content"])?;
    plain_objects(content?, |block| {
        let [text, tool] = members_named(block, ["text", "toolUse"])?;
        let tool_use = match present(tool) {
            None => None,
            Some(tool) => {
                let [name, input] = members_named(tool.0, ["name", "input"])?;
                Some(Object(ConverseTool {
                    name: PlainMember::read(name)?,
                    input: present(input),
                }))
            }
        };
        Some(ConverseBlock {
            text: PlainMember::read(text)?,
            tool_use,
        })
    })
}

pub(super) fn converse_content(
    JsonText(output): JsonText<'_>,
) -> Result<AnswerContent<'_>, UnreadableOutput> {
    let blocks = if let Some(blocks) = plain_converse_blocks(output) {
        blocks
    } else {
        let Object(output): Object<ConverseOutput<'_>> = serde_json::from_str(output)?;
        let blocks = output.message.map(|Object(message)| message.content);
        let blocks = blocks.into_iter().flatten();
        blocks.map(|Object(block)| block).collect()
    };
    Ok(answer_of(blocks.into_iter().filter_map(|block| {
        match (block.tool_use, block.text) {
            (Some(Object(tool)), _) => Some(Block::Tool {
                named: tool.name.as_deref() == Some(TOOL_NAME),
                input: Cow::Borrowed(tool.input.map_or("null", |input| input.0)),
            }),
            (None, text) => text.map(Block::Text),
        }
    })))
}

#[derive(Deserialize)]
pub(super) struct MistralOutput<'a> {
    #[serde(borrow, default)]
    pub(super) text: Option<LenientText<'a>>,
    #[serde(borrow, default)]
    pub(super) stop_reason: Option<LenientText<'a>>,
}

#[derive(Deserialize)]
pub(super) struct CohereGeneration<'a> {
    #[serde(borrow, default)]
    pub(super) text: Option<LenientText<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<LenientText<'a>>,
}

#[derive(Deserialize)]
pub(super) struct TitanResult<'a> {
    #[serde(borrow, default, rename = "outputText")]
    pub(super) output_text: Option<LenientText<'a>>,
    #[serde(borrow, default, rename = "completionReason")]
    pub(super) completion_reason: Option<LenientText<'a>>,
    #[serde(default, rename = "tokenCount")]
    pub(super) token_count: Option<Count>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    message: Option<Object<ChatMessage<'a>>>,
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
    content: Option<JsonText<'a>>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<Object<ChatToolCall<'a>>>>,
}

#[derive(Deserialize)]
struct ChatToolCall<'a> {
    #[serde(borrow)]
    function: Object<ChatFunction<'a>>,
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

pub(super) type Candidate<'a> = (AnswerContent<'a>, Option<LenientText<'a>>, Option<Usage>);

pub(super) fn chat_choice(choices: JsonText<'_>) -> Result<Candidate<'_>, UnreadableOutput> {
    let Some(choice) = first_candidate::<Choice<'_>>(choices)? else {
        return Ok((AnswerContent::Empty, None, None));
    };
    let stop = choice.finish_reason.or(choice.stop_reason);
    let Some(Object(message)) = choice.message else {
        return Ok((plain(choice.text), stop, None));
    };
    let mut blocks = Vec::new();
    for Object(call) in message.tool_calls.into_iter().flatten() {
        let Object(function) = call.function;
        blocks.push(Block::Tool {
            named: function.name.as_deref() == Some(TOOL_NAME),
            input: function.arguments.0,
        });
    }
    match message.content.map(|content| content.0) {
        None | Some("null") => {}
        Some(parts) if parts.starts_with('[') => {
            let parts: Vec<Object<ChatPart<'_>>> = serde_json::from_str(parts)?;
            blocks.extend(
                parts
                    .into_iter()
                    .filter_map(|Object(part)| part.text.map(Block::Text)),
            );
        }
        Some(text) => blocks.push(Block::Text(serde_json::from_str(text)?)),
    }
    Ok((answer_of(blocks), stop, None))
}

/// A content block that can contain the answer.
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
    if tools.iter().any(|(named, _)| *named) {
        let mut inputs: Vec<Cow<'a, str>> = Vec::new();
        for (_, input) in tools.into_iter().filter(|(named, _)| *named) {
            if !inputs.contains(&input) {
                inputs.push(input);
            }
        }
        return match <[_; 1]>::try_from(inputs) {
            Ok([input]) => AnswerContent::Tool(input),
            Err(inputs) => AnswerContent::Tools(inputs),
        };
    }
    if let [_] = tools.as_slice()
        && let Some((_, input)) = tools.pop()
    {
        return AnswerContent::Tool(input);
    }
    text.map_or(AnswerContent::Empty, AnswerContent::Text)
}

pub(super) fn plain(text: Option<LenientText<'_>>) -> AnswerContent<'_> {
    text.map_or(AnswerContent::Empty, |text| AnswerContent::Text(text.0))
}

pub(super) fn text_of(JsonText(text): JsonText<'_>) -> Result<AnswerContent<'_>, UnreadableOutput> {
    let text: Option<LenientText<'_>> = serde_json::from_str(text)?;
    Ok(plain(text))
}

/// Returns the vector of a record's only text. Titan returns the vector itself, Cohere a list with
/// a vector for each text. If the request names element types, both return an object of these by
/// type (`embeddings` of Cohere Embed, `embeddingsByType` of Titan Text Embeddings V2), in which
/// `float` counts, or else the first.
pub(super) fn embedding_content(
    JsonText(vectors): JsonText<'_>,
) -> Result<AnswerContent<'_>, UnreadableOutput> {
    let mut vectors = vectors;
    if vectors.starts_with('{') {
        let mut types: BTreeMap<Cow<'_, str>, JsonText<'_>> = serde_json::from_str(vectors)?;
        let chosen = types.remove("float");
        match chosen.or_else(|| types.pop_first().map(|(_, first)| first)) {
            Some(chosen) => vectors = chosen.0,
            None => return Ok(AnswerContent::Empty),
        }
    }
    let is_list_of_lists = vectors
        .strip_prefix('[')
        .is_some_and(|items| items.trim_start().starts_with('['));
    let vector = if is_list_of_lists {
        first_vector(vectors)?
    } else {
        Some(vectors)
    };
    Ok(match vector {
        Some(vector) if vector != "[]" => AnswerContent::Embedding(Cow::Borrowed(vector)),
        _ => AnswerContent::Empty,
    })
}

pub(super) fn first_candidate<'a, T: Deserialize<'a>>(
    JsonText(list): JsonText<'a>,
) -> Result<Option<T>, UnreadableOutput> {
    let list: Vec<Object<T>> = serde_json::from_str(list)?;
    Ok(list.into_iter().next().map(|Object(first)| first))
}

fn first_vector(list: &str) -> Result<Option<&str>, UnreadableOutput> {
    let list: Vec<JsonText<'_>> = serde_json::from_str(list)?;
    Ok(list.first().map(|first| first.0))
}
