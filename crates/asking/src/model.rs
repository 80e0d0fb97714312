//! The models of a run: what the table of models and `BEDROCK_MODEL_CAPABILITIES` say about each,
//! and which settings demand what a model does not have.

use crate::AskingError;
use quarry_contract::settings::{BatchMode, Effort, ServiceTier, Settings, ThinkingSetting};
use quarry_model::{
    Capabilities, CapabilityOverrides, DEFAULT_MAX_TOKENS, Date, FoundBy, KnownModel,
    ModelOverrides, Thinking,
};
use std::fmt;

/// A model of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunModel {
    id: String,
    named_by: &'static str,
    known: KnownModel,
    capabilities: Capabilities,
    /// What the settings say about the model in addition to its capabilities.
    overrides: CapabilityOverrides,
}

impl RunModel {
    /// Returns the run's own model. The ARN of an application inference profile does not name a
    /// model; in that case the id of the primary model does.
    ///
    /// # Errors
    ///
    /// [`AskingError::Capabilities`] if `BEDROCK_MODEL_CAPABILITIES` cannot be read.
    pub fn primary(settings: &Settings) -> Result<Self, AskingError> {
        let id = settings.effective_model_id();
        let mut known = KnownModel::of(&id);
        if known.is_nameless() {
            known = KnownModel::of(&settings.primary_model_id);
        }
        let overrides = overrides(settings)?.primary;
        Ok(Self {
            capabilities: known.overridden(&overrides),
            named_by: settings.model_setting(),
            id,
            known,
            overrides,
        })
    }

    /// Returns the fallback model, if there is one. What the settings say about the run's own model
    /// also applies to the fallback model if it is the same model, or if its id names no model. The
    /// member `fallback` of `BEDROCK_MODEL_CAPABILITIES` adds to that.
    ///
    /// # Errors
    ///
    /// As for [`RunModel::primary`].
    pub fn fallback(settings: &Settings) -> Result<Option<Self>, AskingError> {
        let Some(id) = settings.fallback_model_id.clone() else {
            return Ok(None);
        };
        let of_fallback = overrides(settings)?.fallback;
        let primary = Self::primary(settings)?;
        let named = KnownModel::of(&id);
        let is_like_primary = named.is_nameless() || named.model() == primary.known.model();
        let (known, capabilities, mut overrides) = if is_like_primary {
            let capabilities = primary.capabilities.overridden(&of_fallback);
            (primary.known, capabilities, primary.overrides)
        } else {
            let capabilities = named.overridden(&of_fallback);
            (named, capabilities, of_fallback)
        };
        overrides.end_of_life = of_fallback.end_of_life.or(overrides.end_of_life);
        overrides.effort = of_fallback.effort.or(overrides.effort);
        Ok(Some(Self {
            id,
            named_by: "BEDROCK_FALLBACK_MODEL_ID",
            known,
            capabilities,
            overrides,
        }))
    }

    /// The id of the foundation model, or the id or ARN of the inference profile.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its row in the table of models.
    pub fn known(&self) -> &KnownModel {
        &self.known
    }

    /// What the model accepts.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The last day on which the model can be used, if it is known.
    pub fn end_of_life(&self) -> Option<Date> {
        self.overrides
            .end_of_life
            .or(self.known.model().end_of_life)
    }

    /// Whether the model takes this effort. A capability given in the settings covers every value.
    pub fn takes_effort(&self, effort: Effort) -> bool {
        self.capabilities.effort
            && (self.overrides.effort == Some(true)
                || self.known.model().effort.contains(&effort.as_str()))
    }

    /// Whether the model is served in this tier.
    pub fn has_tier(&self, tier: ServiceTier) -> bool {
        has_tier(&self.capabilities, tier)
    }

    /// The most tokens of an answer: `BEDROCK_MAX_TOKENS`, or else the lower of
    /// [`DEFAULT_MAX_TOKENS`] and the model's ceiling.
    pub fn max_tokens(&self, settings: &Settings) -> u64 {
        let ceiling = self.capabilities.max_output_tokens;
        settings.max_tokens.unwrap_or_else(|| {
            ceiling.map_or(DEFAULT_MAX_TOKENS, |most| most.min(DEFAULT_MAX_TOKENS))
        })
    }

