//! The table of models, `models.toml`: what is known about each model, as of which day, and from
//! which source.

use crate::capabilities::{BodyForm, Capabilities, CapabilityOverrides, Invocation, Thinking};
use crate::date::Date;
use crate::name::ModelName;
use serde::{Serialize, Serializer};

include!(concat!(env!("OUT_DIR"), "/models.rs"));

/// A row: a model, or several models that differ only in their names.
#[derive(Debug, PartialEq, Serialize)]
pub struct Model {
    /// The foundation models' ids. A `*` at the end matches any text.
    pub ids: &'static [&'static str],
    /// The start of the ids.
    pub provider: &'static str,
    /// Why Quarry cannot ask the model, as a clause.
    pub refused: Option<&'static str>,
    /// What the model accepts.
    pub capabilities: Capabilities,
    /// The operations in which the service can bind an answer to a JSON Schema.
    pub structured_output: &'static [Invocation],
    /// The values of effort, from the least.
    pub effort: &'static [&'static str],
    /// The last day on which calls and jobs are accepted.
    pub end_of_life: Option<Date>,
    /// The id of the foundation model to move to.
    pub successor: Option<&'static str>,
    #[serde(skip)]
    listing: u16,
}

/// The part of a row for people, on which no request depends. It is separate so that no function
/// contains it.
#[derive(Debug, PartialEq, Serialize)]
pub struct Listing {
    /// The model's name, as AWS shows it.
    pub name: &'static str,
    /// Its name in the quotas of batch jobs, if that is known.
    pub quota_name: Option<&'static str>,
    /// When it was released.
    pub since: Option<Date>,
    /// A note for users.
    pub note: Option<&'static str>,
    /// Its prices.
    pub prices: &'static [Price],
    /// The source of each group of facts, as the number of the source.
    #[serde(serialize_with = "sources_by_group")]
    sources: [u8; FactGroup::ALL.len()],
}

/// The price of a model in some geographies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Price {
    /// The geographies of inference profiles; `region` means an id without one.
    pub at: &'static [&'static str],
    /// The price of a call in the tier `default`.
    pub on_demand: Option<TokenPrice>,
    /// The price in a batch job.
    pub batch: Option<TokenPrice>,
    /// The price of a call in the tier `flex`.
    pub flex: Option<TokenPrice>,
    /// The price of a call in the tier `priority`.
    pub priority: Option<TokenPrice>,
}

/// USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TokenPrice {
    /// The price of the request.
    pub input: f64,
    /// The price of the answer, including thinking.
    pub output: f64,
}

/// The source of some facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The page, package or thread.
    pub what: &'static str,
    /// When it was read.
    pub checked: Date,
}

/// Facts that have the same source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FactGroup {
    /// [`Listing::name`].
    Names,
    /// [`Listing::quota_name`].
    QuotaNames,
    /// [`Listing::since`].
    Since,
    /// [`Model::end_of_life`].
    EndOfLife,
    /// [`Model::successor`].
    Successor,
    /// The largest context and the largest answer.
    Limits,
    /// [`Listing::prices`].
    Prices,
    /// Whether batch jobs accept the model.
    Batch,
    /// Prefill, sampling, tools and images.
    Takes,
    /// Whether the service can bind an answer to a JSON Schema.
    StructuredOutput,
    /// Thinking and effort.
    Thinking,
    /// Service tiers.
    Tiers,
}

impl FactGroup {
    /// Every group, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Names,
        Self::QuotaNames,
        Self::Since,
        Self::EndOfLife,
        Self::Successor,
        Self::Limits,
        Self::Prices,
        Self::Batch,
        Self::Takes,
        Self::StructuredOutput,
        Self::Thinking,
        Self::Tiers,
    ];
}

impl Listing {
    /// Returns the source of a group of the row's facts.
    pub fn source(&self, facts: FactGroup) -> &'static Source {
        &SOURCES[usize::from(self.sources[facts as usize])]
    }

    /// Returns the price of the model in a geography; `None` means an id without one.
    pub fn price(&self, geography: Option<&str>) -> Option<&'static Price> {
        let at = geography.unwrap_or("region");
        self.prices.iter().find(|price| price.at.contains(&at))
    }
}

