//! `quarry watch`, `stop` and `redrive`: runs of a deployment to their ends.

use crate::command::Ran;
use crate::deployed::{BUCKET, Deployed, Script, execution, folder, job, plan, succeeded};
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::location::S3Uri;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;

/// A live run, which succeeds after so many looks, if it does.
pub(crate) fn live(succeeds_after: Option<usize>) -> Deployed {
    let deployed = Deployed::new(Script {
        runs: vec![execution("strikes-2", ExecutionStatus::Running)],
        jobs: vec![job("strikes-2", 0)],
        succeeds_after,
        ..Script::default()
    });
    let folder = folder("strikes-2");
    deployed.put_document(&folder.plan(), &plan("strikes-2"));
    deployed.put(&folder.slice(0).round(0).job(), "{}");
    deployed
}

fn ended(run: Value) -> Deployed {
    Deployed::new(Script {
        runs: vec![run],
        ..Script::default()
    })
}

fn quarry(deployed: &Deployed, arguments: &str) -> Ran {
    let output = deployed.command(arguments).stdin(Stdio::null()).output();
    Ran::of(&output.expect("the command runs"))
}

#[track_caller]
fn body(deployed: &Deployed, operation: &str) -> Value {
    let requests = deployed.aws.requests(operation);
    assert_eq!(requests.len(), 1, "{operation}");
    serde_json::from_str(&requests[0].body).expect("JSON")
}

#[test]
fn a_run_is_followed_to_its_end_and_its_results_are_copied() {
    let deployed = live(Some(3));
    let results = S3Uri::new(BUCKET, "results/p/strikes-2/").expect("a location");
    deployed.put(&results.join("validation_processed_data.csv"), "text\n");
    deployed.put(&results.join("processing_summary.json"), "{}");
    let ran = quarry(&deployed, "watch strikes-2 --every 1 --out out").good();
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(
        said,
        [
            "running; 0 of 100 rows answered, 20 more worked on; 0 of 2 slices done; waits for 1 job",
            "succeeded; 0 of 2 slices done",
            "wrote out/validation_processed_data.csv",
            "wrote out/processing_summary.json",
        ]
    );
    assert!(
        ran.stdout
            .starts_with("strikes-2   succeeded at 2026-11-28 16:58:01 UTC"),
        "{}",
        ran.stdout
    );
    assert!(deployed.path("out/processing_summary.json").is_file());
}

#[test]
fn each_look_is_an_object_for_programs() {
    let looks = quarry(&live(Some(3)), "watch - --every 1 --json")
        .good()
        .json_lines();
    let states: Vec<&Value> = looks.iter().map(|look| &look["state"]).collect();
    assert!(states.len() >= 2, "{states:?}");
    assert_eq!(states[0], "running");
    assert_eq!(states[states.len() - 1], "succeeded");
}

#[test]
fn a_run_that_fails_ends_watching_with_its_code() {
    let mut failed = execution("strikes-2", ExecutionStatus::Failed);
    failed["error"] = json!("Quarry.BadRequest");
    failed["cause"] = json!(r#"{"errorMessage": "no such column"}"#);
    let ran = quarry(&ended(failed), "watch strikes-2 --out out");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr.contains("Quarry.BadRequest: no such column"),
        "{}",
        ran.stderr
    );
}

