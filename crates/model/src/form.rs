//! The form of a run's requests: what of all that a model accepts is used, and what the service has refused since.

use crate::enforcement::Enforcement;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The form in which a run's records are sent. It is kept in the run's documents, so a round can be sent and read in the
/// form that an earlier one led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestForm {
    /// How the model is held to JSON.
    pub enforcement: Enforcement,
    /// What is left out because the service refused it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub without: BTreeSet<Parameter>,
    /// The most tokens that the service said the model may answer with; below the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
}

/// A part of a request that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// The sampling temperature.
    Temperature,
    /// Nucleus sampling.
    TopP,
    /// What switches thinking off.
    Thinking,
    /// How much the model works on an answer.
    Effort,
    /// The system turn: its text then begins the user turn.
    System,
}

impl RequestForm {
    /// A form in which nothing was refused yet.
    pub const fn new(enforcement: Enforcement) -> Self {
        Self {
            enforcement,
            without: BTreeSet::new(),
            max_tokens: None,
        }
    }

    /// Whether a parameter may be sent.
    pub fn sends(&self, parameter: Parameter) -> bool {
        !self.without.contains(&parameter)
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::Thinking => "the thinking parameter",
            Self::Effort => "effort",
            Self::System => "a system turn",
        })
    }
}

/// For people: "structured output, without temperature, with at most 8192 tokens".
impl fmt::Display for RequestForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.enforcement.fmt(formatter)?;
        for (place, parameter) in self.without.iter().enumerate() {
            let joined = if place == 0 { ", without" } else { " and" };
            write!(formatter, "{joined} {parameter}")?;
        }
        if let Some(most) = self.max_tokens {
            write!(formatter, ", with at most {most} tokens")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_kept_and_read_again_and_an_older_one_too() {
        let form = RequestForm {
            enforcement: Enforcement::OfferedTool,
            without: BTreeSet::from([Parameter::TopP, Parameter::Temperature]),
            max_tokens: Some(8_192),
        };
        let text = serde_json::to_string(&form).unwrap();
        assert_eq!(
            text,
            r#"{"enforcement":"offered_tool","without":["temperature","top_p"],"max_tokens":8192}"#
        );
        assert_eq!(serde_json::from_str::<RequestForm>(&text).unwrap(), form);
        assert_eq!(
            serde_json::from_str::<RequestForm>(r#"{"enforcement":"prefill"}"#).unwrap(),
            RequestForm::new(Enforcement::Prefill)
        );
        assert_eq!(
            form.to_string(),
            "an offered tool, without temperature and top_p, with at most 8192 tokens"
        );
    }
}
