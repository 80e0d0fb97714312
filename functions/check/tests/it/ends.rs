//! The end of a job is recorded exactly once, whatever its status.

use crate::support::{ARN, NAME, SUBMITTED, World, job, round, state};
use quarry_contract::payload::{SliceState, Step};
use quarry_contract::plan::JobEnd;
use quarry_edge::documents;
use quarry_edge::jobs::{Job, JobCounts, JobStatus};
use quarry_edge::metrics::Metric;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_planned_run::contents;
use std::sync::Arc;
use std::time::Duration;

const ENDS: [(JobStatus, &str); 5] = [
    (JobStatus::Completed, "Completed"),
    (JobStatus::PartiallyCompleted, "PartiallyCompleted"),
    (JobStatus::Failed, "Failed"),
    (JobStatus::Stopped, "Stopped"),
    (JobStatus::Expired, "Expired"),
];

const COUNTS: JobCounts = JobCounts {
    answers: 5,
    errors: 2,
};

/// One day after the submission: the job ended long before.
const LATER: Duration = Duration::from_hours(24);

#[tokio::test]
async fn every_end_of_a_job_is_kept_in_the_services_words_and_leads_to_merge() {
    for (status, name) in ENDS {
        let world = World::new(status);
        world.jobs.set(Job {
            message: "as the service says".to_owned(),
            counts: Some(COUNTS),
            ..job(status)
        });
        let after = world.check_after(LATER).await.unwrap();
        let expected = SliceState {
            next: Step::Merge,
            wait_seconds: None,
            ..state()
        };
        assert_eq!(after, expected, "{name}");
        let at = round().job_end();
        assert_eq!(world.store.locations(), std::slice::from_ref(&at), "{name}");
        let end: JobEnd = documents::read(&world.store, &at).await.unwrap();
        let expected = JobEnd {
            version: 1,
            arn: ARN.to_owned(),
            name: NAME.to_owned(),
            status,
            message: "as the service says".to_owned(),
            seconds: 7_200,
            submitted: Some(SUBMITTED.as_secs()),
            counts: Some(COUNTS),
        };
        assert_eq!(end, expected);
        let written = documents::read_plain(&world.store, &at).await.unwrap();
        assert_eq!(written["status"], name);
    }
}

#[tokio::test]
async fn a_job_without_an_end_time_has_ended_now() {
    let world = World::new(JobStatus::Failed);
    world.jobs.set(Job {
        ended: None,
        ..job(JobStatus::Failed)
    });
    world.check_after(LATER).await.unwrap();
    let at = round().job_end();
    let end: JobEnd = documents::read(&world.store, &at).await.unwrap();
    assert_eq!(end.seconds, LATER.as_secs());
}

#[tokio::test]
async fn checking_an_ended_job_again_changes_nothing() {
    let world = World::new(JobStatus::Completed);
    let first = world.check_after(LATER).await.unwrap();
    let written = contents(&world.store).await;
    let again = world.check_after(LATER * 2).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(contents(&world.store).await, written);
}

/// The state machine calls `check` again after each of these failures.
#[tokio::test]
async fn an_end_whose_writing_failed_or_whose_response_was_lost_is_kept_by_the_next_call() {
    let whole = World::new(JobStatus::Completed);
    whole.check_after(LATER).await.unwrap();
    let whole = contents(&whole.store).await;
    for fault in [StoreFault::Unavailable, StoreFault::LostAnswer] {
        let world = World::new(JobStatus::Completed);
        let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Put, 1, fault);
        let now = SUBMITTED + LATER;
        let failed = world.check_over(Arc::new(faulty), now, state()).await;
        assert_eq!(failed.unwrap_err().name(), "Quarry.Unavailable");
        assert!(world.metrics.values().is_empty(), "nothing is counted yet");
        world.check_after(LATER).await.unwrap();
        assert_eq!(contents(&world.store).await, whole);
    }
}

#[tokio::test]
async fn an_end_is_counted_as_what_it_was() {
    for (status, failed, expired) in [
        (JobStatus::Completed, 0, 0),
        (JobStatus::Stopped, 0, 0),
        (JobStatus::Failed, 1, 0),
        (JobStatus::PartiallyCompleted, 0, 1),
        (JobStatus::Expired, 0, 1),
    ] {
        let world = World::new(status);
        world.check_after(LATER).await.unwrap();
        let expected = [
            (Metric::JobDurationSeconds, 7_200),
            (Metric::JobsEnded, 1),
            (Metric::JobsFailed, failed),
            (Metric::JobsExpired, expired),
        ];
        assert_eq!(world.metrics.values(), expected, "{status:?}");
    }
}
