//! What each model accepts, according to public lists. The list is the simulator's own, so that it
//! reveals a mistake in the product's knowledge of models.
//!
//! `models.json` has one row for each model or group of models, with its sources. A row applies to
//! models whose id begins with the row's id; of several rows, the one with the longest id applies.
//! A model refuses everything that its row does not list. For a model without a row (an application
//! profile's ARN, for example), no rule depends on the model.

use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};

/// A feature that some models accept and others refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Batch jobs.
    Batch,
    /// On-demand calls by the model's own id, without an inference profile.
    OnDemand,
    /// The service tiers `flex` and `priority`.
    Tiers,
    /// System prompts.
    System,
    /// Tools.
    Tools,
    /// A tool call that the request forces.
    ToolChoice,
    /// Tools whose input must keep to the schema (`strict`).
    StrictTool,
    /// A conversation that ends with the beginning of the answer.
    Prefill,
    /// `temperature` and `top_p`.
    Sampling,
    /// Both of them in one request.
    TemperatureWithTopP,
    /// Claude's `output_config.format`, in both invocations.
    StructuredOutput,
    /// `outputConfig.textFormat` of `Converse`, for other models than Claude.
    TextFormat,
    /// A level of effort.
    Effort,
    /// Thinking within a budget.
    ThinkingBudget,
    /// Thinking as much as the model chooses.
    ThinkingAdaptive,
    /// Thinking that is switched off.
    ThinkingOff,
    /// A forced tool call while the model thinks because the request did not switch it off.
    ToolChoiceWhileThinking,
}

/// When a model thinks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ThinkingRule {
    /// Only if the request switches it on.
    #[default]
    Asked,
    /// Unless the request switches it off.
    On,
    /// In any case.
    Always,
}

/// A set of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Features(u32);

impl Features {
    const ALL: Self = Self(u32::MAX);

    fn has(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u32) != 0
    }

    fn with(self, feature: Feature) -> Self {
        Self(self.0 | 1 << feature as u32)
    }

    fn without(self, feature: Feature) -> Self {
        Self(self.0 & !(1 << feature as u32))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelTable {
    /// The day on which the sources were read.
    #[serde(rename = "read")]
    _read: String,
    #[serde(rename = "sources")]
    _sources: Vec<String>,
    models: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The beginning of the models' ids, without a geography.
    id: String,
    output: Option<u64>,
    input: Option<u64>,
    /// The first day on which the model is gone, as in ISO 8601.
    ends: Option<String>,
    #[serde(default)]
    thinking: ThinkingRule,
    /// Whether answers begin with the model's reasoning, as gpt-oss writes it.
    #[serde(default)]
    reasons: bool,
    #[serde(deserialize_with = "features")]
    takes: Features,
}

fn features<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Features, D::Error> {
    let names = String::deserialize(deserializer)?;
    let none = Features(0).with(Feature::ToolChoiceWhileThinking);
    names.split(' ').try_fold(none, |all, name| {
        Feature::deserialize(name.into_deserializer()).map(|feature| all.with(feature))
    })
}

/// A change of what some models accept, for an account or a Region that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelChange {
    /// The beginning of the models' ids, without a geography.
    pub model: String,
    /// The features that they refuse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refuses: Vec<Feature>,
    /// The features that they accept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<Feature>,
}

/// The known facts about a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ModelRow<'a> {
    takes: Features,
    /// The most tokens of an answer.
    pub(crate) output: Option<u64>,
    /// The most tokens of a question.
    pub(crate) input: Option<u64>,
    /// The first day on which the model is gone.
    pub(crate) ends: Option<&'a str>,
    pub(crate) thinking: ThinkingRule,
    pub(crate) reasons: bool,
}

impl ModelRow<'_> {
    pub(crate) fn takes(&self, feature: Feature) -> bool {
        self.takes.has(feature)
    }
}

/// All models.
#[derive(Debug)]
pub(crate) struct Models {
    rows: Vec<Row>,
    changes: Vec<ModelChange>,
}

impl Models {
    pub(crate) fn new(changes: Vec<ModelChange>) -> Self {
        let table: ModelTable = serde_json::from_str(include_str!("../models.json"))
            .expect("a test reads this very text");
        Self {
            rows: table.models,
            changes,
        }
    }