/// Each group of facts with its source.
fn sources_by_group<S: Serializer>(
    numbers: &[u8; FactGroup::ALL.len()],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let sources = FactGroup::ALL.iter().zip(numbers);
    serializer.collect_map(sources.map(|(facts, number)| (facts, &SOURCES[usize::from(*number)])))
}

impl Model {
    /// Every model that has a row, ordered by provider. The rows of providers are not included.
    pub fn all() -> impl ExactSizeIterator<Item = &'static Self> {
        MODELS.iter()
    }

    /// The part of the row for people.
    pub fn listing(&self) -> &'static Listing {
        &LISTINGS[usize::from(self.listing)]
    }

    /// Returns how well the row fits an id: whether it names the whole id, and the length of what
    /// it names.
    fn fit(&self, foundation_model: &str) -> Option<(bool, usize)> {
        let fits = |id: &&str| {
            if let Some(begin) = id.strip_suffix('*') {
                let fits = foundation_model.starts_with(begin);
                return fits.then_some((false, begin.len()));
            }
            let rest = foundation_model.strip_prefix(id)?;
            (rest.is_empty() || rest.starts_with(':')).then_some((true, id.len()))
        };
        self.ids.iter().filter_map(fits).max()
    }
}

/// How the facts about a model were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// The model has a row.
    Model,
    /// Only the provider has a row, with what all its models accept.
    Provider,
    /// The id does not name a model.
    Nothing,
}

/// The model that an id names, and what is known about it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownModel {
    model: &'static Model,
    found_by: FoundBy,
    geography: Option<String>,
}

impl KnownModel {
    /// Looks up a model id, inference profile id or ARN, in any AWS partition.
    ///
    /// Never fails. A model without a row is treated like the most restrictive model of its
    /// provider. An id that names no model is called through Converse. [`CapabilityOverrides`] can
    /// correct both.
    pub fn of(model_id: &str) -> Self {
        let Some(name) = ModelName::of(model_id) else {
            return Self {
                model: &UNKNOWN,
                found_by: FoundBy::Nothing,
                geography: None,
            };
        };
        let best = MODELS
            .iter()
            .filter_map(|model| Some((model.fit(name.foundation_model)?, model)))
            .max_by_key(|(fit, _)| *fit);
        let (model, found_by) = match best {
            Some((_, model)) => (model, FoundBy::Model),
            None => OF_PROVIDERS
                .iter()
                .find(|row| row.provider == name.provider)
                .map_or((&UNKNOWN, FoundBy::Nothing), |row| (row, FoundBy::Provider)),
        };
        Self {
            model,
            found_by,
            geography: name.geography.map(str::to_owned),
        }
    }

