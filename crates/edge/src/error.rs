//! What a function can fail with, as the state machine sees it.
//!
//! Step Functions matches `Retry` on the error's name, so the names are part of the interface:
//! `StepError::NAMES` is held against `statemachine.asl.json` by a test.

use quarry_model::Denial;
use std::error::Error as StdError;

/// The source of an error, kept for the cause text.
pub type Source = Box<dyn StdError + Send + Sync>;

/// A failed step. A variant is something that the state machine treats differently; the message
/// says what was being done to what.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// AWS asked for fewer calls; the same call will do later.
    #[error("throttled: {doing}")]
    Throttled {
        /// What was being done, e.g. `creating job quarry-…`.
        doing: String,
        /// The service's answer.
        #[source]
        source: Option<Source>,
    },
    /// The account's quota of batch jobs in flight is used; a place comes free when a job ends.
    #[error("the quota of batch jobs in flight is used: {doing}")]
    QuotaExceeded {
        /// What was being done.
        doing: String,
        /// The service's answer.
        #[source]
        source: Option<Source>,
    },
    /// The service or the network did not answer; the same call may do at once.
    #[error("unavailable: {doing}")]
    Unavailable {
        /// What was being done.
        doing: String,
        /// The service's answer.
        #[source]
        source: Option<Source>,
    },
    /// The role may not do this. Retrying does not help; a person has to.
    #[error("access denied: {doing}")]
    AccessDenied {
        /// What was being done, with the resource's name.
        doing: String,
        /// The service's answer.
        #[source]
        source: Option<Source>,
    },
    /// The account has not got access to the model yet. The first call of a model starts that, and it
    /// takes some minutes.
    #[error("access to the model is pending: {doing}")]
    ModelAccessPending {
        /// What was being done, with the model's id.
        doing: String,
        /// The service's answer.
        #[source]
        source: Option<Source>,
    },
    /// An object or job that has to be there is not.
    #[error("not found: {doing}")]
    NotFound {
        /// What was being done, with the resource's name.
        doing: String,
        /// The service's answer.
        #[source]
        source: Option<Source>,
    },
    /// An input object is not the one that was planned with (its `ETag` differs).
    #[error("the data changed while the run was using it: {doing}")]
    DataChanged {
        /// What was being done, with the object's name.
        doing: String,
    },
    /// The request, its prompts, schema, settings or data cannot be run. The message says where
    /// and what to do.
    #[error("{message}")]
    BadRequest {
        /// The whole message.
        message: String,
        /// What found it.
        #[source]
        source: Option<Source>,
    },
    /// The service refused a call that no retry will make good.
    #[error("refused: {doing}")]
    Refused {
        /// What was being done.
        doing: String,
        /// The service's answer.
        #[source]
        source: Option<Source>,
    },
    /// What came out does not add up with what went in; nothing is reported as done.
    #[error("the result does not add up: {message}")]
    Inconsistent {
        /// Which counts differ.
        message: String,
    },
}

impl StepError {
    /// Every error name, as in `statemachine.asl.json`.
    pub const NAMES: [&'static str; 10] = [
        "Quarry.Throttled",
        "Quarry.QuotaExceeded",
        "Quarry.Unavailable",
        "Quarry.AccessDenied",
        "Quarry.ModelAccessPending",
        "Quarry.NotFound",
        "Quarry.DataChanged",
        "Quarry.BadRequest",
        "Quarry.Refused",
        "Quarry.Inconsistent",
    ];

    /// The stable name that `Retry` matches.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "Quarry.Throttled",
            Self::QuotaExceeded { .. } => "Quarry.QuotaExceeded",
            Self::Unavailable { .. } => "Quarry.Unavailable",
            Self::AccessDenied { .. } => "Quarry.AccessDenied",
            Self::ModelAccessPending { .. } => "Quarry.ModelAccessPending",
            Self::NotFound { .. } => "Quarry.NotFound",
            Self::DataChanged { .. } => "Quarry.DataChanged",
            Self::BadRequest { .. } => "Quarry.BadRequest",
            Self::Refused { .. } => "Quarry.Refused",
            Self::Inconsistent { .. } => "Quarry.Inconsistent",
        }
    }

    /// A request that cannot be run, from what found it.
    pub fn bad_request(source: impl Into<Source>) -> Self {
        let source = source.into();
        Self::BadRequest {
            message: source.to_string(),
            source: Some(source),
        }
    }

    /// The service denies a model as such. Its words come first, since they are what a short cause has
    /// room for, then what to do. `setting` is the one that names the model.
    pub fn denied(
        denial: Denial,
        doing: &str,
        setting: &str,
        model_id: &str,
        source: Source,
    ) -> Self {
        let remedy = denial.remedy(setting, model_id);
        let doing = format!("{source}; {remedy} ({doing})");
        let source = Some(source);
        match denial {
            Denial::FirstUse => Self::ModelAccessPending { doing, source },
            _ => Self::Refused { doing, source },
        }
    }

    /// The message with every source behind it, in one line.
    pub fn full_message(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        text
    }
}

impl From<StepError> for lambda_runtime::Diagnostic {
    fn from(error: StepError) -> Self {
        Self {
            error_type: error.name().to_owned(),
            error_message: error.full_message(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_sources_once() {
        let inner = std::io::Error::other("connection reset");
        let error = StepError::Unavailable {
            doing: "reading s3://b/k".into(),
            source: Some(Box::new(inner)),
        };
        assert_eq!(
            error.full_message(),
            "unavailable: reading s3://b/k: connection reset"
        );
        let same = StepError::bad_request("no such column");
        assert_eq!(same.full_message(), "no such column");
    }
}
