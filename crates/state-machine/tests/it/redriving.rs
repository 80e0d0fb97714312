//! Redriving executions, as the Developer Guide describes it.

use crate::world::{Reply, Stage, World, items, machine, map, task, with};
use quarry_state_machine::{FunctionError, RedriveError, Status};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn broken() -> Reply {
    Err(FunctionError::new("Broken", "as scripted"))
}

/// A function that fails for some payloads, each as often as said, and otherwise returns its payload.
fn failing(payload: Value, times: usize) -> impl Fn(&Value) -> Reply + Send + Sync {
    let left = AtomicUsize::new(times);
    move |given| {
        let strikes = *given == payload
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        if strikes { broken() } else { Ok(given.clone()) }
    }
}

fn called(stage: &Stage, function: &str) -> Vec<Value> {
    let calls = stage.world.calls().into_iter();
    calls
        .filter(|(name, _)| name == function)
        .map(|(_, payload)| payload)
        .collect()
}

fn then(state: Value, next: &str) -> Value {
    let mut state = with(state, &json!({"Next": next, "OutputPath": "$.Payload"}));
    state.as_object_mut().unwrap().remove("End");
    state
}

#[tokio::test]
async fn a_redrive_continues_in_the_state_that_failed_with_its_input() {
    let world = World::default()
        .function("first", |_| Ok(json!({"from": "first"})))
        .replies("second", vec![broken(), Ok(json!("done"))]);
    let states = json!({
        "First": then(task("first"), "Second"),
        "Second": with(task("second"), &json!({"OutputPath": "$.Payload"})),
    });
    let stage = Stage::new(&machine(&states), world);
    let failed = stage.run(json!({"from": "start"})).await;
    assert!(matches!(failed.status, Status::Failed { .. }));
    assert_eq!(failed.redrives, 0);
    stage.clock.sleep(Duration::from_hours(24)).await;
    let outcome = stage.machine.redrive("run").unwrap().run().await;
    assert_eq!(outcome.status, Status::Succeeded(json!("done")));
    assert_eq!(outcome.redrives, 1);
    assert_eq!(called(&stage, "first").len(), 1);
    assert_eq!(
        called(&stage, "second"),
        [json!({"from": "first"}), json!({"from": "first"})]
    );
    assert_eq!(
        stage.recorder.history("run").join(" "),
        "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited \
         TaskStateEntered TaskScheduled TaskStarted TaskFailed ExecutionFailed ExecutionRedriven \
         TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited \
         ExecutionSucceeded"
    );
    assert_eq!(outcome.history_events, 18);
}

#[tokio::test]
async fn the_attempts_of_a_retry_count_anew() {
    let retry = json!({
        "Retry": [{"ErrorEquals": ["Broken"], "MaxAttempts": 2, "IntervalSeconds": 1}],
    });
    let world = World::default().function("f", failing(json!({}), 5));
    let stage = Stage::new(&machine(&json!({"Call": with(task("f"), &retry)})), world);
    assert!(matches!(
        stage.run(json!({})).await.status,
        Status::Failed { .. }
    ));
    assert_eq!(called(&stage, "f").len(), 3);
    let outcome = stage.machine.redrive("run").unwrap().run().await;
    assert!(
        matches!(outcome.status, Status::Succeeded(_)),
        "{outcome:?}"
    );
    assert_eq!(called(&stage, "f").len(), 6);
}

/// Children that succeeded are kept, the one that failed continues in the state that failed, and
/// those that had not begun begin.
#[tokio::test]
async fn a_map_run_is_redriven_only_where_it_did_not_succeed() {
    let world = World::default()
        .object("bucket/items.json", "[1, 2, 3, 4]")
        .function("first", |payload| Ok(json!({"item": payload})))
        .function("second", failing(json!({"item": 2}), 1));
    let children = json!({
        "First": then(task("first"), "Second"),
        "Second": with(task("second"), &json!({"OutputPath": "$.Payload"})),
    });
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    let failed = stage.run(items(1)).await;
    assert_eq!(failed.first_child_failure.unwrap().index, 1);
    let outcome = stage.machine.redrive("run").unwrap().run().await;
    assert_eq!(
        outcome.status,
        Status::Succeeded(json!([{"item": 1}, {"item": 2}, {"item": 3}, {"item": 4}]))
    );
    assert_eq!(
        called(&stage, "first"),
        [1, 2, 3, 4].map(|item| json!(item))
    );
    assert_eq!(
        called(&stage, "second"),
        [1, 2, 2, 3, 4].map(|item| json!({"item": item}))
    );
    let history = stage.recorder.history("run").join(" ");
    assert!(
        history.ends_with(
            "ExecutionFailed ExecutionRedriven MapStateEntered MapRunRedriven MapRunSucceeded \
             MapStateSucceeded MapStateExited ExecutionSucceeded"
        ),
        "{history}"
    );
    let child = stage.recorder.history("run-Items-1-1").join(" ");
    assert!(
        child.ends_with(
            "TaskFailed ExecutionFailed ExecutionRedriven TaskStateEntered TaskScheduled \
             TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded"
        ),
        "{child}"
    );
}

