//! The status of a batch job, in the service's words.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A job's status (`GetModelInvocationJob`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobStatus {
    /// Waits for validation.
    Submitted,
    /// Its files are being checked.
    Validating,
    /// Waits for its turn.
    Scheduled,
    /// Being processed.
    InProgress,
    /// Done; single records may have failed.
    Completed,
    /// Ran out of time; the results so far exist.
    PartiallyCompleted,
    /// Failed; see the message.
    Failed,
    /// Being stopped.
    Stopping,
    /// Stopped; the results so far exist.
    Stopped,
    /// Ran out of time before it began.
    Expired,
    /// A status that this version does not know; the job counts as running.
    #[serde(other)]
    Unknown,
}

impl JobStatus {
    /// Whether the status is final.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::PartiallyCompleted
                | Self::Failed
                | Self::Stopped
                | Self::Expired
        )
    }

    /// Returns the service's name of the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "Submitted",
            Self::Validating => "Validating",
            Self::Scheduled => "Scheduled",
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::PartiallyCompleted => "PartiallyCompleted",
            Self::Failed => "Failed",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Expired => "Expired",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_has_the_services_words_and_other_words_can_be_read() {
        for status in [
            JobStatus::Submitted,
            JobStatus::Validating,
            JobStatus::Scheduled,
            JobStatus::InProgress,
            JobStatus::Completed,
            JobStatus::PartiallyCompleted,
            JobStatus::Failed,
            JobStatus::Stopping,
            JobStatus::Stopped,
            JobStatus::Expired,
        ] {
            assert_eq!(json!(status), json!(status.as_str()));
            assert_eq!(JobStatus::deserialize(json!(status)).unwrap(), status);
        }
        let paused = JobStatus::deserialize(json!("Paused")).unwrap();
        assert_eq!(paused, JobStatus::Unknown);
        assert!(!paused.is_terminal());
    }
}
