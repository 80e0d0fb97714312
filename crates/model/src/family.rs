//! From a model id to its family. What names no model is [`Family::Unknown`].

use crate::capabilities::{BodyForm, Capabilities, Invocation, Thinking};
use crate::name::ModelName;

/// A group of models that take the same request body and accept the same options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Anthropic Claude, with the version its name carries (`claude-opus-4-1-…` is 4.1,
    /// `claude-sonnet-4-2025…` is 4.0).
    Claude {
        /// Generation: 3, 4, 5, …
        major: u16,
        /// Step within the generation; 0 when the name has none.
        minor: u16,
    },
    /// A Claude model whose name carries no version we can read: treated like the newest ones,
    /// which accept the least.
    ClaudeUnversioned,
    /// Amazon Nova understanding models.
    Nova,
    /// Amazon Titan text embeddings.
    TitanEmbedding,
    /// Cohere Embed.
    CohereEmbedding,
    /// Meta Llama.
    Llama,
    /// Mistral AI.
    Mistral,
    /// A model of a known provider without a row of its own: asked through Converse.
    Other,
    /// The id names no model (application inference profile, custom model, free text): asked
    /// through Converse unless the settings say more.
    Unknown,
}

impl Family {
    /// Finds the family of a model id, inference profile id or ARN, in any AWS partition.
    ///
    /// Never fails: what cannot be recognised is [`Family::Unknown`], and its capabilities can be
    /// given by hand ([`crate::CapabilityOverrides`]).
    pub fn of(model_id: &str) -> Self {
        let Some(ModelName {
            provider, model, ..
        }) = ModelName::of(model_id)
        else {
            return Self::Unknown;
        };
        match provider {
            "anthropic" => claude(model),
            "amazon" if model.starts_with("nova-") => Self::Nova,
            "amazon" if model.starts_with("titan-embed") => Self::TitanEmbedding,
            "cohere" if model.starts_with("embed") => Self::CohereEmbedding,
            "meta" => Self::Llama,
            "mistral" => Self::Mistral,
            _ => Self::Other,
        }
    }

    /// What the family accepts.
    ///
    /// Sources: AWS Bedrock user guide and model cards. Claude refuses `temperature` together
    /// with `top_p` from 4.1 on, an assistant prefill from 4.6 on, and any sampling parameter
    /// from 4.7 on; structured output came to Claude with 4.5. A batch job of Converse bodies is
    /// documented to fail records with `toolConfig`, so families asked that way use no tools.
    pub fn capabilities(self) -> Capabilities {
        let converse = Capabilities {
            invocation: Invocation::Converse,
            body: BodyForm::Converse,
            prefill: false,
            sampling: true,
            temperature_with_top_p: true,
            tools: false,
            forced_tool: false,
            forced_tool_with_thinking: false,
            structured_output: false,
            thinking: Thinking::None,
            effort: false,
            flex: false,
            priority: false,
            images: false,
            batch: true,
            max_input_tokens: None,
            max_output_tokens: None,
        };
        match self {
            Self::Claude { major, minor } => {
                let version = (major, minor);
                Capabilities {
                    invocation: Invocation::InvokeModel,
                    body: BodyForm::AnthropicMessages,
                    prefill: version < (4, 6),
                    tools: version >= (3, 0),
                    forced_tool: version >= (3, 0),
                    structured_output: version >= (4, 5),
                    sampling: version < (4, 7),
                    temperature_with_top_p: version < (4, 1),
                    ..converse
                }
            }
            Self::ClaudeUnversioned => Self::Claude {
                major: u16::MAX,
                minor: 0,
            }
            .capabilities(),
            // Nova takes the Converse members as its own body, and that way tools work in batch.
            // The ceiling is that of its first generation; source: Nova user guide, "What is Amazon Nova".
            Self::Nova => Capabilities {
                invocation: Invocation::InvokeModel,
                max_output_tokens: Some(10_000),
                tools: true,
                forced_tool: true,
                ..converse
            },
            Self::TitanEmbedding => Capabilities {
                invocation: Invocation::InvokeModel,
                body: BodyForm::TitanEmbedding,
                sampling: false,
                temperature_with_top_p: false,
                ..converse
            },
            Self::CohereEmbedding => Capabilities {
                invocation: Invocation::InvokeModel,
                body: BodyForm::CohereEmbedding,
                sampling: false,
                temperature_with_top_p: false,
                ..converse
            },
            // The ceiling of Llama 3.1 to 3.3, the lowest of its models (Bedrock model cards).
            Self::Llama => Capabilities {
                max_output_tokens: Some(4_096),
                ..converse
            },
            Self::Mistral | Self::Other | Self::Unknown => converse,
        }
    }
}