/// Children that were under way when a sibling failed continue too.
#[tokio::test]
async fn stopped_children_continue_in_the_state_where_they_were_stopped() {
    let world = World::default()
        .object("bucket/items.json", "[1, 2]")
        .lasting("slow", Duration::from_hours(1))
        .function("first", failing(json!(1), 1))
        .function("slow", |payload| Ok(payload.clone()));
    let children = json!({
        "First": then(task("first"), "Slow"),
        "Slow": with(task("slow"), &json!({"OutputPath": "$.Payload"})),
    });
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    assert!(matches!(
        stage.run(items(0)).await.status,
        Status::Failed { .. }
    ));
    let outcome = stage.machine.redrive("run").unwrap().run().await;
    assert_eq!(outcome.status, Status::Succeeded(json!([1, 2])));
    // The call that was under way when the first child failed is made again.
    let firsts = called(&stage, "first");
    assert_eq!(firsts.iter().filter(|item| **item == json!(2)).count(), 1);
}

/// A run that was stopped, redriven and stopped again can be redriven again.
#[tokio::test]
async fn redrives_can_follow_each_other() {
    let world = World::default().function("f", failing(json!({}), 3));
    let stage = Stage::new(&machine(&json!({"Call": task("f")})), world);
    stage.run(json!({})).await;
    for redrives in 1..=2 {
        let again = stage.machine.redrive("run").unwrap().run().await;
        assert!(matches!(again.status, Status::Failed { .. }));
        assert_eq!(again.redrives, redrives);
    }
    let outcome = stage.machine.redrive("run").unwrap().run().await;
    assert!(matches!(outcome.status, Status::Succeeded(_)));
}

#[tokio::test]
async fn only_an_unsuccessful_end_of_the_last_14_days_is_redriven() {
    let world = World::default().replies("f", vec![broken(), broken(), Ok(json!(1))]);
    let stage = Stage::new(&machine(&json!({"Call": task("f")})), world);
    let why = |name: &str| match stage.machine.redrive(name).map(drop).unwrap_err() {
        RedriveError::ExecutionNotRedrivable { why, .. } => why,
        other => panic!("{other}"),
    };
    let missing = stage.machine.redrive("run").map(drop);
    assert_eq!(
        missing,
        Err(RedriveError::ExecutionDoesNotExist("run".into()))
    );
    let execution = stage.machine.execution("run", json!({})).unwrap();
    assert_eq!(why("run"), "it has not ended");
    execution.run().await;
    stage.machine.run("old", json!({})).await.unwrap();
    stage.machine.redrive("run").unwrap().run().await;
    assert_eq!(why("run"), "it has succeeded");
    stage.clock.sleep(Duration::from_hours(14 * 24 + 1)).await;
    assert_eq!(why("old"), "it ended more than 14 days ago");
}

/// The context object keeps the name and the start of the execution.
#[tokio::test]
async fn a_redriven_execution_keeps_its_name_and_start() {
    let states = json!({
        "Call": then(task("f"), "Look"),
        "Look": {
            "Type": "Pass",
            "Parameters": {"name.$": "$$.Execution.Name", "started.$": "$$.Execution.StartTime"},
            "End": true,
        },
    });
    let world = World::default().replies("f", vec![broken(), Ok(json!(1))]);
    let stage = Stage::new(&machine(&states), world);
    stage.run(json!({})).await;
    stage.clock.sleep(Duration::from_hours(3)).await;
    let outcome = stage.machine.redrive("run").unwrap().run().await;
    assert_eq!(
        outcome.status,
        Status::Succeeded(json!({"name": "run", "started": "2026-11-22T08:30:00.000Z"}))
    );
}
