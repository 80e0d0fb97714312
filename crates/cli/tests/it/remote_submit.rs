//! `quarry submit`: a run of a deployment over files of this machine.

use crate::command::{PROMPTS, Ran, SCHEMA};
use crate::deployed::{BUCKET, Deployed, MODEL, Script, succeeded};
use serde_json::{Value, json};
use std::process::Stdio;

/// Prices at which the four records cost so much that the command asks.
pub(crate) const DEAR: &str = "--price-in 100000 --price-out 100000";

pub(crate) fn deployed(script: Script) -> Deployed {
    let deployed = Deployed::new(script);
    deployed.file("strikes/b.csv", "text\nfour\n");
    deployed.file("strikes/a.csv", "text\none\ntwo\nthree\n");
    deployed.file("strikes/notes.txt", "not a table");
    deployed.file("prompts.json", PROMPTS);
    deployed.file("schema.json", SCHEMA);
    deployed
}

fn submit(deployed: &Deployed, more: &str) -> Ran {
    let mut command = deployed.command(&format!(
        "submit strikes --prompts prompts.json --schema schema.json {more}"
    ));
    let output = command.stdin(Stdio::null()).output();
    Ran::of(&output.expect("the command runs"))
}

/// Returns the name and the request of the only run that was started.
fn started(deployed: &Deployed) -> (String, Value) {
    let requests = deployed.aws.requests("StartExecution");
    assert_eq!(requests.len(), 1);
    let body: Value = serde_json::from_str(&requests[0].body).expect("JSON");
    let input = body["input"].as_str().expect("text");
    let name = body["name"].as_str().expect("a name").to_owned();
    (name, serde_json::from_str(input).expect("a request"))
}

#[track_caller]
pub(crate) fn nothing_happened(deployed: &Deployed) {
    assert_eq!(deployed.aws.requests("StartExecution").len(), 0);
    assert_eq!(deployed.keys(), [""; 0]);
}

#[test]
fn the_files_are_uploaded_to_where_they_start_nothing_and_the_run_is_started() {
    let deployed = deployed(Script::default());
    let ran = submit(
        &deployed,
        "--yes --name strikes-7 --set BEDROCK_MAX_TOKENS=300 --json",
    )
    .good();
    let (name, request) = started(&deployed);
    assert_eq!(name, "strikes-7");
    let data = request["data"].as_str().expect("a place");
    let folder = data.strip_suffix("/data/").expect("a folder");
    let random = folder.strip_prefix(&format!("s3://{BUCKET}/inbox/command-line/strikes-7-"));
    assert_eq!(random.map(str::len), Some(8), "{folder}");
    let expected = json!({
        "version": 1, "data": data, "prompts": format!("{folder}/prompts.json"), "schema": format!("{folder}/schema.json"),
        "output": format!("s3://{BUCKET}/results/command-line/strikes-7/"), "job_type": "validation",
        "settings": {"BEDROCK_MAX_TOKENS": "300"},
    });
    assert_eq!(request, expected);
    let folder = folder
        .strip_prefix(&format!("s3://{BUCKET}/"))
        .expect("in the bucket");
    let keys = ["data/a.csv", "data/b.csv", "prompts.json", "schema.json"];
    assert_eq!(deployed.keys(), keys.map(|key| format!("{folder}/{key}")));
    let report = ran.report();
    for (member, value) in [
        ("run", json!("strikes-7")),
        ("stack", json!("quarry")),
        ("model", json!(MODEL)),
        ("rows", json!(4)),
        ("records", json!(4)),
        ("jobs", json!(0)),
        ("calls", json!(4)),
    ] {
        assert_eq!(report[member], value, "{member}");
    }
}

#[test]
fn a_run_without_a_name_is_named_after_its_data_and_the_time() {
    let deployed = deployed(Script::default());
    let ran = submit(&deployed, "--yes").good();
    let (name, _) = started(&deployed);
    assert!(name.starts_with("strikes-2"), "{name}");
    assert_eq!(ran.stdout, format!("started {name}\n"));
    for expected in [
        "4 rows, 4 records, ",
        &format!("4 calls on demand, to {MODEL}\n"),
        &name,
    ] {
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
    }
}

