//! How the model is held to answering with JSON.

use crate::capabilities::{BodyForm, Capabilities, Invocation};
use crate::schema::{
    StructuredService, ToolInput, careful_tool, claude_tool, structured_output, three_members,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The means by which a request makes the model answer with JSON. The order is that of trying: after a refusal a later
/// one is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// One tool whose input is the schema, and the model must call it.
    ForcedTool,
    /// The service binds the answer text to the schema.
    StructuredOutput,
    /// The assistant turn is begun with `{`; the answer text continues after it. With a schema, the
    /// prompt shows it.
    Prefill,
    /// One tool whose input is the schema; the prompt asks the model to call it.
    OfferedTool,
    /// The prompt shows the schema and asks for JSON that is valid against it.
    SchemaInPrompt,
    /// The user's prompt alone.
    None,
}

impl Enforcement {
    /// Whether the answer text lacks the `{` that was given to the model.
    pub const fn is_prefilled(self) -> bool {
        matches!(self, Self::Prefill)
    }

    /// Whether the model is given a tool.
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

/// The ways in which a model can be held to JSON, the most certain first; never empty.
///
/// With a schema to be held to: a forced tool call, which takes any JSON Schema; structured output; a prefill; an
/// offered tool; the schema in the prompt. Without one: a prefill, then the prompt alone. Embedding models are never
/// held to anything. `thinking` says whether the model thinks in this run: a prefill is then refused (Claude
/// documentation, "Extended thinking"), and a forced tool call by some models.
///
/// A schema can rule ways out as well; see `takes_schema`.
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

/// Whether a schema can be given to the model by `way`: a tool's names, the size of a schema with its definitions
/// in place and what a grammar can hold are limited.
pub(crate) fn takes_schema(way: Enforcement, capabilities: &Capabilities, schema: &Value) -> bool {
    match way {
        Enforcement::ForcedTool | Enforcement::OfferedTool => {
            tool_input(capabilities, schema).is_some()
        }
        Enforcement::StructuredOutput => bound_schema(capabilities, schema).is_some(),
        Enforcement::Prefill | Enforcement::SchemaInPrompt | Enforcement::None => true,
    }
}

/// The input of a tool that takes the schema.
pub(crate) fn tool_input(capabilities: &Capabilities, schema: &Value) -> Option<ToolInput> {
    match (capabilities.body, capabilities.invocation) {
        (BodyForm::AnthropicMessages, _) => claude_tool(schema),
        // Amazon Nova's own body: its names may be any.
        (_, Invocation::InvokeModel) => three_members(schema).map(|schema| ToolInput {
            schema,
            renamed: Vec::new(),
        }),
        (_, Invocation::Converse) => careful_tool(schema),
    }
}

/// The schema that structured output is bound to.
pub(crate) fn bound_schema(capabilities: &Capabilities, schema: &Value) -> Option<Value> {
    let service = match capabilities.body {
        BodyForm::AnthropicMessages => StructuredService::Claude,
        _ => StructuredService::Converse,
    };
    structured_output(schema, service)
}
