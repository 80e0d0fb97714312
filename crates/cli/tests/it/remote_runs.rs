//! `quarry runs`, `status` and `results`: the runs of a deployment.

use crate::deployed::{
    BUCKET, Deployed, MODEL, Script, execution, folder, job, job_name, plan, succeeded,
};
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::{Asked, Plan};
use quarry_result::ledger::Counts;
use quarry_result::receipt::Round;
use serde_json::{Value, json};
use std::fs;

/// A deployment with a live run: its first slice is done, and its second is in a job.
fn with_a_live_run() -> Deployed {
    let run = "strikes-2";
    let deployed = Deployed::new(Script {
        runs: vec![
            execution(run, ExecutionStatus::Running),
            succeeded("strikes-1"),
            execution("letters-1", ExecutionStatus::Aborted),
        ],
        jobs: vec![
            job(run, 1),
            json!({"jobArn": "arn:x", "jobName": "of-somebody-else", "status": "InProgress"}),
        ],
        ..Script::default()
    });
    let folder = folder(run);
    let rates = json!({"primary": {
        "model": MODEL, "on_demand": {"input": "1", "output": "10"}, "source": "", "checked": "",
    }});
    let planned = Plan {
        rates: serde_json::from_value(rates).expect("prices"),
        ..plan(run)
    };
    deployed.put_document(&folder.plan(), &planned);
    let (first, second) = (folder.slice(0), folder.slice(1));
    let round = first.round(0);
    deployed.put(&first.spec(), "{}");
    deployed.put(&first.receipt(), "{}");
    deployed.put_document(&round.counts(), &counted());
    let round = second.round(0);
    deployed.put_document(&round.asked(), &asked());
    deployed.put(&round.job(), "{}");
    deployed
}

fn counted() -> Round {
    Round {
        job: None,
        on_demand: 0,
        counts: Counts {
            asked: 50,
            good: 48,
            input_tokens: 8_500,
            output_tokens: 1_200,
            ..Counts::default()
        },
        differences: Vec::new(),
        answers_counted: 0,
    }
}

fn asked() -> Asked {
    Asked {
        version: quarry_contract::VERSION,
        records: 50,
        ..Asked::default()
    }
}

