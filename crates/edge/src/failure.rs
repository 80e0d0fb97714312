//! What a failed SDK call says, in a form that can be shown and decided on.
//!
//! The SDK's own `Display` hides the cause and its `Debug` redacts messages that Bedrock marks as
//! sensitive, so the code and the message are read explicitly.

use crate::error::{AwsError, Source, StepErrorKind};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quarry_model::Denial;
use std::error::Error as StdError;
use std::fmt;

/// What kind of failure it is; the two operation families group them further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Too many calls.
    Throttled,
    /// A quota is used.
    Quota,
    /// In conflict with what exists.
    Conflict,
    /// Something named in the call does not exist.
    NotFound,
    /// Not allowed, or not known who calls.
    AccessDenied,
    /// The call or its content is not valid.
    Invalid,
    /// The model failed at exactly this input (`ModelErrorException`).
    Model,
    /// No answer, or an internal error.
    Unavailable,
}

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub struct Failure {
    /// What kind it is.
    pub kind: Kind,
    /// The HTTP status, when there was a response.
    pub status: Option<u16>,
    /// The service's code, when it gave one.
    pub code: Option<String>,
    /// The service's message, or the chain of what went wrong before an answer came.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(out, "{code}: {}", self.message),
            None => out.write_str(&self.message),
        }
    }
}

impl Failure {
    /// What a failed call says.
    pub fn new<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        match error {
            SdkError::ServiceError(service) => {
                let code = service.err().code();
                let message = service.err().message();
                Self {
                    kind: kind(code, status),
                    status,
                    code: code.map(str::to_owned),
                    message: message.map_or_else(|| without_message(status), str::to_owned),
                }
            }
            // The call could not even be made of its parameters: the same again will not do.
            SdkError::ConstructionFailure(_) => Self {
                kind: Kind::Invalid,
                status,
                code: None,
                message: chain(error),
            },
            _ => Self {
                kind: Kind::Unavailable,
                status,
                code: None,
                message: chain(error),
            },
        }
    }
}

impl Failure {
    /// Why Bedrock denies the model as such, if that is what it says. It does so under several codes,
    /// which also mean other things.
    pub fn denial(&self) -> Option<Denial> {
        match self.kind {
            Kind::NotFound | Kind::AccessDenied | Kind::Invalid | Kind::Conflict => {
                Denial::of(&self.message)
            }
            Kind::Throttled | Kind::Quota | Kind::Model | Kind::Unavailable => None,
        }
    }
}

/// An error and its causes as one line, the outermost first. A cause that repeats what stands before it is left out.
///
/// The SDK's own `DisplayErrorContext` adds the `Debug` form of the whole error, which tells a reader nothing more.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

/// What a failed call means to a caller that does the same whatever the service: Step Functions and SageMaker.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Too many calls, or too many of what is asked for.
    #[error("throttled")]
    Throttled(#[source] Source),
    /// Something named in the call does not exist.
    #[error("not found")]
    NotFound(#[source] Source),
    /// The role may not do this.
    #[error("access denied")]
    AccessDenied(#[source] Source),
    /// The call cannot be made good by repeating it, e.g. an input that is too large.
    #[error("refused")]
    Refused(#[source] Source),
    /// No answer or an internal error.
    #[error("unavailable")]
    Unavailable(#[source] Source),
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            Kind::Throttled | Kind::Quota => Self::Throttled(Box::new(failure)),
            Kind::NotFound => Self::NotFound(Box::new(failure)),
            Kind::AccessDenied => Self::AccessDenied(Box::new(failure)),
            Kind::Conflict | Kind::Invalid => Self::Refused(Box::new(failure)),
            Kind::Model | Kind::Unavailable => Self::Unavailable(Box::new(failure)),
        }
    }
}

impl AwsError for CallError {
    fn kind(&self) -> StepErrorKind {
        match self {
            Self::Throttled(_) => StepErrorKind::Throttled,
            Self::NotFound(_) => StepErrorKind::NotFound,
            Self::AccessDenied(_) => StepErrorKind::AccessDenied,
            Self::Refused(_) => StepErrorKind::Refused,
            Self::Unavailable(_) => StepErrorKind::Unavailable,
        }
    }
}

/// Answers to `HEAD` have no body, and so no message.
fn without_message(status: Option<u16>) -> String {
    match status {
        Some(status) => format!("HTTP status {status}, without a message"),
        None => "no message".to_owned(),
    }
}

/// By the error's code, for what the services model; by the HTTP status for all else.
fn kind(code: Option<&str>, status: Option<u16>) -> Kind {
    match code.unwrap_or_default() {
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "ExecutionLimitExceeded"
        | "ResourceLimitExceeded" => Kind::Throttled,
        "ServiceQuotaExceededException" => Kind::Quota,
        "ConflictException" => Kind::Conflict,
        "ResourceNotFoundException"
        | "ResourceNotFound"
        | "NotFoundException"
        | "NoSuchResourceException"
        | "ExecutionDoesNotExist"
        | "StateMachineDoesNotExist" => Kind::NotFound,
        "AccessDeniedException" => Kind::AccessDenied,
        "ValidationException" => Kind::Invalid,
        "ModelErrorException" => Kind::Model,
        "InternalServerException"
        | "ServiceUnavailableException"
        | "ModelTimeoutException"
        | "ModelNotReadyException"
        | "RequestTimeout"
        | "RequestTimeoutException" => Kind::Unavailable,
        _ => match status {
            Some(429) => Kind::Throttled,
            Some(401 | 403) => Kind::AccessDenied,
            Some(404) => Kind::NotFound,
            Some(408) => Kind::Unavailable,
            Some(400..=499) => Kind::Invalid,
            _ => Kind::Unavailable,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes that the service models decide; the HTTP status is for the rest (gateways, signing).
    #[test]
    fn codes_decide_before_the_http_status() {
        assert_eq!(
            kind(Some("ServiceQuotaExceededException"), Some(400)),
            Kind::Quota
        );
        assert_eq!(kind(Some("ConflictException"), Some(400)), Kind::Conflict);
        assert_eq!(
            kind(Some("ModelNotReadyException"), Some(429)),
            Kind::Unavailable
        );
        assert_eq!(
            kind(Some("ExpiredTokenException"), Some(403)),
            Kind::AccessDenied
        );
        assert_eq!(kind(None, Some(429)), Kind::Throttled);
        assert_eq!(kind(Some("SomethingNew"), Some(418)), Kind::Invalid);
        assert_eq!(kind(None, Some(502)), Kind::Unavailable);
        assert_eq!(kind(None, None), Kind::Unavailable);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Caused {
        words: &'static str,
        #[source]
        cause: Option<Box<Self>>,
    }

    /// An error is told in its words and those of its causes, never in its `Debug` form.
    #[test]
    fn a_chain_of_causes_is_one_line_without_repetitions() {
        let caused = |words, cause: Option<Caused>| Caused {
            words,
            cause: cause.map(Box::new),
        };
        let refused = caused("connection refused", None);
        let error = caused("io error: connection refused", Some(refused));
        let error = caused("dispatch failure", Some(error));
        assert_eq!(
            chain(&error),
            "dispatch failure: io error: connection refused"
        );
    }
}
