//! How the model is held to answering with JSON.

use crate::capabilities::Capabilities;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The means by which a request makes the model answer with JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// One tool whose input is the schema, and the model must call it.
    ForcedTool,
    /// The service binds the answer text to the schema.
    StructuredOutput,
    /// The assistant turn is begun with `{`; the answer text continues after it.
    Prefill,
    /// One tool whose input is the schema; the prompt asks the model to call it.
    OfferedTool,
    /// The prompt shows the schema and asks for JSON that is valid against it.
    SchemaInPrompt,
    /// The prompt text alone.
    None,
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

impl Enforcement {
    /// Whether the answer text lacks the `{` that was given to the model.
    pub const fn is_prefilled(self) -> bool {
        matches!(self, Self::Prefill)
    }
}

/// Chooses the enforcement for a model.
///
/// With a schema and `use_structured_output` (the setting `BEDROCK_USE_STRUCTURED_OUTPUT`): a
/// forced tool call where the model has tools, else structured output where it has that. In every
/// other case a prefill where the model accepts it, else the prompt alone. A forced tool goes
/// first because it takes any JSON Schema, while structured output refuses some keywords.
/// Embedding models are never enforced.
pub const fn choose_enforcement(
    capabilities: &Capabilities,
    has_schema: bool,
    use_structured_output: bool,
) -> Enforcement {
    if capabilities.body.is_embedding() {
        return Enforcement::None;
    }
    if has_schema && use_structured_output {
        if capabilities.forced_tool {
            return Enforcement::ForcedTool;
        }
        if capabilities.structured_output {
            return Enforcement::StructuredOutput;
        }
    }
    if capabilities.prefill {
        Enforcement::Prefill
    } else {
        Enforcement::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Family;

    #[test]
    fn a_schema_and_the_setting_are_both_needed_for_a_tool() {
        let claude = Family::Claude { major: 4, minor: 0 }.capabilities();
        assert_eq!(
            choose_enforcement(&claude, true, true),
            Enforcement::ForcedTool
        );
        assert_eq!(
            choose_enforcement(&claude, true, false),
            Enforcement::Prefill
        );
        assert_eq!(
            choose_enforcement(&claude, false, true),
            Enforcement::Prefill
        );
    }

    #[test]
    fn a_model_is_never_asked_for_what_it_refuses() {
        let newest = Family::ClaudeUnversioned.capabilities();
        assert_eq!(
            choose_enforcement(&newest, false, true),
            Enforcement::None,
            "no prefill from 4.6 on"
        );
        let llama = Family::Llama.capabilities();
        assert_eq!(choose_enforcement(&llama, true, true), Enforcement::None);
        let without_tools = Capabilities {
            forced_tool: false,
            ..newest
        };
        assert_eq!(
            choose_enforcement(&without_tools, true, true),
            Enforcement::StructuredOutput
        );
        let embedding = Capabilities {
            prefill: true,
            forced_tool: true,
            ..Family::TitanEmbedding.capabilities()
        };
        assert_eq!(
            choose_enforcement(&embedding, true, true),
            Enforcement::None
        );
    }
}