/// What planning in the deployment would refuse is refused here, before anything is uploaded.
#[test]
fn what_planning_refuses_is_refused_before_anything_is_uploaded() {
    let with_a_limit = || {
        deployed(Script {
            parameters: vec![("MaxRows", "3")],
            ..Script::default()
        })
    };
    for (deployed, more, expected) in [
        (
            deployed(Script::default()),
            "--set BEDROCK_MAX_TOKEN=3",
            "`BEDROCK_MAX_TOKEN` is not a setting",
        ),
        (with_a_limit(), "", "BEDROCK_MAX_ROWS"),
    ] {
        let ran = submit(&deployed, &format!("--yes {more}"));
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
        nothing_happened(&deployed);
    }
    let deployed = deployed(Script::default());
    deployed.file("prompts.json", PROMPTS.replace("text", "words"));
    let ran = submit(&deployed, "--yes");
    assert_eq!(ran.code, 3, "{ran:?}");
    let expected = "a.csv: the prompt uses \"words\" which the table does not have";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    assert!(!ran.stderr.contains("s3://"), "{}", ran.stderr);
    nothing_happened(&deployed);
}

#[test]
fn where_nobody_can_be_asked_the_command_line_has_to_say_yes() {
    let deployed = deployed(Script::default());
    let ran = submit(&deployed, DEAR);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("4 rows, 4 records, "), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("There is no terminal to ask on; add --yes"),
        "{}",
        ran.stderr
    );
    nothing_happened(&deployed);
}

#[test]
fn a_run_that_costs_little_starts_without_a_question() {
    let deployed = deployed(Script::default());
    let ran = submit(&deployed, "").good();
    for expected in ["expected to cost 0.0", "; on demand 0.0", " USD\n"] {
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
    }
    started(&deployed);
}

#[test]
fn a_run_above_the_limit_of_the_command_line_is_refused_before_anything_is_uploaded() {
    let deployed = deployed(Script::default());
    let ran = submit(&deployed, &format!("--yes --max-cost 2.5 {DEAR}"));
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(
        ran.stderr.contains("more than --max-cost, 2.50 USD"),
        "{}",
        ran.stderr
    );
    nothing_happened(&deployed);
    submit(&deployed, "--max-cost 2.5").good();
    started(&deployed);
}

#[test]
fn a_model_without_a_known_price_is_asked_about_and_has_no_limit_of_cost() {
    let profile = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3";
    let model = format!("--set BEDROCK_PRIMARY_MODEL_ID={profile}");
    let deployed = deployed(Script::default());
    let ran = submit(&deployed, &model);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr.contains("note: no price is known for arn:aws:"),
        "{}",
        ran.stderr
    );
    let ran = submit(&deployed, &format!("{model} --yes --max-cost 2"));
    assert_eq!(ran.code, 3, "{ran:?}");
    nothing_happened(&deployed);
    submit(&deployed, &format!("{model} --yes")).good();
    started(&deployed);
}

#[test]
fn the_name_of_a_run_that_exists_is_refused_before_anything_is_uploaded() {
    let deployed = deployed(Script {
        runs: vec![succeeded("strikes-1")],
        ..Script::default()
    });
    let ran = submit(&deployed, "--yes --name strikes-1");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains(
            "a run named strikes-1 exists; choose another --name, or: quarry status strikes-1"
        ),
        "{}",
        ran.stderr
    );
    nothing_happened(&deployed);
    let ran = submit(&deployed, "--yes --name strikes_1");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr.contains("letters, digits and `-`"),
        "{}",
        ran.stderr
    );
}

/// Another command may have started a run of the name meanwhile.
#[test]
fn a_start_that_is_refused_or_denied_is_an_error() {
    for (code, exit, expected) in [
        ("ExecutionAlreadyExists", 3, "a run named strikes-1 exists"),
        (
            "AccessDeniedException",
            4,
            "states:StartExecution is denied",
        ),
    ] {
        let deployed = deployed(Script {
            refused: Some(("StartExecution", code)),
            ..Script::default()
        });
        let ran = submit(&deployed, "--yes --name strikes-1");
        assert_eq!(ran.code, exit, "{ran:?}");
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}
