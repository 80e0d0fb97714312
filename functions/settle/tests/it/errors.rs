//! Each error that `settle` returns has its name and its place, and everything else is done before.

use crate::{World, at, event, job_name, owner, run};
use quarry_edge::error::{Source, StepError};
use quarry_edge::executions::ExecutionRecord;
use quarry_edge::failure::CallError;
use quarry_edge::jobs::{JobStatus, JobsError};
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_planned_run::contents;
use quarry_settle::{LATE_JOBS, Told};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(2);

async fn failure(world: &World, event: Value) -> StepError {
    world.settle_after(SOON, event).await.unwrap_err()
}

#[tokio::test]
async fn an_execution_that_cannot_be_read_is_named_where_the_event_is_not_enough() {
    type Failure = fn(Source) -> CallError;
    let cases: [(Failure, &str); 4] = [
        (CallError::Throttled, "Quarry.Throttled"),
        (CallError::Unavailable, "Quarry.Unavailable"),
        (CallError::AccessDenied, "Quarry.AccessDenied"),
        (CallError::NotFound, "Quarry.NotFound"),
    ];
    for (refusal, name) in cases {
        let world = World::new();
        let mut event = event("run-aborted");
        event["detail"]["input"] = Value::Null;
        world
            .executions
            .fail_next(refusal("the service's words".into()));
        let failed = failure(&world, event.clone()).await;
        assert_eq!(failed.name(), name);
        let arn = event["detail"]["executionArn"].as_str().unwrap();
        let text = failed.full_message();
        for part in [&*format!("reading execution {arn}"), "the service's words"] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        assert!(world.callbacks.answers().is_empty());
    }
}

#[tokio::test]
async fn an_execution_without_an_input_is_not_found() {
    let world = World::new();
    let mut event = event("run-aborted");
    event["detail"]["input"] = Value::Null;
    world.executions.set_record(ExecutionRecord::default());
    let failed = failure(&world, event).await;
    assert_eq!(failed.name(), "Quarry.NotFound");
    let words = "reading the input of execution arn:";
    assert!(failed.full_message().contains(words), "{failed}");
}

#[tokio::test]
async fn an_output_that_cannot_be_read_is_a_bad_request_with_the_run() {
    let world = World::new();
    let mut event = event("run-succeeded");
    event["detail"]["output"] = json!("{\"odd\": true}");
    let failed = failure(&world, event).await;
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let text = failed.full_message();
    assert!(
        text.contains("the result of run label-strikes-") && text.contains("cannot be read"),
        "{text}"
    );
    assert!(world.callbacks.answers().is_empty());
}

#[tokio::test]
async fn a_run_without_a_work_prefix_is_a_bad_request_with_the_remedy() {
    let mut world = World::new();
    world.work = None;
    let failed = failure(&world, event("run-aborted")).await;
    assert_eq!(failed.name(), "Quarry.BadRequest");
    assert!(
        failed.full_message().ends_with("set QUARRY_WORK"),
        "{failed}"
    );
}

/// The jobs that the run's folder knows of are stopped all the same, and the pipeline is told.
#[tokio::test]
async fn a_failed_listing_of_jobs_fails_the_call_after_everything_else_is_done() {
    let world = World::new();
    world.created(0, 0).await;
    let unlistable = JobsError::AccessDenied("no".into());
    *world.jobs.list_failure.lock().unwrap() = Some(unlistable);
    let failed = failure(&world, event("run-aborted")).await;
    assert_eq!(failed.name(), "Quarry.AccessDenied");
    assert!(
        failed.full_message().contains("listing jobs quarry-"),
        "{failed}"
    );
    assert_eq!(world.jobs.stops().len(), 1);
    assert!(world.answer().is_some());
}

/// The same the other way round.
#[tokio::test]
async fn a_folder_that_cannot_be_listed_fails_the_call_after_everything_else_is_done() {
    let world = World::new();
    let job = world.created(0, 0).await;
    world.jobs.add(&job, JobStatus::InProgress);
    let denied = StoreFault::AccessDenied;
    let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::List, 1, denied);
    let failed = world
        .settle_over(Arc::new(faulty), SOON, event("run-aborted"))
        .await
        .unwrap_err();
    assert_eq!(failed.name(), "Quarry.AccessDenied");
    let at = format!("listing {}", run().slices());
    assert!(failed.full_message().contains(&at), "{failed}");
    assert_eq!(world.jobs.stops(), [job]);
    assert!(world.answer().is_some());
}