/// The signal ends only the command.
#[cfg(unix)]
#[test]
fn a_signal_ends_watching_and_not_the_run() {
    let deployed = live(None);
    let child = deployed
        .command("watch strikes-2 --every 1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    while deployed.aws.requests("ListModelInvocationJobs").is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    let ran = Ran::of(&child.wait_with_output().expect("the command ends"));
    assert_eq!(ran.code, 130, "{ran:?}");
    assert!(
        ran.stderr
            .contains("the run goes on, and `quarry stop` stops it"),
        "{}",
        ran.stderr
    );
    assert_eq!(deployed.aws.requests("StopExecution").len(), 0);
}

#[test]
fn a_run_is_stopped_after_saying_what_is_kept_and_what_is_paid_for() {
    let deployed = live(None);
    let ran = quarry(&deployed, "stop strikes-2 --yes --reason too-long").good();
    assert_eq!(ran.stdout, "strikes-2 stopped\n");
    assert_eq!(
        ran.stderr.lines().collect::<Vec<_>>(),
        [
            "keeps     0 rows with a good answer, for a redrive",
            "stops     1 job with 50 records, of which the models have worked on 20: AWS charges for those, and their answers are \
             kept if Bedrock writes them",
        ]
    );
    let body = body(&deployed, "StopExecution");
    assert_eq!(body["error"], "Quarry.Stopped");
    assert_eq!(body["cause"], "stopped with quarry stop: too-long");

    // Once more changes nothing.
    let ran = quarry(&deployed, "stop strikes-2 --json").good();
    assert_eq!(ran.report()["state"], "stopped");
    assert_eq!(deployed.aws.requests("StopExecution").len(), 1);
}

/// It takes Bedrock minutes, in which nothing is left to do.
#[test]
fn jobs_that_bedrock_is_stopping_are_told_and_not_waited_for() {
    let mut uncounted = job("strikes-2", 0);
    for count in [
        "totalRecordCount",
        "processedRecordCount",
        "errorRecordCount",
    ] {
        uncounted[count] = Value::Null;
    }
    let deployed = Deployed::new(Script {
        runs: vec![execution("strikes-2", ExecutionStatus::Running)],
        jobs: vec![uncounted],
        stops_slowly: true,
        ..Script::default()
    });
    deployed.put_document(&folder("strikes-2").plan(), &plan("strikes-2"));
    let ran = quarry(&deployed, "stop strikes-2 --yes").good();
    assert_eq!(ran.stdout, "strikes-2 stopped\n");
    assert_eq!(
        ran.stderr.lines().collect::<Vec<_>>(),
        [
            "keeps     0 rows with a good answer, for a redrive",
            "stops     1 job with records that Bedrock has not counted yet: AWS charges for those, and their answers are \
             kept if Bedrock writes them",
            "Bedrock is stopping 1 job",
        ]
    );
}

/// They are for a redrive.
#[test]
fn the_jobs_of_a_run_that_failed_are_left_and_named() {
    let deployed = Deployed::new(Script {
        runs: vec![execution("strikes-2", ExecutionStatus::Failed)],
        jobs: vec![job("strikes-2", 0)],
        ..Script::default()
    });
    deployed.put_document(&folder("strikes-2").plan(), &plan("strikes-2"));
    let ran = quarry(&deployed, "stop strikes-2").good();
    assert_eq!(ran.stdout, "strikes-2 failed\n");
    let expected = "1 job has not ended; to stop now: aws bedrock stop-model-invocation-job --job-identifier arn:aws:";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    assert_eq!(deployed.aws.requests("StopExecution").len(), 0);
}

#[test]
fn nothing_is_stopped_or_redriven_where_nobody_can_be_asked() {
    let deployed = live(None);
    let ran = quarry(&deployed, "stop strikes-2");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("add --yes"), "{}", ran.stderr);
    assert_eq!(deployed.aws.requests("StopExecution").len(), 0);
    let mut failed = execution("strikes-1", ExecutionStatus::Failed);
    failed["redriveStatus"] = json!("REDRIVABLE");
    let deployed = ended(failed);
    assert_eq!(quarry(&deployed, "redrive strikes-1").code, 2);
    assert_eq!(deployed.aws.requests("RedriveExecution").len(), 0);
}

#[test]
fn a_failed_run_is_redriven_with_a_warning_if_its_input_was_at_fault() {
    let mut failed = execution("strikes-1", ExecutionStatus::Failed);
    failed["redriveStatus"] = json!("REDRIVABLE");
    failed["error"] = json!("Quarry.DataChanged");
    failed["cause"] = json!("a.csv changed");
    let deployed = ended(failed);
    let ran = quarry(&deployed, "redrive strikes-1 --yes --stack quarry").good();
    assert_eq!(ran.stdout, "redriven strikes-1\n");
    for expected in [
        "the same error comes again unless that was corrected: a.csv changed",
        "next: quarry watch strikes-1 --stack quarry",
    ] {
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    let body = body(&deployed, "RedriveExecution");
    assert_eq!(body["clientToken"].as_str().map(str::len), Some(64));
}

#[test]
fn a_run_that_cannot_be_redriven_is_refused_with_the_reason() {
    let mut old = execution("strikes-1", ExecutionStatus::Failed);
    old["redriveStatusReason"] = json!("Execution is older than 14 days");
    for (deployed, expected) in [
        (
            ended(succeeded("strikes-1")),
            "cannot be redriven: it succeeded",
        ),
        (
            ended(execution("strikes-1", ExecutionStatus::Running)),
            "cannot be redriven: it has not ended",
        ),
        (
            ended(old),
            "cannot be redriven: Execution is older than 14 days; `quarry submit` starts a new run",
        ),
    ] {
        let ran = quarry(&deployed, "redrive strikes-1 --yes");
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
        assert_eq!(deployed.aws.requests("RedriveExecution").len(), 0);
    }
}

#[test]
fn denied_calls_name_their_permission() {
    let mut failed = execution("strikes-1", ExecutionStatus::Failed);
    failed["redriveStatus"] = json!("REDRIVABLE");
    for (operation, run, command) in [
        (
            "StopExecution",
            execution("strikes-1", ExecutionStatus::Running),
            "stop",
        ),
        ("RedriveExecution", failed, "redrive"),
    ] {
        let deployed = Deployed::new(Script {
            runs: vec![run],
            refused: Some((operation, "AccessDeniedException")),
            ..Script::default()
        });
        let ran = quarry(&deployed, &format!("{command} strikes-1 --yes"));
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(
            ran.stderr
                .contains(&format!("states:{operation} is denied")),
            "{}",
            ran.stderr
        );
    }
}
