//! The capabilities of a model, as plain data that settings can override.

use crate::date::Date;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The Bedrock operation whose request body a record carries: `modelInvocationType` of a batch job,
/// and the operation on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Invocation {
    /// `InvokeModel`: the model's own request body.
    InvokeModel,
    /// `Converse`: the common request body, without the model id.
    Converse,
}

impl Invocation {
    /// The value of `modelInvocationType`.
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
    /// Whether the model returns vectors instead of text.
    pub const fn is_embedding(self) -> bool {
        matches!(self, Self::TitanEmbedding | Self::CohereEmbedding)
    }
}

/// When a model thinks before it answers. Thinking is billed as output and counts towards the
/// tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// Never.
    None,
    /// Only if a request says so.
    OffByDefault,
    /// Unless a request says otherwise.
    OnByDefault,
    /// Always.
    Always,
}

/// What a model accepts: [`crate::KnownModel::capabilities`], which settings may override.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each flag is an independent fact about a model, read from one row of the table"
)]
pub struct Capabilities {
    /// The operation whose body is sent.
    pub invocation: Invocation,
    /// The shape of that body.
    pub body: BodyForm,
    /// The request may end with an assistant turn, which the model continues.
    pub prefill: bool,
    /// `temperature` and `top_p` are accepted.
    pub sampling: bool,
    /// `temperature` and `top_p` are accepted in the same request.
    pub temperature_with_top_p: bool,
    /// The request may have tools.
    pub tools: bool,
    /// A tool call can be forced.
    pub forced_tool: bool,
    /// A tool call can be forced while the model thinks.
    pub forced_tool_with_thinking: bool,
    /// The service can bind the answer text to a JSON Schema, in this operation.
    pub structured_output: bool,
    /// When the model thinks before it answers.
    pub thinking: Thinking,
    /// The effort of an answer can be set.
    pub effort: bool,
    /// The model is served in the tier `flex`.
    pub flex: bool,
    /// The model is served in the tier `priority`.
    pub priority: bool,
    /// The request may have images.
    pub images: bool,
    /// Batch jobs accept the model.
    pub batch: bool,
    /// The largest context, in tokens; none if it is not known.
    pub max_input_tokens: Option<u64>,
    /// The largest answer, in tokens; none if it is not known.
    pub max_output_tokens: Option<u64>,
}

impl Capabilities {
    /// Returns these capabilities with every value replaced that the overrides name.
    ///
    /// An override that only names `tools` also applies to forced calls. If a model always thinks,
    /// a call that can be forced can also be forced while it thinks.
    #[must_use]
    pub fn overridden(self, overrides: &CapabilityOverrides) -> Self {
        let thinking = overrides.thinking.unwrap_or(self.thinking);
        let forced = overrides.forced_tool.or(overrides.tools);
        let forced_as_it_thinks = forced.filter(|forced| *forced && thinking == Thinking::Always);
        Self {
            invocation: overrides.invocation.unwrap_or(self.invocation),
            body: overrides.body.unwrap_or(self.body),
            prefill: overrides.prefill.unwrap_or(self.prefill),
            sampling: overrides.sampling.unwrap_or(self.sampling),
            temperature_with_top_p: overrides
                .temperature_with_top_p
                .unwrap_or(self.temperature_with_top_p),
            tools: overrides.tools.unwrap_or(self.tools),
            forced_tool: forced.unwrap_or(self.forced_tool),
            forced_tool_with_thinking: overrides
                .forced_tool_with_thinking
                .or(forced_as_it_thinks)
                .unwrap_or(self.forced_tool_with_thinking),
            structured_output: overrides
                .structured_output
                .unwrap_or(self.structured_output),
            thinking,
            effort: overrides.effort.unwrap_or(self.effort),
            flex: overrides.flex.unwrap_or(self.flex),
            priority: overrides.priority.unwrap_or(self.priority),
            images: overrides.images.unwrap_or(self.images),
            batch: overrides.batch.unwrap_or(self.batch),
            max_input_tokens: overrides.max_input_tokens.or(self.max_input_tokens),
            max_output_tokens: overrides.max_output_tokens.or(self.max_output_tokens),
        }
    }
}

/// The part of [`Capabilities`] that settings state, for models whose id does not name the model
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
    /// See [`Capabilities::sampling`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<bool>,
    /// See [`Capabilities::temperature_with_top_p`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_with_top_p: Option<bool>,
    /// See [`Capabilities::tools`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// See [`Capabilities::forced_tool`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forced_tool: Option<bool>,
    /// See [`Capabilities::forced_tool_with_thinking`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forced_tool_with_thinking: Option<bool>,
    /// See [`Capabilities::structured_output`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_output: Option<bool>,
    /// See [`Capabilities::thinking`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Thinking>,
    /// See [`Capabilities::effort`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<bool>,
    /// See [`Capabilities::flex`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flex: Option<bool>,
    /// See [`Capabilities::priority`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<bool>,
    /// See [`Capabilities::images`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<bool>,
    /// See [`Capabilities::batch`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<bool>,
    /// See [`Capabilities::max_input_tokens`].
    #[serde(deserialize_with = "at_least_one")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u64>,
    /// See [`Capabilities::max_output_tokens`].
    #[serde(deserialize_with = "at_least_one")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// The last day on which the model can be used; it overrides the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of_life: Option<Date>,
}