/// Reads the version from a Claude model name.
///
/// Names come as `claude-<major>[-<minor>]-<tier>-<date>` (generation 3),
/// `claude-<tier>-<major>[-<minor>][-<date>]` (4 and later) and `claude-v2`, `claude-instant-v1`.
fn claude(model: &str) -> Family {
    let name = model.split(':').next().unwrap_or(model);
    if name.starts_with("claude-instant") || name.starts_with("claude-v") {
        return Family::Claude { major: 2, minor: 0 };
    }
    let mut version = name.split('-').filter_map(|part| {
        // Dates have eight digits; a version number has one or two.
        (part.len() <= 2).then(|| part.parse::<u16>().ok())?
    });
    match version.next() {
        Some(major) => Family::Claude {
            major,
            minor: version.next().unwrap_or(0),
        },
        None => Family::ClaudeUnversioned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claude(major: u16, minor: u16) -> Family {
        Family::Claude { major, minor }
    }

    #[test]
    fn every_way_to_name_a_model_leads_to_its_family() {
        for (id, family) in [
            ("anthropic.claude-v2:1", claude(2, 0)),
            ("anthropic.claude-instant-v1", claude(2, 0)),
            ("anthropic.claude-3-haiku-20240307-v1:0", claude(3, 0)),
            ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", claude(3, 5)),
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", claude(3, 7)),
            ("anthropic.claude-sonnet-4-20250514-v1:0", claude(4, 0)),
            (
                "global.anthropic.claude-sonnet-4-20250514-v1:0",
                claude(4, 0),
            ),
            ("us.anthropic.claude-opus-4-1-20250805-v1:0", claude(4, 1)),
            (
                "anthropic.claude-sonnet-4-5-20250929-v1:0:200k",
                claude(4, 5),
            ),
            ("anthropic.claude-haiku-4-5-20251001-v1:0", claude(4, 5)),
            ("jp.anthropic.claude-sonnet-4-6", claude(4, 6)),
            ("anthropic.claude-opus-4-6-v1", claude(4, 6)),
            ("anthropic.claude-opus-4-7", claude(4, 7)),
            ("anthropic.claude-sonnet-5", claude(5, 0)),
            ("anthropic.claude-next-preview", Family::ClaudeUnversioned),
            ("us-gov.amazon.nova-lite-v1:0", Family::Nova),
            ("global.amazon.nova-2-lite-v1:0", Family::Nova),
            ("amazon.titan-embed-text-v2:0", Family::TitanEmbedding),
            ("amazon.titan-text-express-v1", Family::Other),
            ("cohere.embed-multilingual-v3", Family::CohereEmbedding),
            ("us.cohere.embed-v4:0", Family::CohereEmbedding),
            ("cohere.command-r-plus-v1:0", Family::Other),
            ("apac.meta.llama3-2-1b-instruct-v1:0", Family::Llama),
            ("mistral.mistral-large-2407-v1:0", Family::Mistral),
            ("openai.gpt-oss-120b-1:0", Family::Other),
            ("zai.glm-4.7", Family::Other),
            ("new.qwen.qwen3-32b-v1:0", Family::Other),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
                claude(3, 0),
            ),
            (
                "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-pro-v1:0",
                Family::Nova,
            ),
            (
                "arn:aws-cn:bedrock:cn-north-1:123456789012:inference-profile/global.anthropic.claude-opus-4-5-20251101-v1:0",
                claude(4, 5),
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
                Family::Unknown,
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0/abc",
                Family::Unknown,
            ),
            ("arn:aws:bedrock:us-east-1", Family::Unknown),
            ("claude-3-haiku", Family::Unknown),
            ("", Family::Unknown),
            ("...", Family::Unknown),
        ] {
            assert_eq!(Family::of(id), family, "{id}");
        }
    }

    #[test]
    fn claude_accepts_less_with_each_generation() {
        let both = |id: &str| Family::of(id).capabilities().temperature_with_top_p;
        assert!(both("anthropic.claude-sonnet-4-20250514-v1:0"));
        assert!(both("anthropic.claude-3-5-sonnet-20240620-v1:0"));
        assert!(!both("anthropic.claude-opus-4-1-20250805-v1:0"));
        assert!(!both("anthropic.claude-haiku-4-5-20251001-v1:0"));

        let prefill = |id: &str| Family::of(id).capabilities().prefill;
        assert!(prefill("anthropic.claude-haiku-4-5-20251001-v1:0"));
        assert!(!prefill("anthropic.claude-sonnet-4-6"));
        assert!(!prefill("anthropic.claude-opus-5"));
        assert!(!prefill("anthropic.claude-next-preview"));

        let sampling = |id: &str| Family::of(id).capabilities().sampling;
        assert!(sampling("anthropic.claude-sonnet-4-6"));
        assert!(!sampling("anthropic.claude-opus-4-7"));
    }
}
