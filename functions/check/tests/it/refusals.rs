//! Each error that `check` returns has its name, its place and its reason.

use crate::support::{ARN, SUBMITTED, World, round, state};
use quarry_contract::payload::SliceState;
use quarry_edge::jobs::{JobStatus, JobsError};
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn the_name_of_a_failed_check_says_whether_it_is_retried() {
    type Failure = fn(quarry_edge::error::Source) -> JobsError;
    let cases: [(Failure, &str); 6] = [
        (JobsError::Throttled, "Quarry.Throttled"),
        (JobsError::Unavailable, "Quarry.Unavailable"),
        (JobsError::NotFound, "Quarry.NotFound"),
        (JobsError::AccessDenied, "Quarry.AccessDenied"),
        (JobsError::Invalid, "Quarry.Refused"),
        (JobsError::Conflict, "Quarry.Refused"),
    ];
    for (failure, name) in cases {
        let world = World::new(JobStatus::InProgress);
        world.jobs.fail_next(failure("the service's words".into()));
        let failed = world.check_after(Duration::ZERO).await.unwrap_err();
        assert_eq!(failed.name(), name);
        let text = failed.full_message();
        for part in [&format!("reading job {ARN}"), "the service's words"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(world.store.locations().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_state_without_a_job_is_a_bad_request_and_calls_no_service() {
    let world = World::new(JobStatus::Completed);
    let without = SliceState {
        job: None,
        ..state()
    };
    let store = Arc::new(world.store.clone());
    let failed = world.check_over(store, SUBMITTED, without).await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.name(), "Quarry.BadRequest");
    assert!(failed.full_message().contains("`check`"), "{failed}");
    assert_eq!(world.jobs.calls(), 0);
}

#[tokio::test]
async fn an_end_that_may_not_be_written_names_the_object() {
    let world = World::new(JobStatus::Completed);
    for (fault, name) in [
        (StoreFault::AccessDenied, "Quarry.AccessDenied"),
        (StoreFault::Throttled, "Quarry.Throttled"),
    ] {
        let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Put, 1, fault);
        let failed = world.check_over(Arc::new(faulty), SUBMITTED, state()).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.name(), name);
        let at = format!("writing {}", round().job_end());
        assert!(failed.full_message().contains(&at), "{failed}");
    }
}