impl CapabilityOverrides {
    /// Reads a JSON object.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, not an object, or has a member that is not a capability.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        // serde accepts a list for a struct, member by member.
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
        serde_json::from_value(serde_json::Value::Object(object))
    }
}

/// Reads a number of tokens, which must be at least 1.
fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let count = Option::<u64>::deserialize(deserializer)?;
    if count == Some(0) {
        return Err(D::Error::custom(
            "a number of tokens is 0; it must be at least 1",
        ));
    }
    Ok(count)
}

/// The contents of `BEDROCK_MODEL_CAPABILITIES`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelOverrides {
    /// For the run's model: the object's members.
    pub primary: CapabilityOverrides,
    /// For the fallback model: the member `fallback`, an object with the same members.
    pub fallback: CapabilityOverrides,
}

impl ModelOverrides {
    /// Reads the JSON object of `BEDROCK_MODEL_CAPABILITIES`.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, not an object, or has a member that is not a capability.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
        let fallback = match object.remove("fallback") {
            Some(fallback) => CapabilityOverrides::parse(&fallback.to_string())?,
            None => CapabilityOverrides::default(),
        };
        Ok(Self {
            primary: serde_json::from_value(serde_json::Value::Object(object))?,
            fallback,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KnownModel;

    fn unknown() -> Capabilities {
        *KnownModel::of("an-application-profile").capabilities()
    }

    #[test]
    fn an_unnamed_model_can_be_described_by_hand() {
        let overrides = CapabilityOverrides::parse(
            r#"{"invocation":"InvokeModel","body":"anthropic_messages","tools":true}"#,
        )
        .expect("valid overrides");
        let described = unknown().overridden(&overrides);
        assert_eq!(described.invocation, Invocation::InvokeModel);
        assert_eq!(described.body, BodyForm::AnthropicMessages);
        assert!(described.tools);
        assert_eq!(described.prefill, unknown().prefill);
    }

    #[test]
    fn every_fact_can_be_corrected_and_tools_alone_mean_forced_tools() {
        let mut text = serde_json::to_value(unknown()).expect("plain data");
        text["max_output_tokens"] = 5.into();
        text["thinking"] = "always".into();
        let overrides = CapabilityOverrides::parse(&text.to_string()).expect("all members");
        let described = unknown().overridden(&overrides);
        assert_eq!(described.max_output_tokens, Some(5));
        assert_eq!(described.thinking, Thinking::Always);

        let tools = CapabilityOverrides::parse(r#"{"tools":true}"#).expect("valid overrides");
        let described = unknown().overridden(&tools);
        assert!(described.tools && described.forced_tool && !described.forced_tool_with_thinking);
        let offered = CapabilityOverrides::parse(r#"{"tools":true,"forced_tool":false}"#);
        let described = unknown().overridden(&offered.expect("valid overrides"));
        assert!(described.tools && !described.forced_tool);
    }

    #[test]
    fn a_model_that_always_thinks_can_have_a_forced_call_while_it_thinks() {
        let newest = *KnownModel::of("anthropic.claude-opus-5-5").capabilities();
        assert!(!newest.forced_tool && !newest.forced_tool_with_thinking);
        let forced =
            CapabilityOverrides::parse(r#"{"forced_tool":true}"#).expect("valid overrides");
        let described = newest.overridden(&forced);
        assert!(described.forced_tool && described.forced_tool_with_thinking);
    }

    #[test]
    fn facts_about_the_fallback_model_are_in_a_separate_object() {
        let overrides = ModelOverrides::parse(
            r#"{"prefill":true,"end_of_life":"2027-12-31","fallback":{"max_output_tokens":9}}"#,
        )
        .expect("valid overrides");
        assert_eq!(overrides.primary.prefill, Some(true));
        assert_eq!(overrides.primary.end_of_life, Date::parse("2027-12-31"));
        assert_eq!(overrides.primary.max_output_tokens, None);
        assert_eq!(overrides.fallback.max_output_tokens, Some(9));
    }

    #[test]
    fn an_unknown_capability_and_a_list_are_refused() {
        for text in [
            r#"{"tool":true}"#,
            r#"["InvokeModel"]"#,
            r#"{"fallback":["InvokeModel"]}"#,
            r#"{"fallback":{"tool":true}}"#,
            r#"{"fallback":{"fallback":{}}}"#,
            r#"{"end_of_life":"never"}"#,
            r#"{"max_output_tokens":-1}"#,
            r#"{"max_output_tokens":0}"#,
            r#"{"fallback":{"max_input_tokens":0}}"#,
            "[]",
            "null",
            "",
        ] {
            assert!(ModelOverrides::parse(text).is_err(), "{text}");
        }
        let error = ModelOverrides::parse(r#"{"tool":true}"#).expect_err("unknown member");
        assert!(error.to_string().contains("`tool`"), "{error}");
    }
}