    /// Whether the model has ended by this day.
    pub fn ended(&self, today: Date) -> Option<Lack> {
        let end = self.end_of_life().filter(|end| *end < today)?;
        Some(self.lack(Lacking::Life {
            end,
            successor: self.known.successor(),
        }))
    }

    /// What the settings demand that the run's own model does not have.
    pub fn lacking(&self, settings: &Settings) -> Vec<Lack> {
        let mut lacking = self.lacking_as_fallback(settings);
        let mut lack = |what| lacking.push(self.lack(what));
        if !self.capabilities.batch && settings.batch_mode == BatchMode::Batch {
            lack(Lacking::Batch);
        }
        if settings.thinking == ThinkingSetting::Off
            && self.capabilities.thinking == Thinking::Always
        {
            lack(Lacking::ThinkingOff);
        }
        if let Some(effort) = settings.effort.filter(|effort| !self.takes_effort(*effort)) {
            lack(Lacking::Effort {
                set: effort,
                takes: if self.capabilities.effort {
                    self.known.model().effort
                } else {
                    &[]
                },
            });
        }
        if !self.has_tier(settings.service_tier) {
            lack(Lacking::Tier(settings.service_tier));
        }
        lacking
    }

    /// What the settings demand that a fallback model does not have. If it lacks the effort, the
    /// thinking or the service tier, its requests leave them out, because these settings are meant
    /// for the run's own model.
    pub fn lacking_as_fallback(&self, settings: &Settings) -> Vec<Lack> {
        let mut lacking = Vec::new();
        let mut lack = |what| lacking.push(self.lack(what));
        if let Some(why) = self.known.model().refused {
            lack(Lacking::Text { why });
        }
        if let (Some(set), Some(ceiling)) =
            (settings.max_tokens, self.capabilities.max_output_tokens)
            && set > ceiling
        {
            lack(Lacking::Tokens { set, ceiling });
        }
        lacking
    }

    /// A note on how requests are built for a model that has no row in the table.
    pub fn note_without_row(&self) -> Option<String> {
        let Self { id, named_by, .. } = self;
        let model = self.known.model().listing().name;
        match self.known.found_by() {
            FoundBy::Model => None,
            FoundBy::Provider => Some(format!(
                "{id} ({named_by}) is not in the table of models: it is asked as a model of {model} that is not listed, without a \
                 ceiling of tokens (`quarry models` lists all; BEDROCK_MODEL_CAPABILITIES says more)"
            )),
            FoundBy::Nothing => Some(format!(
                "{id} ({named_by}) names no model of the table: it is asked as a model of which nothing is known \
                 (BEDROCK_MODEL_CAPABILITIES says more)"
            )),
        }
    }

    /// The settings that are not sent to a fallback model because it does not have them, one
    /// sentence each.
    pub fn left_out_as_fallback(&self, settings: &Settings) -> Vec<String> {
        let model = &self.id;
        let mut notes = Vec::new();
        if let Some(effort) = settings.effort.filter(|effort| !self.takes_effort(*effort)) {
            notes.push(format!(
                "BEDROCK_EFFORT is not sent to the fallback model {model}, which does not have the effort {}",
                effort.as_str()
            ));
        }
        if settings.thinking == ThinkingSetting::Off
            && self.capabilities.thinking == Thinking::Always
        {
            notes.push(format!(
                "BEDROCK_THINKING is not sent to the fallback model {model}, which always thinks"
            ));
        }
        if !self.has_tier(settings.service_tier) {
            notes.push(format!(
                "the fallback model {model} is asked in the default service tier: it is not served in the tier {}",
                settings.service_tier.as_str()
            ));
        }
        notes
    }

    fn lack(&self, what: Lacking) -> Lack {
        Lack {
            model: self.id.clone(),
            named_by: self.named_by,
            what,
        }
    }
}