#[tokio::test]
async fn a_note_of_a_job_that_cannot_be_read_fails_the_call_after_everything_else_is_done() {
    let world = World::new();
    let at = run().slice(3).round(0).job();
    world.owned(&owner()).await;
    world.put(&at, json!({"version": 5})).await;
    let job = job_name(&run().slice(0).round(0));
    world.jobs.add(&job, JobStatus::InProgress);
    let failed = failure(&world, event("run-aborted")).await;
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let text = failed.full_message();
    assert!(
        text.contains(&at.to_string()) && text.contains("version 5"),
        "{text}"
    );
    assert_eq!(world.jobs.stops(), [job]);
    assert!(world.answer().is_some());
}

#[tokio::test]
async fn a_failed_callback_is_named_after_the_jobs_are_stopped() {
    for (name, stops) in [("run-succeeded", 0), ("run-aborted", 1)] {
        let world = World::new();
        let job = world.created(0, 0).await;
        world.jobs.add(&job, JobStatus::InProgress);
        world
            .callbacks
            .fail_next(CallError::AccessDenied("no".into()));
        let failed = failure(&world, event(name)).await;
        assert_eq!(failed.name(), "Quarry.AccessDenied");
        let words = "the result of run label-strikes-";
        assert!(failed.full_message().contains(words), "{failed}");
        assert_eq!(world.jobs.stops().len(), stops);
    }
}

/// Whose jobs they are is not known, so none is stopped until the next call.
#[tokio::test]
async fn an_owner_that_cannot_be_read_fails_the_call_after_everything_else_is_done() {
    let world = World::new();
    let job = world.created(0, 0).await;
    world.jobs.add(&job, JobStatus::InProgress);
    let denied = StoreFault::AccessDenied;
    let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Get, 1, denied);
    let failed = world
        .settle_over(Arc::new(faulty), SOON, event("run-aborted"))
        .await
        .unwrap_err();
    assert_eq!(failed.name(), "Quarry.AccessDenied");
    let at = format!("reading {}", run().owner());
    assert!(failed.full_message().contains(&at), "{failed}");
    assert!(world.jobs.stops().is_empty());
    assert!(world.answer().is_some());
}

/// A redrive continues with the objects that the run has written.
#[tokio::test]
async fn settling_touches_no_object_of_the_run() {
    for name in [
        "run-succeeded",
        "run-failed",
        "run-aborted",
        "run-timed-out",
    ] {
        let world = World::new();
        let job = world.created(0, 0).await;
        world.jobs.add(&job, JobStatus::InProgress);
        let before = contents(&world.store).await;
        world.settle(event(name)).await;
        let mut after = contents(&world.store).await;
        after.retain(|at, _| !at.starts_with(&at_marks()));
        assert_eq!(after, before, "{name}");
    }
}

fn at_marks() -> String {
    at("runs/settled/").to_string()
}

#[tokio::test]
async fn settling_again_stops_no_more_jobs_and_makes_no_second_callback() {
    let world = World::new();
    let job = world.created(0, 0).await;
    world.jobs.add(&job, JobStatus::InProgress);
    let first = world.settle(event("run-aborted")).await;
    assert_eq!((first.jobs_stopped, first.callback), (1, Told::Answered));
    let again = world.settle(event("run-aborted")).await;
    assert_eq!(
        (again.jobs_stopped, again.callback),
        (0, Told::AnsweredBefore)
    );
    assert_eq!(world.jobs.stops().len(), 1);
}

/// Longer than `submit` may work, and shorter than the three minutes after which Lambda calls last.
#[tokio::test]
async fn a_late_job_is_waited_for_150_seconds_and_no_longer() {
    assert_eq!(LATE_JOBS, Duration::from_secs(150));
    for (since, is_waited_for) in [(149, true), (150, false)] {
        let world = World::new();
        world.asked(0, 0).await;
        let since = Duration::from_secs(since);
        let settled = world.settle_after(since, event("run-aborted")).await;
        assert_eq!(settled.is_err(), is_waited_for, "{since:?}");
    }
}
