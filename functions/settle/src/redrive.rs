//! How long a run that has ended keeps its jobs. A redrive uses the answers of jobs that went on, and
//! would pay again for what a stopped job had not finished.

use quarry_edge::error::StepError;
use quarry_edge::executions::ExecutionStatus;
use std::time::Duration;

/// The default: a run that fails in the evening can be redriven during the next day.
const DEFAULT: Duration = Duration::from_hours(24);
/// Step Functions redrives an execution for 14 days after its end.
const LONGEST_HOURS: u64 = 14 * 24;

/// The time for which a failed run keeps its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedriveTime(Duration);

impl Default for RedriveTime {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl RedriveTime {
    /// Reads a number of hours, from 0, with which jobs are stopped as soon as their run fails, to 336.
    pub fn from_hours(text: Option<&str>) -> Result<Self, StepError> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        let hours = text.parse().ok().filter(|hours| *hours <= LONGEST_HOURS);
        hours.map(|hours| Self(Duration::from_hours(hours))).ok_or_else(|| {
            StepError::bad_request(format!(
                "QUARRY_REDRIVE_HOURS is `{text}`; it must be a whole number from 0 to {LONGEST_HOURS}"
            ))
        })
    }

    /// Whether nobody will use the jobs of a run with this status: `since` its end. `is_final` says
    /// that a run that failed cannot be redriven.
    pub(crate) fn is_over(self, status: ExecutionStatus, is_final: bool, since: Duration) -> bool {
        match status {
            ExecutionStatus::Running => false,
            // Somebody wants no more work, or there is none.
            ExecutionStatus::Aborted | ExecutionStatus::Succeeded => true,
            ExecutionStatus::Failed | ExecutionStatus::TimedOut => is_final || since >= self.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_a_day_unless_the_deployment_says_otherwise() {
        let read = |text| RedriveTime::from_hours(text).unwrap();
        assert_eq!(read(None), RedriveTime(Duration::from_hours(24)));
        assert_eq!(read(Some("0")), RedriveTime(Duration::ZERO));
        assert_eq!(read(Some("336")), RedriveTime(Duration::from_hours(336)));
        for text in ["337", "-1", "1.5", "a day"] {
            let error = RedriveTime::from_hours(Some(text)).unwrap_err();
            let words = format!("QUARRY_REDRIVE_HOURS is `{text}`");
            assert!(error.full_message().contains(&words), "{error}");
        }
    }
}
