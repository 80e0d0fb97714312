//! The Callback step of a SageMaker pipeline that waits for a run.

use crate::digest::hex_digest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The step to call back when the run has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callback {
    /// The token that identifies the step.
    pub token: CallbackToken,
    /// The pipeline's execution, for logs and for the run's name.
    pub pipeline_execution_arn: String,
}

/// Length of a token (`SendPipelineExecutionStepSuccess`, `CallbackToken`).
const TOKEN_CHARS: usize = 10;

/// A token in SageMaker's form: exactly 10 of `[a-zA-Z0-9]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallbackToken(String);

/// Why a text is not a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a callback token: it must be 10 of `a-z`, `A-Z`, `0-9`")]
pub struct TokenError(String);

impl CallbackToken {
    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the `ClientRequestToken` of a callback of this kind, which is the same for every
    /// attempt.
    pub fn request_token(&self, kind: &str) -> String {
        hex_digest(format!("{kind}\n{}", self.0))
    }
}

impl FromStr for CallbackToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for CallbackToken {
    type Error = TokenError;

    fn try_from(text: String) -> Result<Self, TokenError> {
        if text.len() == TOKEN_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(text))
        } else {
            Err(TokenError(text))
        }
    }
}

impl From<CallbackToken> for String {
    fn from(token: CallbackToken) -> Self {
        token.0
    }
}

impl fmt::Display for CallbackToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_ten_letters_and_digits() {
        assert_eq!(
            "26vcYbeWsZ".parse::<CallbackToken>().unwrap().as_str(),
            "26vcYbeWsZ"
        );
        let token: CallbackToken = "26vcYbeWsZ".parse().unwrap();
        assert_eq!(token.request_token("success").len(), 64);
        assert_ne!(
            token.request_token("success"),
            token.request_token("failure")
        );
        for text in ["", "26vcYbeWs", "26vcYbeWsZ1", "26vcYbeWs-", "26vcYbeWä"] {
            let error = text.parse::<CallbackToken>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
