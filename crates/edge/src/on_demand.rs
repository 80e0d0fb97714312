//! Asking a model on demand, one record a call.

use crate::error::Source;
use async_trait::async_trait;
use bytes::Bytes;
use quarry_model::Denial;
use std::time::Duration;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// Too many calls; the same call will do later.
    #[error("throttled")]
    Throttled(#[source] Source),
    /// No answer, a timeout of the model, or an internal error.
    #[error("unavailable")]
    Unavailable(#[source] Source),
    /// The model worked longer than an answer is waited for. The same question would take as long
    /// again, and may be charged again: this record's problem.
    #[error("the model did not answer within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// The body is not one the model takes (`ValidationException`): this record's problem.
    /// `code` is the HTTP status.
    #[error("{message}")]
    Rejected {
        /// The HTTP status, e.g. 400.
        code: u16,
        /// The service's words.
        message: String,
    },
    /// The role may not invoke the model: every record's problem.
    #[error("access denied")]
    AccessDenied(#[source] Source),
    /// The service denies the model as such: every record's problem.
    #[error("the model is denied")]
    Denied {
        /// Why.
        denial: Denial,
        /// The service's answer.
        #[source]
        source: Source,
    },
    /// No such model here: every record's problem.
    #[error("no such model")]
    NotFound(#[source] Source),
}

/// A question to a model.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Model id, profile id or ARN.
    pub model_id: &'a str,
    /// Whether `body` is a `Converse` body instead of an `InvokeModel` body.
    pub converse: bool,
    /// A record's `modelInput`.
    pub body: Bytes,
    /// The service tier that is asked for; none is the default tier.
    pub tier: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// A question in the default service tier.
    pub fn of(model_id: &'a str, converse: bool, body: Bytes) -> Self {
        Self {
            model_id,
            converse,
            body,
            tier: None,
        }
    }
}

/// What a model returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelReply {
    /// The JSON that a batch job would write as `modelOutput`.
    pub json: Bytes,
    /// The service tier that answered, if the service names it.
    pub tier: Option<String>,
}

/// One call, one answer.
#[async_trait]
pub trait OnDemand: Send + Sync {
    /// Asks a model.
    async fn invoke(&self, question: Question<'_>) -> Result<ModelReply, InvokeError>;
}
