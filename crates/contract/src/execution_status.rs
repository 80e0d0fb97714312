//! The status of an execution, in the service's words.

use serde::{Deserialize, Serialize};

/// The status of an execution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionStatus {
    /// It ended well.
    Succeeded,
    /// An error ended it.
    Failed,
    /// It exceeded its time limit.
    TimedOut,
    /// It was stopped.
    Aborted,
    /// It runs, since its start or since it was redriven. What has a status that is not known may
    /// still run, too.
    #[default]
    #[serde(other)]
    Running,
}

impl ExecutionStatus {
    /// Whether the execution has ended. It may be redriven all the same.
    pub fn has_ended(self) -> bool {
        self != Self::Running
    }

    /// Returns the service's name of the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_has_the_services_words_and_other_words_count_as_running() {
        for status in [
            ExecutionStatus::Running,
            ExecutionStatus::Succeeded,
            ExecutionStatus::Failed,
            ExecutionStatus::TimedOut,
            ExecutionStatus::Aborted,
        ] {
            let word = json!(status.as_str());
            assert_eq!(json!(status), word);
            assert_eq!(ExecutionStatus::deserialize(word).unwrap(), status);
        }
        for other in ["PENDING_REDRIVE", "PAUSED"] {
            let status = ExecutionStatus::deserialize(json!(other)).unwrap();
            assert!(!status.has_ended(), "{other}");
        }
    }
}
