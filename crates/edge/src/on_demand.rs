//! Asking a model on demand, one record a call.

use crate::error::Source;
use async_trait::async_trait;
use bytes::Bytes;
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
    /// No such model here: every record's problem.
    #[error("no such model")]
    NotFound(#[source] Source),
}

/// One call, one answer.
#[async_trait]
pub trait OnDemand: Send + Sync {
    /// Asks `model_id`; `body` is a record's `modelInput` (an `InvokeModel` body, or with
    /// `converse` a `Converse` body). Answers the JSON that a batch job would write as
    /// `modelOutput`.
    async fn invoke(
        &self,
        model_id: &str,
        converse: bool,
        body: Bytes,
    ) -> Result<Bytes, InvokeError>;
}
