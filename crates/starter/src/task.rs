//! What a model shall do with a row: the texts and the schema of each task.

use serde_json::{Value, json};
use std::str::FromStr;

/// What a model shall do with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StarterTask {
    /// Choose one of some labels.
    #[default]
    Classify,
    /// Copy traits out of the text.
    Extract,
    /// Say the same in fewer words.
    Summarise,
}

impl StarterTask {
    /// All tasks.
    pub const ALL: [Self; 3] = [Self::Classify, Self::Extract, Self::Summarise];

    /// Returns the task's name, as [`FromStr`] reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Extract => "extract",
            Self::Summarise => "summarise",
        }
    }

    pub(crate) fn system_prompt(self) -> &'static str {
        match self {
            Self::Classify => {
                "You classify the rows of a table. Judge only by what the row says. \
                 If it does not say enough, choose unknown and lower the confidence."
            }
            Self::Extract => {
                "You copy traits out of the rows of a table. Copy only what the row says, \
                 and leave a list empty if the row says nothing about it."
            }
            Self::Summarise => {
                "You summarise the rows of a table. Say only what the row says, \
                 in plain sentences."
            }
        }
    }

    pub(crate) fn question(self) -> &'static str {
        match self {
            Self::Classify => "Say which label fits the row, how sure you are (0 to 1), and why.",
            Self::Extract => "Say which people, organisations, places and dates the row names.",
            Self::Summarise => {
                "Summarise the row in at most two sentences, and give up to five topics."
            }
        }
    }

    pub(crate) fn schema(self) -> Value {
        let (properties, required) = match self {
            Self::Classify => (
                json!({
                    "label": {"type": "string", "enum": ["yes", "no", "unknown"]},
                    "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                    "reason": {"type": "string", "maxLength": 300},
                }),
                json!(["label", "confidence", "reason"]),
            ),
            Self::Extract => (
                json!({
                    "people": list(20),
                    "organisations": list(20),
                    "places": list(20),
                    "dates": list(20),
                }),
                json!(["people", "organisations", "places", "dates"]),
            ),
            Self::Summarise => (
                json!({
                    "summary": {"type": "string", "minLength": 1, "maxLength": 600},
                    "topics": list(5),
                }),
                json!(["summary", "topics"]),
            ),
        };
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }
}

/// Returns the schema of a list of at most `most` short texts.
fn list(most: u32) -> Value {
    json!({
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 200},
        "maxItems": most,
    })
}

impl FromStr for StarterTask {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|task| task.name() == text);
        found.ok_or_else(|| {
            format!("there is no task `{text}`; the tasks are classify, extract and summarise")
        })
    }
}
