//! A failed SDK call in a form that can be shown to a person and tested by code.
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

/// The kind of failure, which the callers group further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Too many calls.
    Throttled,
    /// A quota is used up.
    Quota,
    /// The call conflicts with something that exists.
    Conflict,
    /// Something named in the call does not exist.
    NotFound,
    /// The caller is not allowed, or not known.
    AccessDenied,
    /// The call or its content is not valid.
    Invalid,
    /// The model failed at this particular input (`ModelErrorException`).
    Model,
    /// There was no response, or an internal error.
    Unavailable,
}

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub struct Failure {
    /// The kind of failure.
    pub kind: Kind,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// The service's code, if it gave one.
    pub code: Option<String>,
    /// The service's message, or the chain of errors that prevented a response.
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
    /// Whether the service refused the time of the signature.
    pub(crate) fn is_about_time(&self) -> bool {
        is_about_time(self.code.as_deref(), Some(&self.message))
    }

    /// Creates the failure of an SDK error.
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
                let kind = if is_about_time(code, message) {
                    Kind::Unavailable
                } else {
                    kind(code, status)
                };
                Self {
                    kind,
                    status,
                    code: code.map(str::to_owned),
                    message: message.map_or_else(|| without_message(status), str::to_owned),
                }
            }
            // The call could not be built from its parameters, so a retry would fail too.
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
    /// Creates the failure of a call whose response does not match the service's documentation.
    pub fn not_understood(what: &str, why: impl fmt::Display) -> Self {
        Self {
            kind: Kind::Unavailable,
            status: None,
            code: None,
            message: format!("{what} cannot be read: {why}"),
        }
    }

    /// Returns what is wrong with the caller's credentials, if the service refuses them. A permission is
    /// not missing then: the service does not know who calls.
    pub fn credentials_fault(&self) -> Option<CredentialsFault> {
        if self.is_about_time() {
            return None;
        }
        match self.code.as_deref()? {
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
                Some(CredentialsFault::Expired)
            }
            "AuthFailure"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "InvalidToken"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "NotAuthorized"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException" => Some(CredentialsFault::NotValid),
            _ => None,
        }
    }

    /// Returns the remedy of a failure that has nothing to do with a permission or with the call's content:
    /// of credentials, the clock or the way to the service. `None` if the service itself has judged the call.
    pub fn remedy_of_connection(&self) -> Option<&'static str> {
        if let Some(fault) = self.credentials_fault() {
            return Some(fault.remedy());
        }
        if self.is_about_time() {
            return Some("set the clock of this machine");
        }
        match (self.status, &self.code, self.kind) {
            (None, _, Kind::Unavailable) => Some(
                "check the network, the Region and, if it is set, AWS_ENDPOINT_URL: the service was not reached",
            ),
            // Each service gives its refusals a code, except for those of `HEAD`.
            (Some(_), None, Kind::AccessDenied | Kind::Unavailable) => Some(
                "try again; if it stays so, check the network, because a proxy may have responded in place of AWS",
            ),
            (Some(_), _, Kind::Unavailable | Kind::Throttled) => Some("try again in some minutes"),
            _ => None,
        }
    }

    /// Returns why Bedrock denies the model itself, if that is what the message says. The service
    /// uses several codes for it, which also have other meanings.
    pub fn denial(&self) -> Option<Denial> {
        match self.kind {
            Kind::NotFound | Kind::AccessDenied | Kind::Invalid | Kind::Conflict => {
                Denial::of(&self.message)
            }
            Kind::Throttled | Kind::Quota | Kind::Model | Kind::Unavailable => None,
        }
    }
}

/// What is wrong with credentials that a service refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialsFault {
    /// The session or the login has ended.
    Expired,
    /// AWS does not know the keys, or they do not belong together.
    NotValid,
}

impl CredentialsFault {
    /// Returns what the caller can do.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Expired => {
                "the credentials have expired: run `aws sso login` if the AWS profile uses it, or set new keys \
                 (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN)"
            }
            Self::NotValid => {
                "AWS does not accept the credentials: correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
                 AWS_SESSION_TOKEN or the keys of the AWS profile, or make new keys"
            }
        }
    }
}

/// Returns the failed call behind an error, if there is one.
pub fn failed_call<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Failure> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(failure);
        }
        cause = error.source();
    }
    None
}