#[test]
fn runs_are_listed_with_their_states_and_rows_from_all_pages() {
    let deployed = with_a_live_run();
    let ran = deployed.quarry("runs").good();
    let lines: Vec<Vec<&str>> = ran
        .stdout
        .lines()
        .map(|line| {
            line.split("   ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(lines[0][..5], ["NAME", "STATE", "ROWS", "FAILED", "COST"]);
    // 8,500 tokens read and 1,200 written on demand.
    assert_eq!(
        lines[1][..5],
        ["strikes-2", "running", "100", "-", "0.021 USD"]
    );
    assert_eq!(lines[2][..5], ["strikes-1", "succeeded", "100", "2", "n/a"]);
    assert_eq!(lines[3][..5], ["letters-1", "stopped", "-", "-", "n/a"]);
    assert!(
        lines[2][5].starts_with("2026-11-28 15:58:01 UTC, 1 h 0 min"),
        "{lines:?}"
    );

    let report = deployed
        .quarry("runs --state succeeded --limit 1 --json")
        .good()
        .report();
    assert_eq!(report["stack"], "quarry");
    let runs = report["runs"].as_array().expect("a list");
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["run"], "strikes-1");
    assert_eq!(
        (&runs[0]["rows"], &runs[0]["failed"]),
        (&json!(100), &json!(2))
    );
}

#[test]
fn the_status_of_a_run_says_how_far_its_slices_and_jobs_are() {
    let deployed = with_a_live_run();
    let text = deployed.quarry("status strikes-2").good().stdout;
    for expected in [
        "strikes-2   running since 2026-11-28 15:58:01 UTC",
        "   68 %\n",
        &format!("model     {MODEL}\n"),
        "rows      100: 48 with a good answer, 20 more worked on in jobs\n",
        "slices    2: 1 done, 1 in jobs\n",
        &format!(
            "jobs      {}   InProgress   20 of 50 records, 1 error   ends by 2026-11-29 15:59:00 UTC\n",
            job_name("strikes-2", 1)
        ),
        "waits     for 1 job\n",
        "tokens    8,500 in, 1,200 out",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let status = deployed.quarry("status - --json").good().report();
    assert_eq!(status["run"], "strikes-2");
    assert_eq!(status["state"], "running");
    assert_eq!(
        status["rows"],
        json!({"total": 100, "in_progress": 20, "answered": 48, "failed": null})
    );
    assert_eq!(status["jobs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_exit_code_of_status_can_say_how_a_run_ended() {
    let deployed = with_a_live_run();
    for (run, code) in [("strikes-2", 6), ("strikes-1", 0), ("letters-1", 4)] {
        assert_eq!(deployed.quarry(&format!("status {run}")).code, 0);
        let ran = deployed.quarry(&format!("status {run} --exit-code --json"));
        assert_eq!(ran.code, code, "{ran:?}");
        assert_eq!(ran.json_lines().len(), 1, "{ran:?}");
    }
}

/// The run's own error names only the Map.
#[test]
fn a_failed_run_says_why_its_slice_failed() {
    let mut failed = execution("strikes-9", ExecutionStatus::Failed);
    failed["error"] = json!("States.ExceedToleratedFailureThreshold");
    failed["cause"] = json!("The specified tolerated failure threshold was exceeded");
    let deployed = Deployed::new(Script {
        runs: vec![failed],
        slice_failure: Some((
            "Quarry.Refused",
            r#"{"errorType": "Quarry.Refused", "errorMessage": "refused: no access to the model"}"#,
        )),
        ..Script::default()
    });
    let status = deployed.quarry("status strikes-9 --json").good().report();
    assert_eq!(
        status["failure"],
        json!({"error": "Quarry.Refused", "message": "refused: no access to the model"})
    );
    let ran = deployed.quarry("results strikes-9");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr
            .contains("no access to the model; it has no results"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_run_is_named_by_the_beginning_of_its_name_or_by_a_dash() {
    let deployed = with_a_live_run();
    let run = |text: &str| deployed.quarry(&format!("status {text} --json"));
    assert_eq!(run("lett").good().report()["run"], "letters-1");
    let ran = run("strikes");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr
            .contains("several runs begin with `strikes`: strikes-2, strikes-1"),
        "{ran:?}"
    );
    let ran = run("strike-1");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("no run `strike-1` in the stack `quarry`; did you mean `strikes-1`?; `quarry runs` lists the runs"),
        "{ran:?}"
    );
    assert_eq!(ran.report()["error"]["exit_code"], 3);
}

#[test]
fn the_results_of_a_run_are_copied_and_nothing_else() {
    let deployed = with_a_live_run();
    deployed.put_document(&folder("strikes-1").plan(), &plan("strikes-1"));
    let results = S3Uri::new(BUCKET, "results/p/strikes-1/").expect("a location");
    let table = "text,answer\n".repeat(200_000);
    deployed.put(&results.join("validation_processed_data.csv"), &table);
    deployed.put(&results.join("processing_summary.json"), "{\"rows\": 100}");
    deployed.put(&results.join("processing_report.html"), "<!doctype html>");
    deployed.put(&results.join("somebody-elses.csv"), "x");
    let ran = deployed.quarry("results strikes-1 --out out/a").good();
    assert_eq!(
        ran.stdout,
        "wrote out/a/validation_processed_data.csv\nwrote out/a/processing_summary.json\n\
         wrote out/a/processing_report.html\n"
    );
    assert_eq!(
        fs::read_to_string(deployed.path("out/a/validation_processed_data.csv")).expect("a table"),
        table
    );
    let mut names: Vec<_> = fs::read_dir(deployed.path("out/a"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "processing_report.html",
            "processing_summary.json",
            "validation_processed_data.csv"
        ]
    );

    let report = deployed.quarry("results strikes-1 --json").good().report();
    assert_eq!(
        report["files"][0],
        "strikes-1/validation_processed_data.csv"
    );
    assert!(deployed.path("strikes-1/processing_summary.json").is_file());
}

#[test]
fn results_that_are_not_there_yet_or_no_more_are_an_error_with_a_remedy() {
    let deployed = with_a_live_run();
    let ran = deployed.quarry("results strikes-2 --json");
    assert_eq!(ran.code, 6, "{ran:?}");
    assert_eq!(ran.report()["error"]["kind"], Value::from("not_yet"));
    // Its folder has expired, so the names of its tables are not known.
    let ran = deployed.quarry("results strikes-1");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr.contains("s3://quarry-data/results/p/strikes-1/"),
        "{ran:?}"
    );
    let ran = deployed.quarry("results strikes-1 --out -");
    assert_eq!(ran.code, 2, "{ran:?}");
}
