//! The content of each shape of output: the blocks, choices, candidates or vectors that contain the
//! answer.

use super::content::{AnswerContent, UnreadableOutput};
use super::end::AnswerEnd;
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

pub(super) fn chat_choices(choices: JsonText<'_>) -> Result<Candidate<'_>, UnreadableOutput> {
    let contents = candidates::<Choice<'_>>(choices)?
        .into_iter()
        .map(chat_choice)
        .collect::<Result<_, _>>()?;
    Ok(one_of(contents))
}

fn chat_choice(choice: Choice<'_>) -> Result<Candidate<'_>, UnreadableOutput> {
    let stop = choice.finish_reason.or(choice.stop_reason);
    let Some(Object(message)) = choice.message else {
        return Ok((plain(choice.text), stop, None));
    };
    // The shape does not say whether text stands before or behind the calls; models write it before.
    let mut blocks = Vec::new();
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
    for Object(call) in message.tool_calls.into_iter().flatten() {
        let Object(function) = call.function;
        blocks.push(Block::Tool {
            named: function.name.as_deref() == Some(TOOL_NAME),
            input: function.arguments.0,
        });
    }
    Ok((answer_of(blocks), stop, None))
}

/// Returns the answer of all candidates. Those without content do not count, unless there are no others.
/// The stop reason is the first one that says that the model may not have been done, or that it
/// declined, or else that of the first candidate.
pub(super) fn one_of(candidates: Vec<Candidate<'_>>) -> Candidate<'_> {
    let (mut first_stop, mut odd_stop) = (None, None);
    let (mut blank, mut said) = (None, Vec::new());
    for (content, stop, _) in candidates {
        let is_complete =
            |stop: &LenientText<'_>| AnswerEnd::of(Some(&stop.0)) == AnswerEnd::Complete;
        if odd_stop.is_none() && stop.as_ref().is_some_and(|stop| !is_complete(stop)) {
            odd_stop = stop;
        } else if first_stop.is_none() {
            first_stop = stop;
        }
        let is_blank = match &content {
            AnswerContent::Empty => true,
            AnswerContent::Text(text) => text.trim().is_empty(),
            _ => false,
        };
        if is_blank {
            blank.get_or_insert(content);
        } else if !said.contains(&content) {
            said.push(content);
        }
    }
    let content = match said.len() {
        0 | 1 => said.pop().or(blank).unwrap_or_default(),
        _ => AnswerContent::Candidates(said),
    };
    (content, odd_stop.or(first_stop), None)
}

/// A content block that can contain the answer.
enum Block<'a> {
    Text(LenientText<'a>),
    Tool { named: bool, input: Cow<'a, str> },
}

fn answer_of<'a>(blocks: impl IntoIterator<Item = Block<'a>>) -> AnswerContent<'a> {
    let mut text: Option<Cow<'a, str>> = None;
    let mut tools: Vec<(bool, Cow<'a, str>)> = Vec::new();
    // Where in the text the last call is, of the name and of any.
    let (mut behind_named, mut behind_any) = (0, 0);
    for block in blocks {
        match block {
            Block::Text(more) => match &mut text {
                None => text = Some(more.0),
                Some(text) => text.to_mut().push_str(&more.0),
            },
            Block::Tool { named, input } => {
                behind_any = text.as_ref().map_or(0, |text| text.len());
                if named {
                    behind_named = behind_any;
                }
                tools.push((named, input));
            }
        }
    }
    let is_named = tools.iter().any(|(named, _)| *named);
    let behind = if is_named { behind_named } else { behind_any };
    match calls_of(tools, is_named) {
        None => text.map_or(AnswerContent::Empty, AnswerContent::Text),
        Some(calls) => match text.and_then(|text| behind_calls(text, behind)) {
            None => calls,
            Some(text) => AnswerContent::Followed {
                calls: Box::new(calls),
                text,
            },
        },
    }
}

/// Returns the text from a place on, unless it is blank.
fn behind_calls(text: Cow<'_, str>, from: usize) -> Option<Cow<'_, str>> {
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(from..)?),
        Cow::Owned(text) => Cow::Owned(text.get(from..)?.to_owned()),
    };
    (!text.trim().is_empty()).then_some(text)
}

/// Returns the calls that are the answer: those of the expected name, or else the only one.
fn calls_of(mut tools: Vec<(bool, Cow<'_, str>)>, is_named: bool) -> Option<AnswerContent<'_>> {
    if is_named {
        let mut inputs: Vec<Cow<'_, str>> = Vec::new();
        for (_, input) in tools.into_iter().filter(|(named, _)| *named) {
            if !inputs.contains(&input) {
                inputs.push(input);
            }
        }
        return Some(match <[_; 1]>::try_from(inputs) {
            Ok([input]) => AnswerContent::Tool(input),
            Err(inputs) => AnswerContent::Tools(inputs),
        });
    }
    let [_] = tools.as_slice() else {
        return None;
    };
    tools.pop().map(|(_, input)| AnswerContent::Tool(input))
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

pub(super) fn candidates<'a, T: Deserialize<'a>>(
    JsonText(list): JsonText<'a>,
) -> Result<Vec<T>, UnreadableOutput> {
    let list: Vec<Object<T>> = serde_json::from_str(list)?;
    Ok(list.into_iter().map(|Object(one)| one).collect())
}

fn first_vector(list: &str) -> Result<Option<&str>, UnreadableOutput> {
    let list: Vec<JsonText<'_>> = serde_json::from_str(list)?;
    Ok(list.first().map(|first| first.0))
}