    /// The row of the model.
    pub fn model(&self) -> &'static Model {
        self.model
    }

    /// How the row was found.
    pub fn found_by(&self) -> FoundBy {
        self.found_by
    }

    /// Whether the model has a row of its own.
    pub fn has_own_row(&self) -> bool {
        self.found_by == FoundBy::Model
    }

    /// Whether the id names no model.
    pub fn is_nameless(&self) -> bool {
        self.found_by == FoundBy::Nothing
    }

    /// The geography of the inference profile, such as `us`.
    pub fn geography(&self) -> Option<&str> {
        self.geography.as_deref()
    }

    /// What the model accepts.
    pub fn capabilities(&self) -> &'static Capabilities {
        &self.model.capabilities
    }

    /// What the model accepts, with the overrides applied. An override of the operation also
    /// selects the facts of that operation.
    pub fn overridden(&self, overrides: &CapabilityOverrides) -> Capabilities {
        let mut accepted = self.model.capabilities;
        if let Some(invocation) = overrides.invocation
            && invocation != accepted.invocation
        {
            accepted.structured_output = self.model.structured_output.contains(&invocation);
            if invocation == Invocation::Converse {
                accepted.body = BodyForm::Converse;
            }
        }
        accepted.overridden(overrides)
    }

    /// The price of the model in the id's geography.
    pub fn price(&self) -> Option<&'static Price> {
        self.model.listing().price(self.geography())
    }

    /// The id of the model to move to, in the id's geography.
    pub fn successor(&self) -> Option<String> {
        let successor = self.model.successor?;
        Some(match self.geography() {
            Some(geography) => format!("{geography}.{successor}"),
            None => successor.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn named(id: &str) -> &'static str {
        let facts = KnownModel::of(id);
        if facts.has_own_row() {
            facts.model().listing().name
        } else {
            ""
        }
    }

    #[test]
    fn every_way_to_name_a_model_leads_to_its_row() {
        for (id, name) in [
            ("anthropic.claude-v2:1", "Claude 2"),
            ("anthropic.claude-instant-v1", "Claude Instant"),
            ("anthropic.claude-instant-v1:2:100k", "Claude Instant"),
            (
                "anthropic.claude-3-haiku-20240307-v1:0:48k",
                "Claude 3 Haiku",
            ),
            (
                "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
                "Claude 3.5 Sonnet v2",
            ),
            ("anthropic.claude-sonnet-4-20250514-v1:0", "Claude Sonnet 4"),
            (
                "anthropic.claude-sonnet-4-5-20250929-v1:0:200k",
                "Claude Sonnet 4.5",
            ),
            ("jp.anthropic.claude-sonnet-4-6", "Claude Sonnet 4.6"),
            ("anthropic.claude-opus-5", "Claude Opus 5"),
            ("global.anthropic.claude-opus-5-5", "Claude Opus 5.5"),
            ("us.anthropic.claude-fable-5-1", "Claude Fable 5.1"),
            ("us-gov.amazon.nova-lite-v1:0", "Nova Lite"),
            ("global.amazon.nova-2-lite-v1:0", "Nova 2 Lite"),
            (
                "amazon.nova-2-multimodal-embeddings-v1:0",
                "Nova Multimodal Embeddings",
            ),
            ("amazon.nova-canvas-v1:0", "Nova Canvas"),
            ("amazon.nova-reel-v1:1", "Nova Reel"),
            ("amazon.nova-2-sonic-v1:0", "Nova Sonic"),
            ("amazon.titan-embed-text-v2:0", "Titan Text Embeddings V2"),
            ("cohere.embed-multilingual-v3", "Embed v3"),
            ("us.cohere.embed-v4:0", "Embed v4"),
            (
                "apac.meta.llama3-2-1b-instruct-v1:0",
                "Llama 3.2 1B Instruct",
            ),
            ("mistral.mistral-large-3-675b-instruct", "Mistral Large 3"),
            ("openai.gpt-oss-120b-1:0", "gpt-oss-120b"),
            ("zai.glm-4.7", "GLM-4.7"),
            ("minimax.minimax-m2", "MiniMax M2"),
            ("minimax.minimax-m2.1", "MiniMax M2.1"),
            ("new.qwen.qwen3-32b-v1:0", "Qwen3 32B"),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/deepseek.v3.2",
                "DeepSeek-V3.2",
            ),
            (
                "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-pro-v1:0",
                "Nova Pro",
            ),
            (
                "arn:aws-cn:bedrock:cn-north-1:123456789012:inference-profile/global.anthropic.claude-opus-4-5-20251101-v1:0",
                "Claude Opus 4.5",
            ),
            ("anthropic.claude-opus-4-6-v12", ""),
            ("anthropic.claude-next-preview", ""),
            ("amazon.nova-3-lite-v1:0", ""),
            ("amazon.nova-", ""),
        ] {
            assert_eq!(named(id), name, "{id}");
        }
    }

    #[test]
    fn an_id_that_names_no_model_is_called_through_converse() {
        for id in [
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
            "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0/abc",
            "arn:aws:bedrock:us-east-1",
            "claude-3-haiku",
            "unheardof.model-v1:0",
            "",
            "...",
        ] {
            let facts = KnownModel::of(id);
            assert!(facts.is_nameless(), "{id}");
            assert_eq!(
                facts.capabilities().invocation,
                Invocation::Converse,
                "{id}"
            );
            assert!(!facts.capabilities().tools && !facts.capabilities().structured_output);
        }
    }

    /// As a number: a higher one needs more care.
    fn care(thinking: Thinking) -> u8 {
        match thinking {
            Thinking::None => 0,
            Thinking::OffByDefault => 1,
            Thinking::OnByDefault => 2,
            Thinking::Always => 3,
        }
    }

    #[test]
    fn a_request_to_a_model_without_a_row_has_nothing_that_its_provider_refuses() {
        for row in &OF_PROVIDERS {
            let id = format!("{}.a-model-to-come", row.provider);
            let facts = KnownModel::of(&id);
            if facts.has_own_row() {
                assert!(facts.model().refused.is_some(), "{id}");
                continue;
            }
            assert_eq!(facts.found_by(), FoundBy::Provider);
            let careful = facts.capabilities();
            assert_eq!(
                (careful.max_input_tokens, careful.max_output_tokens),
                (None, None)
            );
            let of_provider = |model: &&Model| {
                model.provider == row.provider
                    && model.refused.is_none()
                    && !model.capabilities.body.is_embedding()
                    // The newest models decide, because no new model accepts as little as these.
                    && model.listing().name != "Claude 2"
                    && model.listing().name != "Claude Instant"
            };
            for model in MODELS.iter().filter(of_provider) {
                let takes = model.capabilities;
                for (what, of_row, of_model) in [
                    ("prefill", careful.prefill, takes.prefill),
                    ("sampling", careful.sampling, takes.sampling),
                    (
                        "both",
                        careful.temperature_with_top_p,
                        takes.temperature_with_top_p,
                    ),
                    ("tools", careful.tools, takes.tools),
                    ("forced_tool", careful.forced_tool, takes.forced_tool),
                    (
                        "structured_output",
                        careful.structured_output,
                        takes.structured_output,
                    ),
                    ("effort", careful.effort, takes.effort),
                    ("flex", careful.flex, takes.flex),
                    ("priority", careful.priority, takes.priority),
                    ("images", careful.images, takes.images),
                ] {
                    assert!(
                        !of_row || of_model,
                        "{id} takes {what}, and {} does not",
                        model.listing().name
                    );
                }
                assert!(
                    care(careful.thinking) >= care(takes.thinking),
                    "{id}, {}",
                    model.listing().name
                );
            }
        }
    }

    #[test]
    fn every_row_is_sound() {
        let mut names = BTreeSet::new();
        for model in Model::all() {
            let name = model.listing().name;
            assert!(names.insert(name), "{name} stands twice");
            for date in [model.listing().since, model.end_of_life]
                .into_iter()
                .flatten()
            {
                assert_eq!(Date::parse(&date.to_string()), Some(date), "{name}");
            }
            assert!(
                model
                    .listing()
                    .since
                    .zip(model.end_of_life)
                    .is_none_or(|(from, to)| from < to),
                "{name}"
            );
            for facts in FactGroup::ALL {
                let source = model.listing().source(facts);
                assert!(Date::parse(&source.checked.to_string()).is_some(), "{name}");
            }
            for id in model.ids {
                let facts = KnownModel::of(id.trim_end_matches('*'));
                assert_eq!(facts.model().listing().name, name, "{id}");
            }
            let takes = model.capabilities;
            assert!(!takes.forced_tool || takes.tools, "{name}");
            assert!(
                !takes.forced_tool_with_thinking || takes.forced_tool,
                "{name}"
            );
            assert!(!takes.temperature_with_top_p || takes.sampling, "{name}");
            assert!(takes.thinking != Thinking::None || !takes.effort, "{name}");
            if model.refused.is_some() {
                continue;
            }
            assert_eq!(
                takes.body == BodyForm::AnthropicMessages,
                model.provider == "anthropic",
                "{name}"
            );
            // For a few models that have ended, no source lists the ceilings any more.
            assert!(
                takes.max_input_tokens.is_some() || model.end_of_life.is_some(),
                "{name}"
            );
            assert!(
                takes.max_output_tokens.is_none() == takes.body.is_embedding()
                    || model.end_of_life.is_some(),
                "{name}"
            );
            // Records with tools fail in jobs with Converse bodies.
            assert!(
                takes.invocation == Invocation::InvokeModel || !takes.tools,
                "{name}"
            );
            for (tier, taken) in [
                (
                    model
                        .listing()
                        .prices
                        .iter()
                        .any(|price| price.flex.is_some()),
                    takes.flex,
                ),
                (
                    model
                        .listing()
                        .prices
                        .iter()
                        .any(|price| price.priority.is_some()),
                    takes.priority,
                ),
            ] {
                assert_eq!(tier, taken, "{name}");
            }
        }
    }

    #[test]
    fn a_successor_is_a_model_that_ends_later() {
        for model in Model::all() {
            let Some(successor) = model.successor else {
                continue;
            };
            let next = KnownModel::of(successor);
            assert!(
                next.has_own_row() && next.model().refused.is_none(),
                "{successor}"
            );
            let longer = match (model.end_of_life, next.model().end_of_life) {
                (_, None) => true,
                (Some(end), Some(later)) => end < later,
                (None, Some(_)) => false,
            };
            assert!(longer, "{} leads to {successor}", model.listing().name);
        }
        let ended = KnownModel::of("eu.anthropic.claude-sonnet-4-20250514-v1:0");
        assert_eq!(
            ended.successor().as_deref(),
            Some("eu.anthropic.claude-sonnet-4-6")
        );
        assert_eq!(ended.model().end_of_life, Date::parse("2026-10-14"));
    }

    #[test]
    fn prices_are_those_of_the_geography() {
        let input = |id: &str| {
            KnownModel::of(id)
                .price()
                .map(|price| price.on_demand.unwrap().input)
        };
        let haiku = "anthropic.claude-haiku-4-5-20251001-v1:0";
        assert_eq!(input(haiku), Some(1.0));
        assert_eq!(input(&format!("global.{haiku}")), Some(1.0));
        assert_eq!(input(&format!("us.{haiku}")), Some(1.1));
        assert_eq!(input(&format!("nowhere.{haiku}")), None);
        assert_eq!(input("unheardof"), None);
    }

    #[test]
    fn another_operation_brings_its_own_facts() {
        let converse = CapabilityOverrides::parse(r#"{"invocation":"Converse"}"#).unwrap();
        let claude = KnownModel::of("anthropic.claude-haiku-4-5-20251001-v1:0");
        let asked = claude.overridden(&converse);
        assert_eq!(asked.body, BodyForm::Converse);
        assert!(asked.structured_output);
        let invoke = CapabilityOverrides::parse(r#"{"invocation":"InvokeModel"}"#).unwrap();
        let qwen = KnownModel::of("qwen.qwen3-32b-v1:0");
        assert!(qwen.capabilities().structured_output);
        assert!(!qwen.overridden(&invoke).structured_output);
    }

    #[test]
    fn claude_accepts_less_with_each_generation() {
        let takes = |id: &str| *KnownModel::of(id).capabilities();
        let both = |id| takes(id).temperature_with_top_p;
        assert!(both("anthropic.claude-sonnet-4-20250514-v1:0"));
        assert!(both("anthropic.claude-3-5-sonnet-20240620-v1:0"));
        assert!(!both("anthropic.claude-opus-4-1-20250805-v1:0"));
        assert!(!both("anthropic.claude-haiku-4-5-20251001-v1:0"));
        assert!(takes("anthropic.claude-haiku-4-5-20251001-v1:0").prefill);
        assert!(!takes("anthropic.claude-sonnet-4-6").prefill);
        assert!(!takes("anthropic.claude-next-preview").prefill);
        assert!(takes("anthropic.claude-sonnet-4-6").sampling);
        assert!(!takes("anthropic.claude-opus-4-7").sampling);
        for refusing in [
            "opus-5-5",
            "sonnet-5-5",
            "fable-5-1",
            "mythos-5-1",
            "mythos-5-2",
        ] {
            let takes = takes(&format!("anthropic.claude-{refusing}"));
            assert!(!takes.forced_tool && takes.tools, "{refusing}");
        }
        for accepting in ["haiku-5-5", "opus-5", "sonnet-5", "fable-5"] {
            assert!(
                takes(&format!("anthropic.claude-{accepting}")).forced_tool,
                "{accepting}"
            );
        }
    }
}
