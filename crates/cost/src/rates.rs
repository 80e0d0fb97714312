//! The prices of a run's models.

use crate::tokens::TokensSpent;
use crate::usd::Usd;
use serde::{Deserialize, Serialize};

/// How tokens were paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// In a batch job.
    Job,
    /// With a call in the tier `default`.
    OnDemand,
    /// With a call in the tier `flex`.
    Flex,
    /// With a call in the tier `priority`.
    Priority,
}

impl Way {
    /// The way of a call whose answer came in this service tier.
    pub fn of_tier(tier: Option<&str>) -> Self {
        match tier {
            Some("flex") => Self::Flex,
            Some("priority") => Self::Priority,
            _ => Self::OnDemand,
        }
    }

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::OnDemand => "on_demand",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }
}

/// USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRate {
    /// For tokens that the model reads.
    pub input: Usd,
    /// For tokens that the model writes.
    pub output: Usd,
}

impl TokenRate {
    /// The cost of the tokens that were read, and of those that were written.
    pub fn cost(&self, tokens: TokensSpent) -> (Usd, Usd) {
        let of = |rate: Usd, tokens: u64| Usd::of_parts(rate.times(tokens).parts() / 1_000_000);
        (of(self.input, tokens.input), of(self.output, tokens.output))
    }
}

/// The prices of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRates {
    /// The id that is sent to Bedrock.
    pub model: String,
    /// The price of a call in the tier `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<TokenRate>,
    /// The price in a batch job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<TokenRate>,
    /// The price of a call in the tier `flex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flex: Option<TokenRate>,
    /// The price of a call in the tier `priority`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<TokenRate>,
    /// Where the prices were read.
    pub source: String,
    /// The day on which they were read, `YYYY-MM-DD`. Empty and missing for prices that the user gave, which nobody read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub checked: String,
}

/// The price of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateUsed {
    /// The price.
    pub rate: TokenRate,
    /// What was assumed, if the source has no price for the way.
    pub assumed: Option<&'static str>,
}

impl ModelRates {
    /// Returns the price of a way. For a job without a price of its own it is half of that on demand,
    /// which is what AWS says of batch inference. A call in a tier without a price of its own costs as
    /// much as one in the tier `default`.
    pub fn of(&self, way: Way) -> Option<RateUsed> {
        let own = match way {
            Way::Job => self.batch,
            Way::OnDemand => self.on_demand,
            Way::Flex => self.flex,
            Way::Priority => self.priority,
        };
        if let Some(rate) = own {
            return Some(RateUsed {
                rate,
                assumed: None,
            });
        }
        let on_demand = self.on_demand?;
        Some(match way {
            Way::Job => RateUsed {
                rate: TokenRate {
                    input: on_demand.input.half(),
                    output: on_demand.output.half(),
                },
                assumed: Some("half of the price on demand"),
            },
            _ => RateUsed {
                rate: on_demand,
                assumed: Some("the price on demand"),
            },
        })
    }

    /// Whether any price is known.
    pub fn has_price(&self) -> bool {
        let all = [self.on_demand, self.batch, self.flex, self.priority];
        all.iter().any(Option::is_some)
    }
}

/// The prices of a run, as they were known when it was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRates {
    /// Of the run's model.
    pub primary: ModelRates,
    /// Of the fallback model, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<ModelRates>,
}

impl RunRates {
    /// The prices of the run's model, or of its fallback model.
    pub fn of(&self, by_fallback: bool) -> Option<&ModelRates> {
        if by_fallback {
            self.fallback.as_ref()
        } else {
            Some(&self.primary)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(input: &str, output: &str) -> TokenRate {
        TokenRate {
            input: input.parse().unwrap(),
            output: output.parse().unwrap(),
        }
    }

    fn rates() -> ModelRates {
        ModelRates {
            model: "us.a.b".to_owned(),
            on_demand: Some(rate("1.1", "5.5")),
            batch: None,
            flex: Some(rate("0.6", "3")),
            priority: None,
            source: "a list".to_owned(),
            checked: "2026-11-28".to_owned(),
        }
    }

    #[test]
    fn a_price_that_the_source_does_not_have_is_assumed_and_says_so() {
        let job = rates().of(Way::Job).unwrap();
        assert_eq!(job.rate, rate("0.55", "2.75"));
        assert_eq!(job.assumed, Some("half of the price on demand"));
        let priority = rates().of(Way::Priority).unwrap();
        assert_eq!(priority.rate, rate("1.1", "5.5"));
        assert!(priority.assumed.is_some());
        let flex = rates().of(Way::Flex).unwrap();
        assert_eq!((flex.rate, flex.assumed), (rate("0.6", "3"), None));
    }

    #[test]
    fn a_model_without_prices_has_none_for_any_way() {
        let none = ModelRates {
            on_demand: None,
            flex: None,
            ..rates()
        };
        assert!(!none.has_price() && none.of(Way::Job).is_none());
        assert!(none.of(Way::Flex).is_none());
    }

    #[test]
    fn the_cost_of_tokens_is_exact() {
        let tokens = TokensSpent {
            input: 1,
            output: 3,
        };
        let (input, output) = rate("0.035", "0.14").cost(tokens);
        assert_eq!(input, "0.000000035".parse().unwrap());
        assert_eq!(output, "0.00000042".parse().unwrap());
    }
}
