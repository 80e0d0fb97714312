//! Stopping executions from outside.

use crate::world::{Stage, World, items, machine, map, task};
use quarry_state_machine::Status;
use serde_json::json;
use std::time::Duration;

/// Stopping ends an execution and its children while they wait, with one event in each history.
#[tokio::test]
async fn a_stopped_execution_takes_its_children_along() {
    let world = World::default()
        .object("bucket/items.json", "[1, 2, 3]")
        .working_for(Duration::from_hours(1))
        .replies("never done", vec![Ok(json!(1))]);
    let children = json!({"Work": task("never done")});
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    let execution = stage.machine.execution("run", items(2)).unwrap();
    let stop = execution.stop_handle();
    let running = tokio::spawn(execution.run());
    while stage.recorder.named("TaskStarted").len() < 2 {
        tokio::task::yield_now().await;
    }
    stop.stop("Operator", "enough");
    stop.stop("Operator", "too late to be heard");
    let outcome = running.await.unwrap();
    assert_eq!(
        outcome.status,
        Status::Aborted {
            error: "Operator".into(),
            cause: "enough".into()
        }
    );
    assert_eq!(outcome.children, 2);
    assert_eq!(
        stage.recorder.history("run").join(" "),
        "ExecutionStarted MapStateEntered MapStateStarted MapRunStarted ExecutionAborted"
    );
    for index in 0..2 {
        assert_eq!(
            stage
                .recorder
                .history(&format!("run-Items-1-{index}"))
                .join(" "),
            "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted ExecutionAborted"
        );
    }
    assert_eq!(outcome.max_child_history_events, 5);
    assert!(stage.world.calls().is_empty());
    // The clock is free again: no stopped party holds it, and no deadline is left.
    stage.clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.clock.elapsed(), Duration::from_secs(1));
}

/// An execution that is stopped before it runs never begins.
#[tokio::test]
async fn an_execution_can_be_stopped_before_it_runs() {
    let stage = Stage::new(&machine(&json!({"Call": task("f")})), World::default());
    let execution = stage.machine.execution("run", json!({})).unwrap();
    execution.stop_handle().stop("", "");
    let outcome = execution.run().await;
    assert!(matches!(outcome.status, Status::Aborted { .. }));
    assert_eq!(stage.recorder.history("run"), ["ExecutionAborted"]);
    assert!(stage.world.calls().is_empty());
}

/// Stopping an execution that has ended changes nothing.
#[tokio::test]
async fn a_late_stop_is_ignored() {
    let stage = Stage::new(
        &machine(&json!({"S": {"Type": "Succeed"}})),
        World::default(),
    );
    let execution = stage.machine.execution("run", json!({"x": 1})).unwrap();
    let stop = execution.stop_handle();
    let outcome = execution.run().await;
    stop.stop("E", "c");
    assert_eq!(outcome.status, Status::Succeeded(json!({"x": 1})));
    assert_eq!(stage.recorder.history("run").len(), 4);
}

/// Dropping a running execution stops its children as well, and frees the clock.
#[tokio::test]
async fn a_dropped_execution_leaves_nothing_behind() {
    let world = World::default()
        .object("bucket/items.json", "[1, 2]")
        .working_for(Duration::from_hours(1))
        .replies("never done", vec![Ok(json!(1))]);
    let children = json!({"Work": task("never done")});
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    let execution = stage.machine.execution("run", items(0)).unwrap();
    let running = tokio::spawn(execution.run());
    while stage.recorder.named("TaskStarted").len() < 2 {
        tokio::task::yield_now().await;
    }
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    stage.clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.clock.elapsed(), Duration::from_secs(1));
    assert_eq!(stage.recorder.named("ExecutionAborted").len(), 2);
}