    /// Returns the facts about the model of this id or ARN.
    pub(crate) fn of(&self, model_id: &str) -> ModelRow<'_> {
        let name = base_name(model_id);
        let row = self
            .rows
            .iter()
            .filter(|row| name.starts_with(&row.id))
            .max_by_key(|row| row.id.len());
        let mut takes = row.map_or(Features::ALL, |row| row.takes);
        for change in &self.changes {
            if name.starts_with(&change.model) {
                takes = change.takes.iter().fold(takes, |all, f| all.with(*f));
                takes = change.refuses.iter().fold(takes, |all, f| all.without(*f));
            }
        }
        ModelRow {
            takes,
            output: row.and_then(|row| row.output),
            input: row.and_then(|row| row.input),
            ends: row.and_then(|row| row.ends.as_deref()),
            thinking: row.map_or(ThinkingRule::Asked, |row| row.thinking),
            reasons: row.is_some_and(|row| row.reasons),
        }
    }
}

/// The geographies at the beginning of inference profiles' ids.
const GEOGRAPHIES: [&str; 9] = [
    "us", "eu", "apac", "jp", "au", "in", "ca", "us-gov", "global",
];

/// Returns the id without its ARN.
pub(crate) fn plain_id(model_id: &str) -> &str {
    model_id.rsplit('/').next().unwrap_or(model_id)
}

/// Whether the id or ARN names an inference profile.
pub(crate) fn is_profile(model_id: &str) -> bool {
    model_id.contains("inference-profile/") || geography(plain_id(model_id)).is_some()
}

/// Returns the id of the model itself, without an ARN and without a geography.
pub(crate) fn base_name(model_id: &str) -> &str {
    let id = plain_id(model_id);
    geography(id).map_or(id, |(_, rest)| rest)
}

fn geography(id: &str) -> Option<(&str, &str)> {
    id.split_once('.')
        .filter(|(first, rest)| GEOGRAPHIES.contains(first) && rest.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_reachable_and_its_day_is_one() {
        let models = Models::new(Vec::new());
        for row in &models.rows {
            assert_eq!(
                models.of(&row.id).takes,
                row.takes,
                "{} stands twice",
                row.id
            );
            if let Some(day) = &row.ends {
                assert!(crate::faults::FaultDate::read(day).is_some(), "{day}");
            }
        }
    }

    #[test]
    fn the_longest_beginning_counts_whatever_stands_before_it() {
        let models = Models::new(Vec::new());
        for (id, output) in [
            ("anthropic.claude-opus-5-5", 128_000),
            ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 64_000),
            ("jp.anthropic.claude-sonnet-4-5-20250929-v1:0", 64_000),
            ("anthropic.claude-3-haiku-20240307-v1:0", 4_096),
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
                10_000,
            ),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/qwen.qwen3-32b-v1:0",
                8_192,
            ),
        ] {
            assert_eq!(models.of(id).output, Some(output), "{id}");
        }
        let opus = models.of("global.anthropic.claude-opus-5-5");
        assert!(!opus.takes(Feature::ToolChoice) && opus.takes(Feature::Tools));
        assert!(
            models
                .of("anthropic.claude-opus-5")
                .takes(Feature::ToolChoice)
        );
    }

    #[test]
    fn an_unknown_model_accepts_everything() {
        let models = Models::new(Vec::new());
        for id in [
            "my-own-name",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3",
        ] {
            let facts = models.of(id);
            assert!(facts.takes(Feature::StructuredOutput), "{id}");
            assert_eq!((facts.output, facts.thinking), (None, ThinkingRule::Asked));
        }
    }

    #[test]
    fn changes_hold_for_the_models_that_they_name() {
        let change = ModelChange {
            model: "anthropic.claude-haiku".into(),
            refuses: vec![Feature::StructuredOutput],
            takes: vec![Feature::Effort],
        };
        let models = Models::new(vec![change]);
        let haiku = models.of("eu.anthropic.claude-haiku-4-5-20251001-v1:0");
        assert!(!haiku.takes(Feature::StructuredOutput) && haiku.takes(Feature::Effort));
        let sonnet = models.of("anthropic.claude-sonnet-4-5-20250929-v1:0");
        assert!(sonnet.takes(Feature::StructuredOutput) && !sonnet.takes(Feature::Effort));
    }

    #[test]
    fn profiles_are_distinguished_from_models() {
        assert!(is_profile("us.amazon.nova-2-lite-v1:0"));
        assert!(is_profile(
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
        ));
        assert!(!is_profile("amazon.nova-2-lite-v1:0"));
        assert!(!is_profile("in.house"));
    }
}
