//! Map Runs: the children's inputs, the observer's view of them, and their end when one of them
//! fails.

use crate::world::{Detail, Stage, World, failed, items, machine, map, task, with};
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
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    stage.run(items(1)).await;
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
    let wait = json!({"do": "wait", "nap": 1_000});
    let fail = json!({"do": "fail", "nap": 10});
    let world = World::default()
        .object(
            "bucket/items.json",
            json!([wait, fail, wait, wait]).to_string(),
        )
        .replies(
            "f",
            vec![Err(FunctionError::new("Broken", "beyond repair"))],
        );
    let children = json!({
        "Fail?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.do", "StringEquals": "fail", "Next": "Soon"}],
            "Default": "Pause",
        },
        "Pause": {"Type": "Wait", "SecondsPath": "$.nap", "End": true},
        "Soon": {"Type": "Wait", "SecondsPath": "$.nap", "Next": "Work"},
        "Work": task("f"),
    });
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    let outcome = stage.run(items(3)).await;
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
        .object("bucket/items.json", r#"[{"fail": false}, {"fail": true}]"#)
        .replies("f", vec![Ok(json!(1))]);
    let children = json!({
        "Fail?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.fail", "BooleanEquals": true, "Next": "Fail"}],
            "Default": "Work",
        },
        "Work": task("f"),
        "Fail": {"Type": "Wait", "SecondsPath": "$.missing", "End": true},
    });
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    let outcome = stage.run(items(0)).await;
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
            "x.$": "$.x",
        },
        "End": true,
    }});
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    let outcome = stage.run(items(0)).await;
    assert_eq!(
        outcome.status,
        Status::Succeeded(json!([{"name": "run-Items-1-0", "x": 1}]))
    );
}
