//! A round has one job, whatever became of the earlier calls.

use crate::support::World;
use quarry_edge::jobs::{Job, JobStatus};
use quarry_edge::metrics::Metric;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_planned_run::contents;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn submitting_again_finds_the_noted_job_without_a_call_of_the_service() {
    let world = World::new(&[]).await;
    let state = world.state(0, 0);
    let first = world.submit(&state).await.unwrap();
    let written = contents(&world.store).await;
    let calls = world.jobs.calls();
    assert_eq!(world.submit(&state).await.unwrap(), first);
    assert_eq!(world.jobs.calls(), calls);
    assert_eq!(contents(&world.store).await, written);
    assert_eq!(world.metrics.values(), [(Metric::JobsCreated, 1)], "once");
}

/// The job exists at the service and the note does not, because the call died in between.
#[tokio::test]
async fn a_call_that_died_before_its_note_leads_to_the_same_job() {
    for fault in [StoreFault::Unavailable, StoreFault::LostAnswer] {
        let world = World::new(&[]).await;
        let state = world.state(0, 0);
        let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Put, 2, fault);
        let died = world.submit_over(Arc::new(faulty), &state).await;
        assert_eq!(died.unwrap_err().name(), "Quarry.Unavailable");
        assert_eq!(world.jobs.created().len(), 1);
        let after = world.submit(&state).await.unwrap();
        assert_eq!(world.jobs.created().len(), 1, "no second job is paid for");
        let name = world.names().await.name(&world.round(&state));
        assert!(after.job.unwrap().arn.ends_with(&name));
    }
}

/// A redrive comes two weeks later, and the service takes the call for a new one.
#[tokio::test]
async fn a_job_whose_token_was_forgotten_is_found_by_its_name() {
    for fault in [StoreFault::Unavailable, StoreFault::AccessDenied] {
        let world = World::new(&[]).await;
        let state = world.state(0, 0);
        let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Put, 2, fault);
        world
            .submit_over(Arc::new(faulty), &state)
            .await
            .unwrap_err();
        world.jobs.forget_tokens();
        world.submit(&state).await.unwrap();
        assert_eq!(world.jobs.created().len(), 1, "no second job is paid for");
        assert_eq!(world.metrics.values(), [(Metric::JobsCreated, 1)], "once");
    }
    let world = World::new(&[]).await;
    let state = world.state(0, 0);
    world.jobs.lose_next_answer();
    world.submit(&state).await.unwrap_err();
    world.jobs.forget_tokens();
    world.submit(&state).await.unwrap();
    assert_eq!(world.jobs.created().len(), 1, "no second job is paid for");
}

/// Without the intent, it is not known later whether a job exists.
#[tokio::test]
async fn no_job_is_created_before_the_intent_is_stored() {
    for fault in [StoreFault::Unavailable, StoreFault::LostAnswer] {
        let world = World::new(&[]).await;
        let state = world.state(0, 0);
        let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Put, 1, fault);
        world
            .submit_over(Arc::new(faulty), &state)
            .await
            .unwrap_err();
        assert_eq!(world.jobs.calls(), 0);
        world.submit(&state).await.unwrap();
        assert_eq!(world.jobs.created().len(), 1);
    }
}

/// The service's quota of lists is small.
#[tokio::test]
async fn the_first_call_makes_no_list() {
    let world = World::new(&[]).await;
    world.submit(&world.state(0, 0)).await.unwrap();
    assert_eq!(world.jobs.calls(), 1, "the creation");
}

#[tokio::test]
async fn a_creation_whose_response_was_lost_leads_to_the_same_job() {
    let world = World::new(&[]).await;
    let state = world.state(0, 0);
    world.jobs.lose_next_answer();
    let lost = world.submit(&state).await.unwrap_err();
    assert_eq!(lost.name(), "Quarry.Unavailable");
    assert!(!world.store.locations().contains(&world.round(&state).job()));
    world.submit(&state).await.unwrap();
    assert_eq!(world.jobs.created().len(), 1, "no second job is paid for");
}

/// A redrive finds a job that has ended meanwhile, whose answers are paid for.
#[tokio::test]
async fn a_noted_job_is_kept_whatever_its_status() {
    let world = World::new(&[]).await;
    let state = world.state(0, 0);
    let first = world.submit(&state).await.unwrap();
    world.jobs.set(Job {
        arn: first.job.clone().unwrap().arn,
        status: JobStatus::Stopped,
        message: String::new(),
        submitted: Duration::ZERO,
        ended: None,
        counts: None,
    });
    assert_eq!(world.submit(&state).await.unwrap(), first);
    assert_eq!(world.jobs.created().len(), 1);
}

#[tokio::test]
async fn a_job_of_other_records_is_not_taken() {
    let world = World::new(&[]).await;
    let state = world.state(0, 0);
    world.asked(&state, "\"first\"").await;
    let first = world.submit(&state).await.unwrap();
    assert_eq!(world.submit(&state).await.unwrap(), first);
    world.asked(&state, "\"second\"").await;
    let error = world.submit(&state).await.unwrap_err();
    assert_eq!(error.name(), "Quarry.Inconsistent");
    let text = error.full_message();
    let name = world.names().await.name(&world.round(&state));
    for part in [&*name, "\"first\"", "\"second\""] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    assert_eq!(world.jobs.created().len(), 1);
}

#[tokio::test]
async fn a_job_of_another_execution_is_not_taken() {
    let world = World::new(&[]).await;
    let state = world.state(0, 0);
    world.submit(&state).await.unwrap();
    let arn = "arn:aws:states:us-east-1:123456789012:execution:other:run";
    world
        .change_plan(|plan| plan.execution_arn = Some(arn.to_owned()))
        .await;
    let error = world.submit(&state).await.unwrap_err();
    assert_eq!(error.name(), "Quarry.Inconsistent");
    let at = world.round(&state).job().to_string();
    assert!(error.full_message().contains(&at), "{error}");
    assert_eq!(world.jobs.created().len(), 1);
}