/// Whether a model with these capabilities is served in a tier.
pub(crate) fn has_tier(capabilities: &Capabilities, tier: ServiceTier) -> bool {
    match tier {
        ServiceTier::Default => true,
        ServiceTier::Flex => capabilities.flex,
        ServiceTier::Priority => capabilities.priority,
    }
}

fn overrides(settings: &Settings) -> Result<ModelOverrides, AskingError> {
    match &settings.model_capabilities {
        Some(text) => ModelOverrides::parse(text).map_err(AskingError::Capabilities),
        None => Ok(ModelOverrides::default()),
    }
}

/// Something that a setting demands and the model does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The model's id.
    pub model: String,
    /// The setting that names the model.
    pub named_by: &'static str,
    /// What the model does not have.
    pub what: Lacking,
}

/// What a model does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lacking {
    /// Answers of a kind that Quarry reads.
    Text {
        /// The reason, as a clause.
        why: &'static str,
    },
    /// Life: the model has ended.
    Life {
        /// Its last day.
        end: Date,
        /// The id of the model to move to.
        successor: Option<String>,
    },
    /// As many tokens in an answer as `BEDROCK_MAX_TOKENS`.
    Tokens {
        /// The setting.
        set: u64,
        /// The model's ceiling.
        ceiling: u64,
    },
    /// Batch jobs, while `BEDROCK_BATCH_MODE` is `batch`.
    Batch,
    /// A way not to think, while `BEDROCK_THINKING` is `off`.
    ThinkingOff,
    /// This `BEDROCK_EFFORT`.
    Effort {
        /// The setting.
        set: Effort,
        /// The values that it has.
        takes: &'static [&'static str],
    },
    /// This `BEDROCK_SERVICE_TIER`.
    Tier(ServiceTier),
}

impl fmt::Display for Lack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = format!("{} ({})", self.model, self.named_by);
        match &self.what {
            Lacking::Text { why } => {
                write!(
                    formatter,
                    "{model} cannot be asked, because {why}; choose a model that answers with text or with one vector \
                     (`quarry models`)"
                )
            }
            Lacking::Life { end, successor } => {
                write!(
                    formatter,
                    "{model} ended on {end}: the service refuses every call and job; "
                )?;
                match successor {
                    Some(successor) => write!(
                        formatter,
                        "move to another model, such as {successor} (`quarry models`)"
                    )?,
                    None => formatter.write_str("move to another model (`quarry models`)")?,
                }
                formatter.write_str(&corrected("end_of_life"))
            }
            Lacking::Tokens { set, ceiling } => write!(
                formatter,
                "BEDROCK_MAX_TOKENS is {set}, and {model} answers with at most {ceiling} tokens; set it to that or \
                 less, or leave it out{}",
                corrected("max_output_tokens")
            ),
            Lacking::Batch => write!(
                formatter,
                "BEDROCK_BATCH_MODE is batch, and batch jobs do not take {model}; set it to realtime, or choose a model \
                 that they take (`quarry models`){}",
                corrected("batch")
            ),
            Lacking::ThinkingOff => write!(
                formatter,
                "BEDROCK_THINKING is off, and {model} always thinks; leave it out{}",
                corrected("thinking")
            ),
            Lacking::Effort { set, takes: [] } => write!(
                formatter,
                "BEDROCK_EFFORT is {}, and {model} has no effort to set; leave it out{}",
                set.as_str(),
                corrected("effort")
            ),
            Lacking::Effort { set, takes } => write!(
                formatter,
                "BEDROCK_EFFORT is {}, and {model} takes {}; set it to one of these{}",
                set.as_str(),
                takes.join(", "),
                corrected("effort")
            ),
            Lacking::Tier(tier) => write!(
                formatter,
                "BEDROCK_SERVICE_TIER is {}, and {model} is not served in this tier; set it to default{}",
                tier.as_str(),
                corrected(tier.as_str())
            ),
        }
    }
}

/// The remedy if the table of models is out of date.
fn corrected(member: &str) -> String {
    format!(" (if that is out of date, BEDROCK_MODEL_CAPABILITIES with `{member}` corrects it)")
}
