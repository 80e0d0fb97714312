//! Calling a model on demand, with one record for each call.

use crate::error::Source;
use async_trait::async_trait;
use bytes::Bytes;
use quarry_model::Denial;
use std::time::Duration;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// Too many calls; the same call will succeed later.
    #[error("throttled")]
    Throttled(#[source] Source),
    /// There was no response, the model timed out, or there was an internal error.
    #[error("unavailable")]
    Unavailable(#[source] Source),
    /// The model worked longer than Quarry waits for an answer. The same question would take as
    /// long again, and might be charged again, so the error is the record's.
    #[error("the model did not answer within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// The service answered the call (HTTP status 200), but its reply broke off, or is no reply of
    /// the operation. The model worked, so the call is charged, and a further call is charged again.
    #[error("the reply broke off or cannot be read")]
    BrokenOff(#[source] Source),
    /// The model does not accept the body (`ValidationException`), so the error is the record's.
    /// `code` is the HTTP status.
    #[error("{message}")]
    Rejected {
        /// The HTTP status, e.g. 400.
        code: u16,
        /// The service's message.
        message: String,
    },
    /// The role may not call the model; this concerns every record.
    #[error("access denied")]
    AccessDenied(#[source] Source),
    /// The service denies the model itself; this concerns every record.
    #[error("the model is denied")]
    Denied {
        /// The reason.
        denial: Denial,
        /// The service's error.
        #[source]
        source: Source,
    },
    /// The model does not exist here; this concerns every record.
    #[error("no such model")]
    NotFound(#[source] Source),
}

/// A question for a model.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Model id, profile id or ARN.
    pub model_id: &'a str,
    /// Whether `body` is a `Converse` body; otherwise it is an `InvokeModel` body.
    pub converse: bool,
    /// A record's `modelInput`.
    pub body: Bytes,
    /// The requested service tier; `None` is the default tier.
    pub tier: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// Creates a question in the default service tier.
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

/// Makes single calls to models.
#[async_trait]
pub trait OnDemand: Send + Sync {
    /// Sends a question to a model.
    async fn invoke(&self, question: Question<'_>) -> Result<ModelReply, InvokeError>;
}
