//! What a function can fail with, as the state machine sees it.
//!
//! Step Functions matches `Retry` on the error's name, so the names are part of the interface: a test
//! compares [`StepErrorKind::ALL`] with `statemachine.asl.json`.
//!
//! A failed AWS call becomes a [`StepError`] in one way: [`AwsError`] gives it its kind, and [`Doing`]
//! adds what was being done.
//!
//! ```
//! # use quarry_edge::error::{Doing, StepError};
//! # use quarry_edge::store::StoreError;
//! # fn get() -> Result<(), StoreError> { Err(StoreError::NotFound("s3://b/k".into())) }
//! fn read() -> Result<(), StepError> {
//!     get().doing(|| "reading s3://b/k")
//! }
//! let error = read().unwrap_err();
//! assert_eq!(error.name(), "Quarry.NotFound");
//! assert_eq!(error.full_message(), "not found: reading s3://b/k: s3://b/k does not exist");
//! ```

use quarry_model::Denial;
use std::error::Error as StdError;
use std::fmt;

/// The source of an error, kept for the cause text.
pub type Source = Box<dyn StdError + Send + Sync>;

/// What the state machine does with a failed step: each kind is retried differently, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepErrorKind {
    /// AWS throttled the call. The same call will succeed later.
    Throttled,
    /// The account's quota of batch jobs in flight is used. A place becomes free when a job ends.
    QuotaExceeded,
    /// The service or the network did not respond. The same call may succeed at once.
    Unavailable,
    /// The role may not do this. Retrying does not help; a person must change a permission.
    AccessDenied,
    /// The account does not have access to the model yet. The first call of a model requests it, and
    /// that takes some minutes.
    ModelAccessPending,
    /// An object or job that must exist does not.
    NotFound,
    /// An input object is not the one that the run was planned with (its `ETag` differs).
    DataChanged,
    /// The request, its prompts, schema, settings or data cannot be run.
    BadRequest,
    /// The service refused a call that no retry can make succeed.
    Refused,
    /// The output does not account for the input, so nothing is reported as done.
    Inconsistent,
}

impl StepErrorKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Throttled,
        Self::QuotaExceeded,
        Self::Unavailable,
        Self::AccessDenied,
        Self::ModelAccessPending,
        Self::NotFound,
        Self::DataChanged,
        Self::BadRequest,
        Self::Refused,
        Self::Inconsistent,
    ];

    /// The stable name that `Retry` in `statemachine.asl.json` matches.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttled => "Quarry.Throttled",
            Self::QuotaExceeded => "Quarry.QuotaExceeded",
            Self::Unavailable => "Quarry.Unavailable",
            Self::AccessDenied => "Quarry.AccessDenied",
            Self::ModelAccessPending => "Quarry.ModelAccessPending",
            Self::NotFound => "Quarry.NotFound",
            Self::DataChanged => "Quarry.DataChanged",
            Self::BadRequest => "Quarry.BadRequest",
            Self::Refused => "Quarry.Refused",
            Self::Inconsistent => "Quarry.Inconsistent",
        }
    }

    /// How a message of this kind begins; `None` when the message is complete without it.
    const fn words(self) -> Option<&'static str> {
        match self {
            Self::Throttled => Some("throttled"),
            Self::QuotaExceeded => Some("the quota of batch jobs in flight is used"),
            Self::Unavailable => Some("unavailable"),
            Self::AccessDenied => Some("access denied"),
            Self::ModelAccessPending => Some("access to the model is pending"),
            Self::NotFound => Some("not found"),
            Self::DataChanged => Some("the data changed while the run was using it"),
            Self::BadRequest => None,
            Self::Refused => Some("refused"),
            Self::Inconsistent => Some("the result does not add up"),
        }
    }
}

/// A failed step.
#[derive(Debug)]
pub struct StepError {
    kind: StepErrorKind,
    doing: String,
    source: Option<Source>,
}

impl fmt::Display for StepError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.words() {
            Some(words) => write!(out, "{words}: {}", self.doing),
            None => out.write_str(&self.doing),
        }
    }
}

impl StdError for StepError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl StepError {
    /// A failure without a source. `doing` says what was being done to what, e.g. `creating job
    /// quarry-…`. For [`StepErrorKind::BadRequest`] and [`StepErrorKind::Inconsistent`] it says what is
    /// wrong, where, and what the reader can do about it.
    pub fn new(kind: StepErrorKind, doing: impl Into<String>) -> Self {
        Self {
            kind,
            doing: doing.into(),
            source: None,
        }
    }

    /// Keeps what caused the failure.
    #[must_use]
    pub fn with_source(self, source: impl Into<Source>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }

    /// A failed AWS call.
    pub fn of<E: AwsError>(error: E, doing: impl fmt::Display) -> Self {
        Self::new(error.kind(), doing.to_string()).with_source(error)
    }

    /// A request that cannot be run, from what found it. Its text is the whole message.
    pub fn bad_request(source: impl Into<Source>) -> Self {
        let source = source.into();
        Self::new(StepErrorKind::BadRequest, source.to_string()).with_source(source)
    }

    /// Counts or bytes that do not match; the text says which.
    pub fn inconsistent(text: impl Into<String>) -> Self {
        Self::new(StepErrorKind::Inconsistent, text)
    }

    /// Creates the error for a model that the service denies. Its words come first, since a short cause has room for little
    /// more; the remedy follows. `setting` is the setting that names the model.
    pub fn denied(
        denial: Denial,
        doing: &str,
        setting: &str,
        model_id: &str,
        source: Source,
    ) -> Self {
        let kind = match denial {
            Denial::FirstUse => StepErrorKind::ModelAccessPending,
            _ => StepErrorKind::Refused,
        };
        let remedy = denial.remedy(setting, model_id);
        Self::new(kind, format!("{source}; {remedy} ({doing})")).with_source(source)
    }

    /// What kind of failure it is.
    pub const fn kind(&self) -> StepErrorKind {
        self.kind
    }

    /// The stable name that `Retry` matches.
    pub const fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Returns the message with the text of every source, in one line. A source that repeats the
    /// text before it is left out.
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

/// The error of an AWS call.
pub trait AwsError: StdError + Send + Sync + Sized + 'static {
    /// What the state machine should do about it.
    fn kind(&self) -> StepErrorKind;
}

/// Says what was being done when an AWS call failed.
pub trait Doing<T> {
    /// Turns the call's error into a [`StepError`]. `doing` is called only then.
    fn doing<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T, StepError>;
}

impl<T, E: AwsError> Doing<T> for Result<T, E> {
    fn doing<D: fmt::Display>(self, doing: impl FnOnce() -> D) -> Result<T, StepError> {
        self.map_err(|error| StepError::of(error, doing()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_sources_once() {
        let inner = std::io::Error::other("connection reset");
        let error =
            StepError::new(StepErrorKind::Unavailable, "reading s3://b/k").with_source(inner);
        assert_eq!(
            error.full_message(),
            "unavailable: reading s3://b/k: connection reset"
        );
        let same = StepError::bad_request("no such column");
        assert_eq!(same.full_message(), "no such column");
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            StepErrorKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), StepErrorKind::ALL.len());
        assert!(names.iter().all(|name| name.starts_with("Quarry.")));
    }
}
