//! Asking a model on demand, one record a call.

use crate::error::Source;
use async_trait::async_trait;
use bytes::Bytes;
use quarry_model::ModelRefusal;
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
    /// The account's first use of the model is not through: every record's problem, which may pass.
    #[error("no access to the model yet")]
    FirstUse(#[source] Source),
    /// The service refuses the model as such, whatever the record: every record's problem.
    #[error("the model is refused")]
    ModelRefused {
        /// What the refusal is about.
        refusal: ModelRefusal,
        /// The service's answer.
        #[source]
        source: Source,
    },
    /// The role may not invoke the model: every record's problem.
    #[error("access denied")]
    AccessDenied(#[source] Source),
    /// No such model here: every record's problem.
    #[error("no such model")]
    NotFound(#[source] Source),
}

/// A call.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Model id, profile id or ARN.
    pub model_id: &'a str,
    /// Whether the body is one of `Converse` and not of `InvokeModel`.
    pub converse: bool,
    /// The service tier to ask for; `None` leaves it to the service.
    pub tier: Option<&'a str>,
}

/// What a model returned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The JSON that a batch job would write as `modelOutput`.
    pub json: Bytes,
    /// The service tier that answered, if the service names it.
    pub tier: Option<String>,
}

/// One call, one answer.
#[async_trait]
pub trait OnDemand: Send + Sync {
    /// Asks a model; `body` is a record's `modelInput`, byte for byte.
    async fn ask(&self, question: Question<'_>, body: Bytes) -> Result<Reply, InvokeError>;

    /// Asks a model in the tier that the service chooses, and returns the JSON of the answer.
    async fn invoke(
        &self,
        model_id: &str,
        converse: bool,
        body: Bytes,
    ) -> Result<Bytes, InvokeError> {
        let question = Question {
            model_id,
            converse,
            tier: None,
        };
        self.ask(question, body).await.map(|reply| reply.json)
    }
}
