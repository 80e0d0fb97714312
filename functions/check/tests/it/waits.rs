//! `check` waits for a live job.

use crate::support::{SUBMITTED, World, state};
use quarry_check::{LONGEST_WAIT, SHORTEST_WAIT};
use quarry_contract::payload::{JobPointer, SliceState, Step};
use quarry_edge::jobs::JobStatus;
use quarry_edge::metrics::Metric;
use std::sync::Arc;
use std::time::Duration;

const LIVE: [JobStatus; 6] = [
    JobStatus::Submitted,
    JobStatus::Validating,
    JobStatus::Scheduled,
    JobStatus::InProgress,
    JobStatus::Stopping,
    // A status of a later version of the service: the job may still be running.
    JobStatus::Unknown,
];

/// The job, which was waited for as long as this.
fn waited_for(waited: u64) -> Option<JobPointer> {
    state().job.map(|job| JobPointer { waited, ..job })
}

#[tokio::test]
async fn a_live_job_is_checked_again_and_nothing_is_written() {
    for status in LIVE {
        let world = World::new(status);
        let after = world.check_after(Duration::from_hours(1)).await.unwrap();
        let expected = SliceState {
            next: Step::Wait,
            wait_seconds: Some(288),
            job: waited_for(60),
            ..state()
        };
        assert_eq!(after, expected, "{status:?}");
        assert!(world.store.locations().is_empty(), "{status:?}");
    }
}

#[tokio::test]
async fn a_wait_is_8_percent_of_the_jobs_age_and_at_least_a_minute_and_at_most_two_hours() {
    for (age, wait) in [
        (Duration::ZERO, SHORTEST_WAIT),
        (Duration::from_secs(762), SHORTEST_WAIT),
        (Duration::from_secs(763), 61),
        (Duration::from_hours(10), 2_880),
        (Duration::from_hours(25), LONGEST_WAIT),
        (Duration::from_hours(168), LONGEST_WAIT),
    ] {
        let world = World::new(JobStatus::InProgress);
        let after = world.check_after(age).await.unwrap();
        assert_eq!(after.wait_seconds, Some(wait), "after {age:?}");
    }
}

/// The service's clock and the function's clock may differ.
#[tokio::test]
async fn a_job_that_seems_to_begin_in_the_future_gets_the_wait_of_a_new_job() {
    let world = World::new(JobStatus::Submitted);
    let before = SUBMITTED.saturating_sub(Duration::from_secs(30));
    let store = Arc::new(world.store.clone());
    let after = world.check_over(store, before, state()).await.unwrap();
    assert_eq!(after.wait_seconds, Some(SHORTEST_WAIT));
}

/// Minutes of one wait each would be more events than an execution can have.
#[tokio::test]
async fn the_waits_for_a_job_grow_whatever_the_clock_shows() {
    let shown = [
        Duration::ZERO,
        SUBMITTED,
        SUBMITTED + Duration::from_hours(1),
    ];
    for now in shown {
        let world = World::new(JobStatus::InProgress);
        let (mut state, mut waited, mut polls) = (state(), 60, 0);
        while waited < 168 * 3_600 {
            let store = Arc::new(world.store.clone());
            state = world.check_over(store, now, state).await.unwrap();
            assert_eq!(state.job, waited_for(waited), "{now:?}");
            waited += state.wait_seconds.unwrap();
            polls += 1;
        }
        assert!(polls < 160, "{now:?}: {polls}");
        assert_eq!(state.wait_seconds, Some(LONGEST_WAIT), "{now:?}");
    }
}

#[tokio::test]
async fn every_check_emits_the_age_of_the_job() {
    let world = World::new(JobStatus::InProgress);
    for minutes in [1, 3] {
        world
            .check_after(Duration::from_mins(minutes))
            .await
            .unwrap();
    }
    assert_eq!(
        world.metrics.values(),
        [(Metric::JobAgeSeconds, 60), (Metric::JobAgeSeconds, 180)]
    );
}
