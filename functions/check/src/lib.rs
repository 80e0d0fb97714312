//! `check`: reads a job's status and returns the wait before the next poll.
//!
//! # What it promises
//!
//! | promise | kept in | test in `tests/it` |
//! |---|---|---|
//! | A live job, also one with a status that this version does not know, is polled again, and nothing is written. | `handle` | `waits::a_live_job_is_checked_again_and_nothing_is_written` |
//! | The wait is 8 % of the job's age, but at least a minute and at most two hours. | `next_wait` | `waits::a_wait_is_8_percent_of_the_jobs_age_and_at_least_a_minute_and_at_most_two_hours` |
//! | A job is at least as old as it was waited for, so the waits grow also if the clock stands still or goes back. | `handle` | `waits::the_waits_for_a_job_grow_whatever_the_clock_shows` |
//! | Every end of a job is stored in `job-end.json`, in the service's words and with its counts, and leads to `merge`. | `handle` | `ends::every_end_of_a_job_is_kept_in_the_services_words_and_leads_to_merge` |
//! | A repeated call, also after a crash, leaves the same document. An end counts in the metrics when it is stored. | `handle` | `ends::checking_an_ended_job_again_changes_nothing`, `ends::an_end_whose_writing_failed_or_whose_response_was_lost_is_kept_by_the_next_call` |
//! | Each error has a name that says whether the poll is repeated, the job's ARN or the object, and the service's words. | `handle` | `refusals` |

use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::{JobPointer, SliceState, Step};
use quarry_contract::plan::JobEnd;
use quarry_edge::clock::Clock;
use quarry_edge::documents;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::jobs::{BatchJobs, JobStatus};
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::store::ObjectStore;
use std::sync::Arc;
use std::time::Duration;

/// The shortest wait between two polls, seconds.
pub const SHORTEST_WAIT: u64 = 60;
/// The longest wait between two polls, seconds.
pub const LONGEST_WAIT: u64 = 7_200;

/// What `check` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds the run's documents.
    pub store: Arc<dyn ObjectStore>,
    /// Reads the status of batch jobs.
    pub jobs: Arc<dyn BatchJobs>,
    /// Gives a job's age.
    pub clock: Arc<dyn Clock>,
    /// Receives the metrics.
    pub metrics: Arc<dyn Metrics>,
}

/// Polls the round's job. Returns the state with the next step, and a wait if the job is still
/// live.
pub async fn handle(deps: &Deps, state: SliceState) -> Result<SliceState, StepError> {
    let Some(pointer) = state.job.clone() else {
        return Err(StepError::bad_request(
            "`check` was called for a slice without a job",
        ));
    };
    let job = deps.jobs.get(&pointer.arn).await;
    let job = job.doing(|| format!("reading job {}", pointer.arn))?;
    let now = deps.clock.now();
    tracing::info!(status = job.status.as_str(), "job polled");
    if !job.status.is_terminal() {
        // The wait of the state came before this call.
        let waited = pointer
            .waited
            .saturating_add(state.wait_seconds.unwrap_or_default());
        let age = now.saturating_sub(job.submitted);
        let age = age.max(Duration::from_secs(waited));
        deps.metrics.emit(&[(Metric::JobAgeSeconds, age.as_secs())]);
        let wait = next_wait(age);
        return Ok(SliceState {
            next: Step::Wait,
            wait_seconds: Some(wait),
            job: Some(JobPointer { waited, ..pointer }),
            ..state
        });
    }
    let end = JobEnd {
        version: VERSION,
        arn: job.arn,
        name: pointer.name,
        status: job.status,
        message: job.message,
        seconds: job
            .ended
            .unwrap_or(now)
            .saturating_sub(job.submitted)
            .as_secs(),
        submitted: Some(job.submitted.as_secs()),
        counts: job.counts,
    };
    let round = RunFolder::at(state.run.clone())
        .slice(state.slice)
        .round(state.round);
    documents::write(&*deps.store, &round.job_end(), &end).await?;
    let expired = matches!(
        job.status,
        JobStatus::Expired | JobStatus::PartiallyCompleted
    );
    deps.metrics.emit(&[
        (Metric::JobDurationSeconds, end.seconds),
        (Metric::JobsEnded, 1),
        (
            Metric::JobsFailed,
            u64::from(job.status == JobStatus::Failed),
        ),
        (Metric::JobsExpired, u64::from(expired)),
    ]);
    Ok(SliceState {
        next: Step::Merge,
        wait_seconds: None,
        ..state
    })
}

/// Returns the wait before the next poll of a job of this age, seconds: 8 % of the age, within the
/// bounds. So the end of a job is noticed late by at most 8 % of the job's duration, and by at most
/// two hours. A job of 168 hours is polled some 150 times; at 9 events a poll, its execution stays
/// far below Step Functions' limit of 25,000.
pub fn next_wait(age: Duration) -> u64 {
    (age.as_secs() * 8 / 100).clamp(SHORTEST_WAIT, LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_of_a_week_is_checked_fewer_than_160_times() {
        let (mut age, mut looks) = (60, 1);
        while age < 168 * 3600 {
            age += next_wait(Duration::from_secs(age));
            looks += 1;
        }
        assert!(looks < 160, "{looks}");
    }

    /// `tests/recorded/poll_waits.json` holds the waits of the Python program that Quarry replaces,
    /// Quarry's own waits, and why they differ.
    #[test]
    fn waits_differ_from_the_recorded_ones_for_a_stated_reason() {
        let case: serde_json::Value =
            serde_json::from_str(include_str!("../tests/recorded/poll_waits.json")).unwrap();
        let recorded = case["expected"].as_array().unwrap();
        let (mut age, mut waits) = (0, Vec::new());
        for _ in recorded {
            let wait = next_wait(Duration::from_secs(age));
            waits.push(wait);
            age += wait;
        }
        assert_eq!(serde_json::json!(waits), case["ours"]);
        let longest = recorded.iter().filter_map(serde_json::Value::as_f64);
        assert!(
            longest
                .max_by(f64::total_cmp)
                .is_some_and(|longest| longest <= 60.0)
        );
        assert!(case["reason"].is_string());
    }

    #[test]
    fn waits_grow_with_age_within_their_bounds() {
        let waits: Vec<u64> = [0, 3_600, 36_000, 600_000]
            .map(|age| next_wait(Duration::from_secs(age)))
            .to_vec();
        assert_eq!(waits, [60, 288, 2_880, 7_200]);
    }
}
