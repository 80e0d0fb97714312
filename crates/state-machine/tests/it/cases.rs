//! Runs every folder of `tests/definitions`: a state machine in `machine.asl.json`, and in
//! `case.json` its surroundings and the expected outcome. The `promise` of a case says what it
//! tests.

use crate::world::{Recorder, Reply, World, start};
use quarry_state_machine::{Definition, FunctionError, Machine, Status, VirtualClock};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    promise: String,
    #[serde(default)]
    substitutions: BTreeMap<String, String>,
    input: Value,
    #[serde(default)]
    functions: BTreeMap<String, Vec<ScriptedReply>>,
    /// The seconds on the clock that a call takes.
    #[serde(default)]
    durations: BTreeMap<String, u64>,
    /// The content by bucket and key.
    #[serde(default)]
    objects: BTreeMap<String, Value>,
    expected: Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScriptedReply {
    Ok(Value),
    /// The error's type and message.
    Error(String, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    output: Option<Value>,
    /// The name of the error, and a part of the cause.
    #[serde(default)]
    failure: Option<(String, String)>,
    #[serde(default)]
    timed_out: bool,
    /// The names of the recorded events, separated by spaces.
    history: String,
    /// The longest history of a child.
    #[serde(default)]
    longest_child_history: u64,
    #[serde(default)]
    children: u64,
    #[serde(default)]
    seconds: f64,
    transitions: u64,
    /// The function and the payload of every call. Only for cases with one call at a time.
    #[serde(default)]
    calls: Option<Vec<(String, Value)>>,
}

#[tokio::test]
async fn every_case_ends_as_it_should() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/definitions");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    assert!(folders.len() > 10, "cases are missing");
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        run(&name, &folder).await;
    }
}

async fn run(name: &str, folder: &Path) {
    let case = fs::read_to_string(folder.join("case.json")).unwrap();
    let case: Case = serde_json::from_str(&case).unwrap_or_else(|e| panic!("{name}: {e}"));
    let text = fs::read_to_string(folder.join("machine.asl.json")).unwrap();
    let definition = Definition::load(&text, &case.substitutions)
        .unwrap_or_else(|error| panic!("{name}: {error}"));

    let mut world = World::default();
    for (function, replies) in case.functions {
        let replies = replies.into_iter().map(reply).collect();
        world = world.replies(&function, replies);
    }
    for (function, seconds) in case.durations {
        world = world.lasting(&function, Duration::from_secs(seconds));
    }
    for (place, content) in case.objects {
        world = world.object(&place, content.to_string());
    }
    let world = Arc::new(world);
    let recorder = Arc::new(Recorder::default());
    let clock = VirtualClock::starting_at(start());
    let machine = Machine::new(definition, world.clone(), clock, recorder.clone());
    let outcome = machine.run("run", case.input).await.unwrap();

    let label = format!("{name} ({})", case.promise);
    let expected = case.expected;
    match (&expected.output, &expected.failure, expected.timed_out) {
        (Some(output), None, false) => {
            assert_eq!(outcome.status, Status::Succeeded(output.clone()), "{label}");
        }
        (None, Some((error, part_of_cause)), false) => match &outcome.status {
            Status::Failed {
                error: found,
                cause,
            } => {
                assert_eq!(found, error, "{label}: {cause}");
                assert!(cause.contains(part_of_cause), "{label}: {cause}");
            }
            other => panic!("{label}: {other:?}"),
        },
        (None, None, true) => assert_eq!(outcome.status, Status::TimedOut, "{label}"),
        _ => panic!("{label}: exactly one of output, failure, timed_out is needed"),
    }
    let history = recorder.history("run");
    assert_eq!(history.join(" "), expected.history, "{label}");
    assert_eq!(outcome.history_events, history.len() as u64, "{label}");
    assert_eq!(
        outcome.max_child_history_events, expected.longest_child_history,
        "{label}: longest child history"
    );
    assert_eq!(outcome.children, expected.children, "{label}: children");
    assert_eq!(
        outcome.state_transitions, expected.transitions,
        "{label}: transitions"
    );
    let seconds = outcome.virtual_elapsed.as_secs_f64();
    assert!(
        (seconds - expected.seconds).abs() < 1e-6,
        "{label}: {seconds} seconds instead of {}",
        expected.seconds
    );
    if let Some(calls) = expected.calls {
        assert_eq!(world.calls(), calls, "{label}");
    }
}

fn reply(scripted: ScriptedReply) -> Reply {
    match scripted {
        ScriptedReply::Ok(value) => Ok(value),
        ScriptedReply::Error(error_type, message) => Err(FunctionError::new(error_type, message)),
    }
}
