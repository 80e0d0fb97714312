//! What the pipeline receives.

use crate::{ENDED, World, event};
use quarry_edge::callbacks::MAX_REASON;
use quarry_edge::callbacks::memory::StepAnswer;
use quarry_edge::executions::{Cause, ExecutionRecord, ExecutionStatus};
use quarry_edge::failure::CallError;
use quarry_settle::Told;
use serde_json::{Value, json};
use std::time::Duration;

/// Returns an event without the payloads that are too large for it, and what Step Functions knows.
fn too_large(name: &str) -> (Value, ExecutionRecord) {
    let mut event = event(name);
    let detail = &mut event["detail"];
    let mut taken = |name: &str| detail[name].take().as_str().map(str::to_owned);
    let record = ExecutionRecord {
        input: taken("input"),
        output: taken("output"),
        ..ExecutionRecord::default()
    };
    detail["inputDetails"] = json!({"included": false});
    detail["outputDetails"] = json!({"included": false});
    (event, record)
}

fn outputs(world: &World) -> Vec<(String, String)> {
    match world.answer() {
        Some(StepAnswer::Succeeded(outputs)) => outputs
            .iter()
            .map(|output| (output.name().to_owned(), output.value().to_owned()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_run_that_succeeded_reports_its_locations_and_counts() {
    let world = World::new();
    let settled = world.settle(event("run-succeeded")).await;
    assert_eq!(settled.callback, Told::Answered);
    assert_eq!(
        (settled.status, settled.jobs_stopped),
        (ExecutionStatus::Succeeded, 0)
    );
    let outputs = outputs(&world);
    let outputs: Vec<(&str, &str)> = outputs
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        outputs,
        [
            ("processed_data", "s3://quarry-data/strikes/out/"),
            (
                "analysis_summary",
                "s3://quarry-data/strikes/out/processing_summary_validation_20261122_010000.json"
            ),
            ("rows", "10000"),
            ("failed", "3"),
            (
                "run",
                "s3://quarry-data/runs/label-strikes-0a1b2c3d4e5f60718293a4b5c6d7e8f9"
            ),
        ]
    );
}

#[tokio::test]
async fn calling_back_twice_is_harmless() {
    let world = World::new();
    world.settle(event("run-succeeded")).await;
    let first = world.answer();
    assert_eq!(
        world.settle(event("run-succeeded")).await.callback,
        Told::AnsweredBefore
    );
    assert_eq!(
        world.settle(event("run-failed")).await.callback,
        Told::AnsweredBefore
    );
    assert_eq!(world.answer(), first);
}

#[tokio::test]
async fn a_failure_names_its_cause_in_at_most_256_characters() {
    for (name, cause) in [
        (
            "run-failed",
            "Quarry.BadRequest: there are no prompts at s3://quarry-data/strikes/",
        ),
        (
            "run-aborted",
            "Quarry.Stopped: the pipeline is being stopped",
        ),
        ("run-timed-out", "the run took longer than it may"),
        (
            "run-failed-in-a-slice",
            "States.ExceedToleratedFailureThreshold: The specified tolerated",
        ),
    ] {
        let world = World::new();
        let settled = world.settle(event(name)).await;
        assert_eq!(settled.callback, Told::Answered);
        let failure = world.failure();
        assert!(failure.starts_with(cause), "{name}: {failure}");
        assert!(failure.chars().count() <= MAX_REASON);
    }
    let world = World::new();
    let mut long = event("run-failed");
    long["detail"]["cause"] = "ä".repeat(30_000).into();
    world.settle(long).await;
    assert_eq!(world.failure().chars().count(), MAX_REASON);
}

#[tokio::test]
async fn a_failed_slice_says_more_than_its_map() {
    let world = World::new();
    world.executions.set_failed_child(Cause {
        error: "Quarry.AccessDenied".to_owned(),
        cause: json!({"errorType": "Quarry.AccessDenied", "errorMessage": "access denied: creating job quarry-x"})
            .to_string(),
    });
    world.settle(event("run-failed-in-a-slice")).await;
    assert_eq!(
        world.failure(),
        "Quarry.AccessDenied: access denied: creating job quarry-x"
    );
}

#[tokio::test]
async fn what_is_too_large_for_an_event_is_fetched() {
    let world = World::new();
    let (event, record) = too_large("run-succeeded");
    world.executions.set_record(record);
    world.settle(event).await;
    assert_eq!(outputs(&world).len(), 5);

    let world = World::new();
    let (event, record) = too_large("run-failed");
    world.executions.set_record(record);
    world.settle(event.clone()).await;
    assert!(world.failure().contains("there are no prompts"));

    let world = World::new();
    world
        .executions
        .fail_next(CallError::Throttled("slow down".into()));
    let soon = Duration::from_secs(2);
    let error = world.settle_after(soon, event).await.unwrap_err();
    assert_eq!(error.name(), "Quarry.Throttled");
}

/// The documentation of Step Functions does not promise a cause in the event, and an event that was
/// written by hand has none.
#[tokio::test]
async fn the_cause_is_fetched_if_the_event_does_not_have_it() {
    let record = |error: &str| ExecutionRecord {
        input: event("run-failed")["detail"]["input"]
            .as_str()
            .map(str::to_owned),
        failure: Some(Cause {
            error: error.to_owned(),
            cause: json!({"errorMessage": "no bucket", "errorType": error}).to_string(),
        }),
        ended: Some(ENDED),
        ..ExecutionRecord::default()
    };
    let full = event("run-failed")["detail"].clone();
    let by_hand = ["executionArn", "stateMachineArn", "name", "status"];
    let documented = [
        &by_hand[..],
        &["stopDate", "startDate", "input", "inputDetails"],
    ]
    .concat();
    for members in [&by_hand[..], &documented] {
        let detail: serde_json::Map<String, Value> = members
            .iter()
            .map(|name| ((*name).to_owned(), full[*name].clone()))
            .collect();
        let event = json!({"detail": detail});

        let world = World::new();
        world.executions.set_record(record("Quarry.NotFound"));
        world.settle(event.clone()).await;
        assert_eq!(world.failure(), "Quarry.NotFound: no bucket");

        let world = World::new();
        world
            .executions
            .set_record(record("States.ExceedToleratedFailureThreshold"));
        world.executions.set_failed_child(Cause {
            error: "Quarry.Refused".to_owned(),
            cause: "the slice".to_owned(),
        });
        world.settle(event).await;
        assert_eq!(world.failure(), "Quarry.Refused: the slice");
    }
}

#[tokio::test]
async fn a_location_that_is_too_long_for_an_output_is_left_out() {
    let world = World::new();
    let mut event = event("run-succeeded");
    let output = event["detail"]["output"].as_str().unwrap();
    let long = format!("{}/", "k".repeat(1_013));
    let output = output.replace("strikes/out/\"", &format!("{long}\""));
    event["detail"]["output"] = output.into();
    assert_eq!(world.settle(event).await.callback, Told::Answered);
    let names: Vec<String> = outputs(&world).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["analysis_summary", "rows", "failed", "run"]);
}

#[tokio::test]
async fn a_run_without_a_waiting_step_makes_no_callback() {
    for name in ["run-succeeded", "run-failed"] {
        let world = World::new();
        let mut event = event(name);
        let mut input: Value =
            serde_json::from_str(event["detail"]["input"].as_str().unwrap()).unwrap();
        input.as_object_mut().unwrap().remove("callback");
        event["detail"]["input"] = input.to_string().into();
        assert_eq!(
            world.settle(event.clone()).await.callback,
            Told::NobodyWaits
        );
        // An input that is not a request made the run fail in planning.
        event["detail"]["input"] = "{}".into();
        assert_eq!(world.settle(event).await.callback, Told::NobodyWaits);
        assert!(world.callbacks.answers().is_empty());
    }
}

#[tokio::test]
async fn slices_and_beginnings_are_not_ends_of_runs() {
    let world = World::new();
    assert_eq!(
        world.settle(event("slice-failed")).await.callback,
        Told::Nothing
    );
    let mut running = event("run-failed");
    running["detail"]["status"] = "RUNNING".into();
    running["detail"]["stopDate"] = Value::Null;
    assert_eq!(world.settle(running).await.callback, Told::Nothing);
    assert!(world.callbacks.answers().is_empty());
}

/// A late event must neither stop the jobs of a live run nor end its pipeline.
#[tokio::test]
async fn a_redriven_run_is_left_alone() {
    let world = World::new();
    let job = world.created(0, 0).await;
    world
        .jobs
        .add(&job, quarry_edge::jobs::JobStatus::InProgress);
    world.executions.set_record(ExecutionRecord {
        redriven: Some(ENDED + Duration::from_secs(30)),
        ..ExecutionRecord::default()
    });
    let settled = world.settle(event("run-aborted")).await;
    assert_eq!((settled.callback, settled.jobs_stopped), (Told::Nothing, 0));
    assert!(world.jobs.stops().is_empty());
    // A redrive before this end does not concern it.
    world.executions.set_record(ExecutionRecord {
        redriven: Some(ENDED.saturating_sub(Duration::from_secs(30))),
        ..ExecutionRecord::default()
    });
    let settled = world.settle(event("run-aborted")).await;
    assert_eq!(
        (settled.callback, settled.jobs_stopped),
        (Told::Answered, 1)
    );
}

/// An event without a time uses the run's own end time, which a live run does not have.
#[tokio::test]
async fn a_running_run_is_left_alone_even_if_settled_by_hand() {
    let world = World::new();
    let mut by_hand = event("run-aborted");
    by_hand["detail"]["stopDate"] = Value::Null;
    let redriven = Some(ENDED + Duration::from_secs(30));
    let record = |ended| ExecutionRecord {
        redriven,
        ended,
        ..ExecutionRecord::default()
    };
    world.executions.set_record(record(None));
    let settled = world.settle(by_hand.clone()).await;
    assert_eq!(settled.callback, Told::Nothing);
    let later = ENDED + Duration::from_mins(10);
    world.executions.set_record(record(Some(later)));
    assert_eq!(world.settle(by_hand).await.callback, Told::Answered);
}

#[tokio::test]
async fn a_callback_that_does_not_arrive_is_sent_again() {
    for name in ["run-succeeded", "run-failed"] {
        let world = World::new();
        world
            .callbacks
            .fail_next(CallError::Unavailable("down".into()));
        let soon = Duration::from_secs(2);
        let error = world.settle_after(soon, event(name)).await.unwrap_err();
        assert_eq!(error.name(), "Quarry.Unavailable");
        assert_eq!(world.settle(event(name)).await.callback, Told::Answered);
    }
}
