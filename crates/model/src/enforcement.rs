//! The means of making a model answer with JSON.

use crate::capabilities::{BodyForm, Capabilities, Invocation};
use crate::schema::{
    StructuredService, ToolInput, careful_tool, claude_tool, structured_output, three_members,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The means by which a request makes the model answer with JSON, in the order of preference. After
/// a refusal a later one is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// There is one tool, whose input is the schema, and the model must call it.
    ForcedTool,
    /// The service binds the answer text to the schema.
    StructuredOutput,
    /// The assistant turn begins with `{`, and the answer text continues after it. If there is a
    /// schema, the prompt shows it.
    Prefill,
    /// There is one tool, whose input is the schema, and the prompt asks the model to call it.
    OfferedTool,
    /// The prompt shows the schema and asks for JSON that is valid against it.
    SchemaInPrompt,
    /// There is only the user's prompt.
    None,
}

impl Enforcement {
    /// Whether the answer text lacks the `{` because it was given to the model.
    pub const fn is_prefilled(self) -> bool {
        matches!(self, Self::Prefill)
    }

    /// Whether the request has a tool.
    pub const fn has_tool(self) -> bool {
        matches!(self, Self::ForcedTool | Self::OfferedTool)
    }
}

impl fmt::Display for Enforcement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ForcedTool => "a forced tool call",
            Self::StructuredOutput => "structured output",
            Self::Prefill => "a prefill",
            Self::OfferedTool => "an offered tool",
            Self::SchemaInPrompt => "the schema in the prompt",
            Self::None => "the prompt alone",
        })
    }
}

/// Returns the means that a model accepts, the most certain first; never empty.
///
/// With a schema to enforce: a forced tool call, which takes any JSON Schema; structured output; a
/// prefill; an offered tool; the schema in the prompt. Without one: a prefill, then the prompt
/// alone. For embedding models there are no means. `thinking` says whether the model thinks in this
/// run. If so, a prefill is refused (Claude documentation, "Extended thinking"), and some models
/// refuse a forced tool call.
///
/// A schema can exclude means as well; see `takes_schema`.
pub fn ways(capabilities: &Capabilities, has_schema: bool, thinking: bool) -> Vec<Enforcement> {
    if capabilities.body.is_embedding() {
        return vec![Enforcement::None];
    }
    let prefill = capabilities.prefill && !thinking;
    let forced_tool =
        capabilities.forced_tool && (!thinking || capabilities.forced_tool_with_thinking);
    let all = [
        (Enforcement::ForcedTool, has_schema && forced_tool),
        (
            Enforcement::StructuredOutput,
            has_schema && capabilities.structured_output,
        ),
        (Enforcement::Prefill, prefill),
        (Enforcement::OfferedTool, has_schema && capabilities.tools),
        (Enforcement::SchemaInPrompt, has_schema),
        (Enforcement::None, !has_schema),
    ];
    all.into_iter()
        .filter_map(|(way, is_open)| is_open.then_some(way))
        .collect()
}

/// Whether the model accepts the schema by `way`. There are limits on a tool's names, on the size
/// of a schema with its definitions in place and on the contents of a grammar.
pub(crate) fn takes_schema(way: Enforcement, capabilities: &Capabilities, schema: &Value) -> bool {
    match way {
        Enforcement::ForcedTool | Enforcement::OfferedTool => {
            tool_input(capabilities, schema).is_some()
        }
        Enforcement::StructuredOutput => bound_schema(capabilities, schema).is_some(),
        Enforcement::Prefill | Enforcement::SchemaInPrompt | Enforcement::None => true,
    }
}

/// Returns the input of a tool for the schema; `None` if there is no such tool.
pub(crate) fn tool_input(capabilities: &Capabilities, schema: &Value) -> Option<ToolInput> {
    match (capabilities.body, capabilities.invocation) {
        (BodyForm::AnthropicMessages, _) => claude_tool(schema),
        // Amazon Nova's own body accepts any names.
        (_, Invocation::InvokeModel) => three_members(schema).map(|schema| ToolInput {
            schema,
            renamed: Vec::new(),
        }),
        (_, Invocation::Converse) => careful_tool(schema),
    }
}

/// Returns the schema for structured output; `None` if there is none.
pub(crate) fn bound_schema(capabilities: &Capabilities, schema: &Value) -> Option<Value> {
    let service = match capabilities.body {
        BodyForm::AnthropicMessages => StructuredService::Claude,
        _ => StructuredService::Converse,
    };
    structured_output(schema, service)
}
