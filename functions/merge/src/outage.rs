//! A round in which the service did not work: its job answered no record, and each of its errors can pass. Answers
//! that the service counted and that never came are paid for, so a job that has them worked.
//!
//! The rows did not cause this, so the round does not count as an attempt. The slice rests, for minutes at first and
//! then for hours, and sends the records again. When the service has not
//! worked for `BEDROCK_OUTAGE_WAIT_HOURS`, the run fails with the job's message. Whoever redrives
//! it knows that the service works again, so the records are sent again at once.

use crate::rest::SliceRest;
use crate::round::SliceRound;
use quarry_edge::documents;
use quarry_edge::error::{StepError, StepErrorKind};
use quarry_edge::jobs::JobStatus;
use quarry_result::ledger::Counts;
use quarry_result::receipt::Round;
use std::time::Duration;

/// The number of other slices that are searched for an answer.
const SLICES_LOOKED_AT: u32 = 16;

/// What a job without an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The service does not work.
    Outage,
    /// The service works for other records of the run, so it may be these that it fails on.
    OfRecords,
}

impl SliceRound {
    /// Returns what the round's job shows if it answered no record and refused none for good.
    pub(crate) async fn silence(&self, record: &Round) -> Result<Option<Silence>, StepError> {
        let is_silent = is_silent(&record.counts) && self.paid.counted == 0;
        let Some(job) = self.job.as_ref().filter(|_| is_silent) else {
            return Ok(None);
        };
        if matches!(
            job.status,
            JobStatus::Failed | JobStatus::Expired | JobStatus::Stopped
        ) {
            return Ok(Some(Silence::Outage));
        }
        if record.counts.errors == 0 {
            return Ok(None);
        }
        let works = self.asking.settings().allow_no_answers
            || self.asked.is_taken
            || self.is_answered_elsewhere().await?;
        Ok(Some(if works {
            Silence::OfRecords
        } else {
            Silence::Outage
        }))
    }

    /// Returns the rest before the next round. `None` if the service has been waited for long
    /// enough.
    pub(crate) fn rest(&self, now: Duration) -> Option<SliceRest> {
        let hours = self.asking.settings().outage_wait_hours;
        let longest = Duration::from_hours(u64::from(hours));
        self.resting.next(now, longest)
    }

    /// Gives the run up, unless this round did so before.
    ///
    /// # Errors
    ///
    /// `Quarry.Refused` with the job's message, the first time.
    pub(crate) async fn give_up(&self, record: &Round, now: Duration) -> Result<(), StepError> {
        self.fail_once(self.outage(record, now)).await
    }

    /// Whether a record of another slice has been answered.
    async fn is_answered_elsewhere(&self) -> Result<bool, StepError> {
        for number in 0..self.plan.slices.min(SLICES_LOOKED_AT) {
            if number == self.slice.slice {
                continue;
            }
            let folder = self.run.slice(number);
            for round in 0.. {
                let counts = folder.round(round).counts();
                let round: Option<Round> = documents::read_if_there(&*self.store, &counts).await?;
                match round {
                    Some(round) if round.counts.answered > 0 => return Ok(true),
                    Some(_) => {}
                    None => break,
                }
            }
        }
        Ok(false)
    }

    fn outage(&self, record: &Round, now: Duration) -> StepError {
        let (name, status, message) = match &self.job {
            Some(job) => (job.name.as_str(), job.status.as_str(), job.message.as_str()),
            None => ("", "", ""),
        };
        let of_records = record.counts.refusals.groups().first();
        // The service's words come first, because a pipeline receives only 256 characters of this.
        let words = match of_records {
            _ if !message.is_empty() => message,
            Some(group) => group.text.as_str(),
            None => "the service does not work on the run's jobs",
        };
        let hours = self
            .resting
            .since
            .map_or(0, |since| now.saturating_sub(since).as_secs() / 3_600);
        StepError::new(
            StepErrorKind::Refused,
            format!(
                "{words} (job {name} of slice {}, round {}, ended as {status} and answered none of its {} records; \
                 the service has not answered for {hours} hours; when it works again, redrive the run)",
                self.slice.slice, self.number, record.counts.asked,
            ),
        )
    }
}

/// Whether no record was answered, and another attempt may change that for each of them.
fn is_silent(counts: &Counts) -> bool {
    let refusals = &counts.refusals;
    counts.asked > 0
        && counts.answered == 0
        && counts.contradictions == 0
        && counts.malformed == 0
        && counts.unknown_ids == 0
        && refusals.others() == 0
        && !refusals.groups().iter().any(|group| group.is_final)
}
