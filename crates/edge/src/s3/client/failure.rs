//! Converting failed calls of S3 into failures of an object store.

use crate::error::Source;
use crate::failure::is_about_time;
use crate::store::StoreError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use quarry_contract::location::S3Uri;
use std::error::Error as StdError;
use std::fmt::Write as _;

/// The meaning of a failed condition (412) for the call.
#[derive(Clone, Copy)]
pub(super) enum Precondition {
    /// `If-Match`.
    Match,
    /// `If-None-Match: *`.
    Absent,
}

/// The service's message as one line, because the SDK's own text of a service error hides it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ServiceMessage(String);

pub(super) fn status_of<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|raw| raw.status().as_u16())
}

/// Returns the failure of a call about `at`, by the service's error code, otherwise by the HTTP
/// status.
pub(super) fn store_error<E>(
    error: SdkError<E, HttpResponse>,
    at: &S3Uri,
    condition: Precondition,
) -> StoreError
where
    E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
{
    let name = at.to_string();
    let status = status_of(&error);
    let code = error.code().unwrap_or_default().to_owned();
    let has_another_time = is_about_time(error.code(), error.message());
    let source: Source = match &error {
        SdkError::ServiceError(_) => Box::new(ServiceMessage(answer_text(&error, &code, status))),
        _ => Box::new(error),
    };
    if has_another_time {
        return StoreError::Unavailable(name, source);
    }
    match (code.as_str(), status) {
        ("NoSuchKey" | "NoSuchBucket" | "NoSuchUpload" | "NotFound", _) | (_, Some(404)) => {
            StoreError::NotFound(name)
        }
        ("PreconditionFailed", _) | (_, Some(412)) => match condition {
            Precondition::Match => StoreError::Changed(name),
            Precondition::Absent => StoreError::Exists(name),
        },
        ("RequestTimeout" | "ConditionalRequestConflict" | "OperationAborted", _) => {
            StoreError::Unavailable(name, source)
        }
        (
            "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequests"
            | "KMS.ThrottlingException"
            | "KMS.LimitExceededException",
            _,
        )
        | (_, Some(429 | 503)) => StoreError::Throttled(name, source),
        // S3 passes on what KMS says about the object's key.
        (
            "KMS.InternalException"
            | "KMS.KMSInternalException"
            | "KMS.DependencyTimeoutException"
            | "KMS.KeyUnavailableException",
            _,
        ) => StoreError::Unavailable(name, source),
        ("AccessDenied" | "AllAccessDisabled" | "ExpiredToken" | "InvalidToken", _)
        | (_, Some(401 | 403)) => StoreError::AccessDenied(name, source),
        // Completing and copying may fail after a status of 200 was sent.
        ("InternalError" | "ServiceUnavailable", _) | (_, Some(500..=599)) => {
            StoreError::Unavailable(name, source)
        }
        (_, Some(_)) if !code.is_empty() => StoreError::Refused(name, source),
        (_, Some(400..=499)) => StoreError::Refused(name, source),
        // No response, a timeout, or a response that could not be read.
        _ => StoreError::Unavailable(name, source),
    }
}

fn answer_text<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
    code: &str,
    status: Option<u16>,
) -> String {
    let mut text = String::new();
    let code = if code.is_empty() {
        "no error code"
    } else {
        code
    };
    text.push_str(code);
    if let Some(message) = error.message() {
        text.push_str(": ");
        text.push_str(message);
    }
    if let Some(status) = status {
        let _ = write!(text, " (HTTP {status}");
        if let Some(id) = error.meta().request_id() {
            let _ = write!(text, ", request {id}");
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::get_object::GetObjectError;
    use aws_smithy_types::body::SdkBody;

    /// S3 calls KMS for an encrypted object, and passes its refusals on with a status of 400.
    #[test]
    fn throttling_and_outages_of_kms_are_not_final() {
        let failed = |code: &str| {
            let refused = GetObjectError::generic(ErrorMetadata::builder().code(code).build());
            let response = HttpResponse::new(400.try_into().unwrap(), SdkBody::empty());
            let at = S3Uri::new("bucket", "o").unwrap();
            let error = SdkError::service_error(refused, response);
            store_error(error, &at, Precondition::Match)
        };
        for code in ["KMS.ThrottlingException", "KMS.LimitExceededException"] {
            assert!(matches!(failed(code), StoreError::Throttled(..)), "{code}");
        }
        for code in ["KMS.KMSInternalException", "KMS.DependencyTimeoutException"] {
            assert!(
                matches!(failed(code), StoreError::Unavailable(..)),
                "{code}"
            );
        }
        let disabled = failed("KMS.DisabledException");
        assert!(matches!(disabled, StoreError::Refused(..)), "{disabled:?}");
    }
}
