//! A payload that a function cannot read is an error that the state machine knows.

use quarry_contract::payload::{PlanInput, SliceState};
use quarry_edge::error::StepError;
use quarry_edge::function::respond;
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::telemetry::About;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Mutex;

/// Keeps what is emitted.
#[derive(Default)]
struct Emitted(Mutex<Vec<(Metric, u64)>>);

impl Metrics for Emitted {
    fn emit(&self, values: &[(Metric, u64)]) {
        self.0.lock().unwrap().extend(values);
    }
}

/// Calls a function that does nothing.
fn call<I: About + DeserializeOwned>(payload: Value) -> (Result<(), StepError>, Emitted) {
    let emitted = Emitted::default();
    let work = respond("plan", "id", &emitted, payload, |_: I| async { Ok(()) });
    (crate::run(work), emitted)
}

fn plan_input() -> Value {
    json!({
        "version": 1,
        "execution": "may",
        "started": "2026-11-28T12:00:00Z",
        "turn": 0,
        "request": {
            "version": 1,
            "data": "s3://bkt/data/",
            "prompts": "s3://bkt/prompts.json",
            "output": "s3://bkt/out/",
            "job_type": "validation",
        },
    })
}

#[test]
fn an_execution_input_that_cannot_be_read_is_a_bad_request_with_the_members_path() {
    assert!(call::<PlanInput>(plan_input()).0.is_ok());
    let wrong = [
        (
            "data",
            json!(7),
            "`request.data`: invalid type: integer `7`",
        ),
        (
            "promts",
            json!("p"),
            "`request.promts`: unknown field `promts`",
        ),
        (
            "job_type",
            json!("test"),
            "`request.job_type`: unknown variant `test`",
        ),
        (
            "settings",
            json!({"BEDROCK_MAX_RETRIES": 3}),
            "`request.settings.BEDROCK_MAX_RETRIES`: invalid type: integer `3`, expected a string",
        ),
        ("data", json!("s3:/bkt"), "`request.data`: "),
    ];
    for (member, value, message) in wrong {
        let mut input = plan_input();
        input["request"][member] = value;
        let (result, emitted) = call::<PlanInput>(input);
        let error = result.unwrap_err();
        assert_eq!(error.name(), "Quarry.BadRequest");
        let text = error.full_message();
        assert!(
            text.starts_with(&format!("the payload cannot be read: {message}")),
            "{text}"
        );
        assert!(
            text.contains("correct the input of the execution"),
            "{text}"
        );
        let counts = emitted.0.into_inner().unwrap();
        assert!(
            counts.contains(&(Metric::FunctionErrors, 1)),
            "it is measured like any other error"
        );
    }
}

#[test]
fn an_execution_that_was_started_without_an_object_is_a_bad_request() {
    for input in [json!([]), json!("s3://bkt/data/"), json!(null), json!({})] {
        let mut payload = plan_input();
        payload["request"] = input;
        let error = call::<PlanInput>(payload).0.unwrap_err();
        let text = error.full_message();
        assert_eq!(error.name(), "Quarry.BadRequest");
        assert!(text.contains("`request`: "), "{text}");
        assert!(!text.contains("struct"), "{text}");
    }
}

#[test]
fn a_list_is_not_read_as_an_object_by_the_position_of_its_items() {
    let mut payload = plan_input();
    payload["request"] = json!([
        1,
        "s3://bkt/d/",
        "s3://bkt/p.json",
        null,
        "s3://bkt/o/",
        null,
        null,
        "testing"
    ]);
    assert!(call::<PlanInput>(payload).0.is_err());
    let state =
        json!({"version": 1, "run": "s3://bkt/runs/may/", "slice": 0, "round": 0, "next": "wait"});
    assert!(call::<SliceState>(state.clone()).0.is_ok());
    let mut listed = state;
    listed["job"] = json!(["arn:aws:bedrock:job", "quarry-may"]);
    let error = call::<SliceState>(listed).0.unwrap_err();
    assert_eq!(
        error.full_message(),
        "the payload cannot be read: `job`: invalid type: sequence, expected an object"
    );
}

#[test]
fn a_payload_of_another_version_is_refused_by_its_version() {
    let state = json!({"version": 2, "run": "s3://bkt/runs/may/", "slices": [0]});
    let error = call::<SliceState>(state).0.unwrap_err();
    assert_eq!(error.name(), "Quarry.BadRequest");
    assert_eq!(
        error.full_message(),
        "the payload has version 2; this is version 1 of Quarry"
    );
}
