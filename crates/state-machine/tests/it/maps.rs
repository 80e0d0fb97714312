//! Map Runs: the children's inputs, the observer's view of them, and their end when one of them
//! fails.

use crate::world::{Detail, Stage, World, failed, machine, map, task, with};
use quarry_state_machine::{ChildFailure, FunctionError, Status};
use serde_json::json;
use std::time::Duration;

/// The observer sees every child begin with its input and end with its status, under its name.
#[tokio::test]
async fn children_are_shown_with_their_inputs_and_ends() {
    let world = World::default()
        .object("bucket/items.json", r#"["a", "b"]"#)
        .function("f", |payload| Ok(json!({"was": payload})));
    let children = json!({"Work": with(task("f"), &json!({"OutputPath": "$.Payload"}))});
    let stage = Stage::new(&machine(&json!({"Each": map(&children, 1)})), world);
    stage.run(json!({})).await;
    let shown: Vec<_> = stage
        .recorder
        .seen()
        .into_iter()
        .filter(|event| event.name.starts_with("Child"))
        .map(|event| (event.name, event.execution, event.state, event.detail))
        .collect();
    let started = |input: &str| {
        (
            "ChildStarted".to_owned(),
            "run".to_owned(),
            Some("Each".to_owned()),
            Detail::Input(json!(input)),
        )
    };
    let finished = |input: &str| {
        (
            "ChildFinished".to_owned(),
            "run".to_owned(),
            Some("Each".to_owned()),
            Detail::Status(Status::Succeeded(json!({"was": input}))),
        )
    };
    assert_eq!(
        shown,
        [started("a"), finished("a"), started("b"), finished("b")]
    );
    assert_eq!(
        stage.recorder.history("run-Items-1-0").join(" "),
        "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded \
         TaskStateExited ExecutionSucceeded"
    );
}

/// When a child fails, the outcome has the reason, waiting children are aborted at that instant,
/// and no child begins for the remaining items.
#[tokio::test]
async fn a_failed_child_stops_the_others() {
    let world = World::default()
        .object("bucket/items.json", r#"["wait", "fail", "wait", "later"]"#)
        .replies(
            "f",
            vec![Err(FunctionError::new("Broken", "beyond repair"))],
        );
    let children = json!({
        "Fail?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "StringEquals": "fail", "Next": "Soon"}],
            "Default": "Pause",
        },
        "Pause": {"Type": "Wait", "Seconds": 1000, "End": true},
        "Soon": {"Type": "Wait", "Seconds": 10, "Next": "Work"},
        "Work": task("f"),
    });
    let stage = Stage::new(&machine(&json!({"Each": map(&children, 3)})), world);
    let outcome = stage.run(json!({})).await;
    assert_eq!(
        failed(&outcome),
        (
            "States.ExceedToleratedFailureThreshold",
            "The specified tolerated failure threshold was exceeded"
        )
    );
    assert_eq!(
        outcome.first_child_failure,
        Some(ChildFailure {
            child: "run-Items-1-1".into(),
            index: 1,
            error: "Broken".into(),
            cause: r#"{"errorMessage":"beyond repair","errorType":"Broken"}"#.into(),
        })
    );
    assert_eq!(outcome.children, 3);
    assert_eq!(outcome.virtual_elapsed, Duration::from_secs(10));
    for index in [0, 2] {
        assert_eq!(
            stage
                .recorder
                .history(&format!("run-Items-1-{index}"))
                .join(" "),
            "ExecutionStarted ChoiceStateEntered ChoiceStateExited WaitStateEntered \
             ExecutionAborted"
        );
    }
    assert_eq!(stage.recorder.named("ChildFinished").len(), 3);
}

/// A call that is under way when its child is stopped is dropped.
#[tokio::test]
async fn calls_of_stopped_children_are_dropped() {
    let world = World::default()
        .working_for(Duration::from_millis(200))
        .object("bucket/items.json", r#"["work", "fail"]"#)
        .replies("f", vec![Ok(json!(1))]);
    let children = json!({
        "Fail?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "StringEquals": "fail", "Next": "Fail"}],
            "Default": "Work",
        },
        "Work": task("f"),
        "Fail": {"Type": "Fail", "Error": "E"},
    });
    let stage = Stage::new(&machine(&json!({"Each": map(&children, 0)})), world);
    let outcome = stage.run(json!({})).await;
    assert_eq!(failed(&outcome).0, "States.ExceedToleratedFailureThreshold");
    assert!(stage.world.calls().is_empty());
}

/// The context object of a child shows the child, not its parent.
#[tokio::test]
async fn a_child_sees_its_own_execution() {
    let world = World::default().object("bucket/items.json", r#"[{"x": 1}]"#);
    let children = json!({"Look": {
        "Type": "Pass",
        "Parameters": {
            "name.$": "$$.Execution.Name",
            "id.$": "$$.Execution.Id",
            "input.$": "$$.Execution.Input.x",
            "machine.$": "$$.StateMachine.Id",
        },
        "End": true,
    }});
    let stage = Stage::new(&machine(&json!({"Each": map(&children, 0)})), world);
    let machine = stage
        .machine
        .with_arn("arn:aws:states:eu-central-1:123456789012:stateMachine:quarry");
    let outcome = machine.run("run", json!({})).await.unwrap();
    assert_eq!(
        outcome.status,
        Status::Succeeded(json!([{
            "name": "run-Items-1-0",
            "id": "arn:aws:states:eu-central-1:123456789012:execution:quarry/Items:run-Items-1-0",
            "input": 1,
            "machine": "arn:aws:states:eu-central-1:123456789012:stateMachine:quarry/Items",
        }]))
    );
}
