//! The service's limits: payload size, length of the history, names.

use crate::world::{Stage, World, failed, items, machine, map, task, with};
use quarry_state_machine::limits::{MAX_HISTORY_EVENTS, MAX_PAYLOAD_BYTES};
use quarry_state_machine::{StartError, Status};
use serde_json::{Value, json};

/// Returns text that has exactly this many bytes as JSON.
fn text_of(bytes: usize) -> Value {
    Value::from("x".repeat(bytes - 2))
}

/// An endless loop ends with event 25,000, which says why; nothing catches it.
#[tokio::test]
async fn the_history_has_25_000_events_at_most() {
    let definition = machine(&json!({
        "Loop": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.stop", "BooleanEquals": true, "Next": "Stop"}],
            "Default": "Loop",
        },
        "Stop": {"Type": "Succeed"},
    }));
    let stage = Stage::new(&definition, World::default());
    let outcome = stage.run(json!({"stop": false})).await;
    let (error, cause) = failed(&outcome);
    assert_eq!(error, "States.Runtime");
    assert_eq!(
        cause,
        "The execution reached the maximum number of history events (25000)."
    );
    assert_eq!(outcome.history_events, MAX_HISTORY_EVENTS);
    let history = stage.recorder.history("run");
    assert_eq!(history.len(), 25_000);
    assert_eq!(history[24_998..], ["ChoiceStateExited", "ExecutionFailed"]);
}

/// A child has a history of its own: its events do not count against its parent's limit.
#[tokio::test]
async fn children_have_their_own_histories() {
    let list = json!(vec![json!({}); 3]);
    let world = World::default()
        .object("bucket/items.json", list.to_string())
        .function("count", |payload| {
            let turn = payload["turn"].as_u64().unwrap_or(0) + 1;
            Ok(json!({"turn": turn, "done": turn == 2_700, "nap": 1}))
        });
    let mut children = json!({
        "Count": with(task("count"), &json!({"OutputPath": "$.Payload", "Next": "Done?"})),
        "Done?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.done", "BooleanEquals": true, "Next": "End"}],
            "Default": "Pause",
        },
        "Pause": {"Type": "Wait", "SecondsPath": "$.nap", "Next": "Count"},
        "End": {"Type": "Succeed"},
    });
    children["Count"].as_object_mut().unwrap().remove("End");
    let stage = Stage::new(&machine(&json!({"Each": map(&children)})), world);
    let outcome = stage.run(items(0)).await;
    assert!(
        matches!(outcome.status, Status::Succeeded(_)),
        "{outcome:?}"
    );
    assert_eq!(outcome.history_events, 8);
    assert_eq!(outcome.max_child_history_events, 9 * 2_700 + 2);
}

/// An execution's input of exactly 256 KiB is accepted, one more byte is not.
#[tokio::test]
async fn an_execution_input_has_256_kib_at_most() {
    let stage = Stage::new(
        &machine(&json!({"S": {"Type": "Succeed"}})),
        World::default(),
    );
    let input = |bytes: usize| json!([text_of(bytes - 2)]);
    let outcome = stage.machine.run("exact", input(MAX_PAYLOAD_BYTES)).await;
    assert!(matches!(outcome.unwrap().status, Status::Succeeded(_)));
    let outcome = stage
        .machine
        .run("more", input(MAX_PAYLOAD_BYTES + 1))
        .await;
    assert_eq!(outcome, Err(StartError::InputTooLarge));
}