/// Returns an error and its causes as one line, the outermost first. A cause that repeats the text
/// before it is left out.
///
/// The SDK's own `DisplayErrorContext` adds the `Debug` form of the whole error, which gives a
/// reader no more information.
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

/// The meaning of a failed call to Step Functions, to SageMaker, or for a count of tokens, whose callers treat
/// all alike.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Too many calls, or too many of the requested things.
    #[error("throttled")]
    Throttled(#[source] Source),
    /// Something named in the call does not exist.
    #[error("not found")]
    NotFound(#[source] Source),
    /// The role may not do this.
    #[error("access denied")]
    AccessDenied(#[source] Source),
    /// No retry can make the call succeed; for example, its input is too large.
    #[error("refused")]
    Refused(#[source] Source),
    /// There was no response, or an internal error.
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

/// Responses to `HEAD` have no body and so no message.
fn without_message(status: Option<u16>) -> String {
    match status {
        Some(status) => format!("HTTP status {status}, without a message"),
        None => "no message".to_owned(),
    }
}

/// Whether the service refuses the time of a call's signature, because the clock of the machine is
/// off. The response tells the right time, so the next call has it.
pub(crate) fn is_about_time(code: Option<&str>, message: Option<&str>) -> bool {
    match code.unwrap_or_default() {
        "RequestTimeTooSkewed" | "RequestInTheFuture" | "RequestExpired" => true,
        "InvalidSignatureException" | "SignatureDoesNotMatch" => {
            let words = message.unwrap_or_default();
            ["Signature expired", "Signature not yet current"]
                .iter()
                .any(|beginning| words.starts_with(beginning))
        }
        _ => false,
    }
}

/// Decides by the error's code if the service models have it, otherwise by the HTTP status.
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

    #[test]
    fn a_signature_of_another_time_is_not_a_lack_of_permission() {
        let is_about_time = |code, message| is_about_time(Some(code), Some(message));
        assert!(is_about_time("RequestTimeTooSkewed", "The difference"));
        let code = "InvalidSignatureException";
        assert!(is_about_time(
            code,
            "Signature expired: 20261129T110000Z is now earlier than 20261129T115500Z"
        ));
        assert!(is_about_time(code, "Signature not yet current: 2026"));
        assert!(!is_about_time(code, "The request signature we calculated"));
        assert!(!is_about_time("AccessDeniedException", "Signature expired"));
    }

    /// Codes of the service models decide; the HTTP status decides for others (gateways, signing).
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

    fn refused(code: Option<&str>, status: Option<u16>) -> Failure {
        Failure {
            kind: kind(code, status),
            status,
            code: code.map(str::to_owned),
            message: "no".to_owned(),
        }
    }

    #[test]
    fn credentials_that_are_refused_are_told_from_a_missing_permission() {
        for (code, fault) in [
            ("ExpiredToken", Some(CredentialsFault::Expired)),
            ("ExpiredTokenException", Some(CredentialsFault::Expired)),
            ("InvalidClientTokenId", Some(CredentialsFault::NotValid)),
            ("SignatureDoesNotMatch", Some(CredentialsFault::NotValid)),
            (
                "UnrecognizedClientException",
                Some(CredentialsFault::NotValid),
            ),
            ("AccessDenied", None),
            ("AccessDeniedException", None),
        ] {
            let failure = refused(Some(code), Some(403));
            assert_eq!(failure.credentials_fault(), fault, "{code}");
            assert_eq!(
                failure.remedy_of_connection(),
                fault.map(CredentialsFault::remedy)
            );
            let error = CallError::from(failure);
            let found = failed_call(&error).expect("the call is behind the error");
            assert_eq!(found.credentials_fault(), fault, "{code}");
        }
        let of_time = Failure {
            message: "Signature expired: 2026".to_owned(),
            ..refused(Some("SignatureDoesNotMatch"), Some(403))
        };
        assert_eq!(of_time.credentials_fault(), None);
        for (code, status, words) in [
            (None, None, "was not reached"),
            (None, Some(500), "a proxy may have responded"),
            (None, Some(403), "a proxy may have responded"),
            (Some("InternalFailure"), Some(500), "in some minutes"),
        ] {
            let remedy = refused(code, status).remedy_of_connection();
            assert!(
                remedy.is_some_and(|remedy| remedy.contains(words)),
                "{status:?}: {remedy:?}"
            );
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Caused {
        words: &'static str,
        #[source]
        cause: Option<Box<Self>>,
    }

    /// An error's text has its own message and those of its causes, never the `Debug` form.
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
