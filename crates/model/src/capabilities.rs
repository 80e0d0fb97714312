//! What a model accepts, as plain data that settings can override.

use serde::{Deserialize, Serialize};

/// The Bedrock operation whose request body a record carries (`modelInvocationType` of a batch
/// job, and the operation used on demand).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Invocation {
    /// `InvokeModel`: the model's own request body.
    InvokeModel,
    /// `Converse`: the common request body, without the model id.
    Converse,
}

impl Invocation {
    /// The value Bedrock uses for `modelInvocationType`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvokeModel => "InvokeModel",
            Self::Converse => "Converse",
        }
    }
}

/// The shape of the request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyForm {
    /// Anthropic Messages with `anthropic_version`.
    AnthropicMessages,
    /// The members of a Converse request; also Amazon Nova's own body.
    Converse,
    /// `{"inputText": …}`.
    TitanEmbedding,
    /// `{"texts": […], "input_type": …}`.
    CohereEmbedding,
}

impl BodyForm {
    /// Whether the model answers with vectors instead of text.
    pub const fn is_embedding(self) -> bool {
        matches!(self, Self::TitanEmbedding | Self::CohereEmbedding)
    }
}

/// What a model accepts. Start from [`crate::Family::capabilities`] and change what settings say
/// otherwise with [`Capabilities::overridden`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each flag is an independent fact about a model, read from one settings row"
)]
pub struct Capabilities {
    /// The operation whose body is sent.
    pub invocation: Invocation,
    /// The shape of that body.
    pub body: BodyForm,
    /// A last assistant turn may be given, which the model continues.
    pub prefill: bool,
    /// A tool call can be forced.
    pub tools: bool,
    /// The answer can be bound to a JSON Schema by the service.
    pub structured_output: bool,
    /// `temperature` and `top_p` are accepted at all.
    pub sampling: bool,
    /// `temperature` and `top_p` are accepted in the same request.
    pub temperature_with_top_p: bool,
}

impl Capabilities {
    /// These capabilities with every value the overrides name replaced.
    #[must_use]
    pub fn overridden(self, overrides: &CapabilityOverrides) -> Self {
        Self {
            invocation: overrides.invocation.unwrap_or(self.invocation),
            body: overrides.body.unwrap_or(self.body),
            prefill: overrides.prefill.unwrap_or(self.prefill),
            tools: overrides.tools.unwrap_or(self.tools),
            structured_output: overrides
                .structured_output
                .unwrap_or(self.structured_output),
            sampling: overrides.sampling.unwrap_or(self.sampling),
            temperature_with_top_p: overrides
                .temperature_with_top_p
                .unwrap_or(self.temperature_with_top_p),
        }
    }
}

/// The part of [`Capabilities`] that settings state by hand, for models whose id says nothing
/// (application inference profiles) or whose behaviour has changed.
///
/// As JSON: an object with any of the members of [`Capabilities`]; an unknown member is an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapabilityOverrides {
    /// See [`Capabilities::invocation`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation: Option<Invocation>,
    /// See [`Capabilities::body`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyForm>,
    /// See [`Capabilities::prefill`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill: Option<bool>,
    /// See [`Capabilities::tools`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// See [`Capabilities::structured_output`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_output: Option<bool>,
    /// See [`Capabilities::sampling`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<bool>,
    /// See [`Capabilities::temperature_with_top_p`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_with_top_p: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Family;

    #[test]
    fn an_unnamed_model_can_be_described_by_hand() {
        let overrides: CapabilityOverrides = serde_json::from_str(
            r#"{"invocation":"InvokeModel","body":"anthropic_messages","tools":true}"#,
        )
        .expect("valid overrides");
        let unknown = Family::Unknown.capabilities();
        let described = unknown.overridden(&overrides);
        assert_eq!(described.invocation, Invocation::InvokeModel);
        assert_eq!(described.body, BodyForm::AnthropicMessages);
        assert!(described.tools);
        assert_eq!(described.prefill, unknown.prefill);
    }

    #[test]
    fn a_misspelt_override_is_refused() {
        let error = serde_json::from_str::<CapabilityOverrides>(r#"{"tool":true}"#)
            .expect_err("unknown member");
        assert!(error.to_string().contains("tool"), "{error}");
    }
}