/// A state's output of exactly 256 KiB is accepted; one byte more ends the execution, and no
/// retry can help.
#[tokio::test]
async fn a_state_output_has_256_kib_at_most() {
    let retry = json!([{"ErrorEquals": ["States.DataLimitExceeded"]}]);
    let call = with(
        task("f"),
        &json!({"ResultPath": "$.result", "Retry": retry}),
    );
    let definition = machine(&json!({"Call": call}));
    let input = json!({"text": text_of(MAX_PAYLOAD_BYTES / 2)});
    let result = |payload: Value| json!({"Payload": payload, "StatusCode": 200});
    let around = json!({"text": input["text"], "result": result(text_of(2))});
    let room = MAX_PAYLOAD_BYTES - around.to_string().len();

    for (payload, accepted) in [(text_of(2 + room), true), (text_of(3 + room), false)] {
        let world = World::default().replies("f", vec![Ok(payload)]);
        let stage = Stage::new(&definition, world);
        let outcome = stage.run(input.clone()).await;
        if accepted {
            assert!(
                matches!(outcome.status, Status::Succeeded(_)),
                "{outcome:?}"
            );
            continue;
        }
        assert_eq!(
            failed(&outcome),
            (
                "States.DataLimitExceeded",
                "The state/task 'Call' returned a result with a size exceeding the maximum number \
                 of bytes service limit."
            )
        );
        assert_eq!(
            stage.recorder.history("run").join(" "),
            "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded \
             ExecutionFailed"
        );
    }
}

/// A function's result that is too large fails the attempt, which can be retried by its name.
#[tokio::test]
async fn a_function_result_has_256_kib_at_most() {
    let retry = json!([{"ErrorEquals": ["States.DataLimitExceeded"], "MaxAttempts": 1}]);
    let call = with(
        task("f"),
        &json!({"Retry": retry, "OutputPath": "$.Payload"}),
    );
    let replies = vec![Ok(text_of(MAX_PAYLOAD_BYTES)), Ok(json!("small"))];
    let world = World::default().replies("f", replies);
    let stage = Stage::new(&machine(&json!({"Call": call})), world);
    let outcome = stage.run(json!({})).await;
    assert_eq!(outcome.status, Status::Succeeded(json!("small")));
    assert_eq!(
        stage.recorder.history("run").join(" "),
        "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskFailed TaskScheduled \
         TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded"
    );
}

/// Items, the selector's output for them, and the list of results are limited too.
#[tokio::test]
async fn items_and_map_results_have_256_kib_at_most() {
    let echo = json!({"Echo": {"Type": "Pass", "End": true}});
    let third = text_of(MAX_PAYLOAD_BYTES / 3);
    let half = text_of(MAX_PAYLOAD_BYTES / 2);
    let twice = json!({"a.$": "$$.Map.Item.Value", "b.$": "$$.Map.Item.Value"});
    for (content, selector, expected) in [
        (json!([third, third]), None, true),
        (json!([1, text_of(MAX_PAYLOAD_BYTES + 1)]), None, false),
        (json!([half]), Some(twice), false),
        (json!([half, half, 1]), None, false),
    ] {
        let mut each = map(&echo);
        if let Some(selector) = selector {
            each["ItemSelector"] = selector;
        }
        let world = World::default().object("bucket/items.json", content.to_string());
        let stage = Stage::new(&machine(&json!({"Each": each})), world);
        let outcome = stage.run(items(0)).await;
        if expected {
            assert!(
                matches!(outcome.status, Status::Succeeded(_)),
                "{outcome:?}"
            );
        } else {
            assert_eq!(failed(&outcome).0, "States.DataLimitExceeded");
        }
    }
}

/// A name identifies an execution permanently, and must be one that the service accepts.
#[tokio::test]
async fn names_are_checked_and_taken_once() {
    let stage = Stage::new(
        &machine(&json!({"S": {"Type": "Succeed"}})),
        World::default(),
    );
    let start = |name: &str| stage.machine.execution(name, json!({})).map(drop);
    assert_eq!(start("2026-11-22_run.1"), Ok(()));
    assert_eq!(
        start("2026-11-22_run.1"),
        Err(StartError::ExecutionAlreadyExists(
            "2026-11-22_run.1".into()
        ))
    );
    for name in ["", "a b", "a/b", "a:b", "a*", "a{b}", &"x".repeat(81)] {
        assert_eq!(start(name), Err(StartError::InvalidName(name.into())));
    }
    assert_eq!(start(&"x".repeat(80)), Ok(()));
}
