//! The wire forms that operations share: errors and times.

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use std::time::Duration;

/// An error as the service returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// Why a call gets no successful response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The service returns an error.
    Error(ApiError),
    /// The connection breaks.
    Cut,
    /// The connection breaks after the beginning of a successful response.
    BrokenOff,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl ApiError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationException", message)
    }

    /// Returns the error of a member that breaks a constraint, in the words of the service's own
    /// validation.
    pub(crate) fn constraint(value: &str, member: &str, constraint: &str) -> Self {
        Self::validation(format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy \
             constraint: {constraint}"
        ))
    }

    pub(crate) fn serialization(message: impl Into<String>) -> Self {
        Self::new(400, "SerializationException", message)
    }

    pub(crate) fn access_denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDeniedException", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(400, "ConflictException", message)
    }

    pub(crate) fn quota(message: impl Into<String>) -> Self {
        Self::new(400, "ServiceQuotaExceededException", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "ResourceNotFoundException", message)
    }

    pub(crate) fn throttling() -> Self {
        Self::new(
            429,
            "ThrottlingException",
            "Too many requests, please wait before trying again.",
        )
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(
            503,
            "ServiceUnavailableException",
            "Bedrock is unable to process your request.",
        )
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            500,
            "InternalServerException",
            "The system encountered an unexpected error during processing. Try your request again.",
        )
    }

    /// Returns the exception that the runtime uses for this HTTP status.
    pub(crate) fn of_status(status: u16, message: impl Into<String>) -> Self {
        let code = match status {
            403 => "AccessDeniedException",
            404 => "ResourceNotFoundException",
            408 => "ModelTimeoutException",
            424 => "ModelErrorException",
            429 => "ThrottlingException",
            503 => "ServiceUnavailableException",
            500..=599 => "InternalServerException",
            _ => "ValidationException",
        };
        Self::new(status, code, message)
    }
}

/// Returns a time since 1970-01-01T00:00:00Z as the service writes it.
pub(crate) fn timestamp(time: Duration) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_fractional_secs(seconds, f64::from(time.subsec_millis()) / 1_000.0)
        .fmt(DateTimeFormat::DateTime)
        .unwrap_or_default()
}

/// Reads a time from a query.
pub(crate) fn read_timestamp(text: &str) -> Option<Duration> {
    let time = DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).ok()?;
    let seconds = u64::try_from(time.secs()).ok()?;
    Some(Duration::new(seconds, time.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_iso_8601() {
        let time = Duration::from_millis(1_772_400_000_250);
        assert_eq!(timestamp(time), "2026-03-01T21:20:00.25Z");
        assert_eq!(read_timestamp("2026-03-01T21:20:00.25Z"), Some(time));
        assert_eq!(read_timestamp("yesterday"), None);
    }
}
