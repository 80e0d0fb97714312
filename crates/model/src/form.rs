//! The form of a run's requests: which capabilities of a model are used, and what the service has
//! refused.

use crate::enforcement::Enforcement;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The form in which a run's records are sent. The run's documents keep it, so that a round can be
/// sent and read in the form that an earlier round led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestForm {
    /// The means of making the model answer with JSON.
    pub enforcement: Enforcement,
    /// The parameters that are left out because the service refused them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub without: BTreeSet<Parameter>,
    /// The most tokens of an answer according to the service, if that is below the setting.
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
    /// The switch that turns thinking off.
    Thinking,
    /// The effort that the model puts into an answer.
    Effort,
    /// The system turn. Without it, the user turn begins with its text.
    System,
}

impl RequestForm {
    /// Returns a form in which nothing has been refused.
    pub const fn new(enforcement: Enforcement) -> Self {
        Self {
            enforcement,
            without: BTreeSet::new(),
            max_tokens: None,
        }
    }

    /// Whether the form sends a parameter.
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

/// For people, such as "structured output, without temperature, with at most 8192 tokens".
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
