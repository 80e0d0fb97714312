//! Given answers: JSON Lines with the model's answers.
//!
//! ```json
//! {"recordId": "record_3", "text": "{\"category\": \"bird\"}"}
//! {"recordId": "record_3", "text": "the answer when the record is sent a second time"}
//! {"recordId": "record_4", "modelOutput": {"content": [], "stop_reason": "refusal"}}
//! {"match": "Newark", "text": "for every prompt that contains this text"}
//! {"text": "for all other records"}
//! ```
//!
//! A line for the record's id takes precedence over a line for a text of its prompt, which takes
//! precedence over a line for all records. If there are several lines of the same kind, the first
//! is used the first time a record is sent, the second the second time, and the last every time
//! after that. Records without a line get an answer from the schema.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One line. Exactly one of `text` and `model_output` is set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GivenAnswer {
    /// For the record with this id; on demand, for the record that had this id in a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// For prompts that contain this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#match: Option<String>,
    /// The model's text, in the form that the request wants: a JSON object becomes the tool's
    /// input, and the beginning that the request gave is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The whole `modelOutput`, unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_output: Option<Value>,
}

/// Why a file of given answers is not valid.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// A line is not an answer in JSON.
    #[error("line {line} of the given answers is not an answer")]
    Line {
        /// From 1.
        line: usize,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A line has both contents, or neither.
    #[error("line {line} of the given answers needs either `text` or `modelOutput`")]
    Content {
        /// From 1.
        line: usize,
    },
}

/// Reads JSON Lines; empty lines are skipped.
pub fn parse_given(bytes: &[u8]) -> Result<Vec<GivenAnswer>, GivenError> {
    let mut answers = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answer: GivenAnswer =
            serde_json::from_slice(line).map_err(|source| GivenError::Line {
                line: index + 1,
                source,
            })?;
        if answer.text.is_some() == answer.model_output.is_some() {
            return Err(GivenError::Content { line: index + 1 });
        }
        answers.push(answer);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named_by_line() {
        assert_eq!(parse_given(b"\n{\"text\":\"a\"}\n\n").unwrap().len(), 1);
        assert!(matches!(
            parse_given(b"{\"text\":\"a\"}\n{\"txt\":\"b\"}"),
            Err(GivenError::Line { line: 2, .. })
        ));
        assert!(matches!(
            parse_given(b"{\"recordId\":\"a\"}"),
            Err(GivenError::Content { line: 1 })
        ));
    }
}
