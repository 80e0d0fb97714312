//! Why a state failed.

/// The error that a state reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StateFailure {
    /// Handled by the state's `Retry`.
    Error(ErrorCause),
    /// Ends the execution, whatever the state's `Retry` says.
    Terminal(ErrorCause),
}

/// An error name with its cause.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ErrorCause {
    pub(crate) error: String,
    pub(crate) cause: String,
}

impl StateFailure {
    pub(crate) fn error(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::Error(ErrorCause {
            error: error.into(),
            cause: cause.into(),
        })
    }

    pub(crate) fn terminal(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::Terminal(ErrorCause {
            error: error.into(),
            cause: cause.into(),
        })
    }

    pub(crate) fn into_error_cause(self) -> ErrorCause {
        match self {
            Self::Error(error) | Self::Terminal(error) => error,
        }
    }

    pub(crate) fn error_cause(&self) -> &ErrorCause {
        match self {
            Self::Error(error) | Self::Terminal(error) => error,
        }
    }
}

/// Names that the Amazon States Language reserves.
pub(crate) mod names {
    pub(crate) const DATA_LIMIT_EXCEEDED: &str = "States.DataLimitExceeded";
    pub(crate) const EXCEED_TOLERATED_FAILURE_THRESHOLD: &str =
        "States.ExceedToleratedFailureThreshold";
    pub(crate) const ITEM_READER_FAILED: &str = "States.ItemReaderFailed";
    pub(crate) const NO_CHOICE_MATCHED: &str = "States.NoChoiceMatched";
    pub(crate) const RESULT_PATH_MATCH_FAILURE: &str = "States.ResultPathMatchFailure";
    pub(crate) const RUNTIME: &str = "States.Runtime";
    pub(crate) const TIMEOUT: &str = "States.Timeout";

    /// The reserved names that `ErrorEquals` may hold: those that this interpreter gives to errors
    /// that can be retried. Wildcards are not among them, so that the definition must decide about
    /// every error of a function by its name.
    pub(crate) const RETRIED: [&str; 5] = [
        DATA_LIMIT_EXCEEDED,
        EXCEED_TOLERATED_FAILURE_THRESHOLD,
        ITEM_READER_FAILED,
        RESULT_PATH_MATCH_FAILURE,
        TIMEOUT,
    ];
}
