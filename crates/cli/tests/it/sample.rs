//! `--sample`: a few rows, for a whole small result and what all rows would take.

use crate::command::{Ran, Workplace};
use crate::deployed::Script;
use crate::remote_submit::deployed;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::Stdio;

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    let mut table = "text,n\n".to_owned();
    for n in 0..200 {
        let _ = writeln!(table, "letter {n},{n}");
    }
    workplace.file("table.csv", &table);
    workplace
}

const JOB: &str = "table.csv --prompts prompts.json --schema schema.json";

/// Returns the values of the column `n`.
fn numbers(workplace: &Workplace) -> Vec<u32> {
    let file = workplace.path("quarry-out/validation_sample_processed_data.csv");
    let text = std::fs::read_to_string(file).expect("a result");
    let rows = text.lines().skip(1);
    rows.map(|row| {
        row.split(',')
            .nth(1)
            .expect("two columns")
            .parse()
            .expect("a number")
    })
    .collect()
}

#[test]
fn a_run_over_a_sample_ends_with_its_rows_and_what_all_rows_would_take() {
    let workplace = workplace();
    let ran = workplace.quarry(&format!("run {JOB} --sample 20")).good();
    assert_eq!(numbers(&workplace), (0..20).collect::<Vec<u32>>());
    for expected in [
        "rows in            20\n",
        "jobs               0\n",
        "sample             20 of 200 rows, the first ones\n",
        "all rows would be  200 records, ",
        " USD in jobs, ",
        "note: the data set: the sample is the first 20 of 200 rows; it is asked on demand, ",
    ] {
        assert!(ran.stdout.contains(expected), "{expected}: {}", ran.stdout);
    }
    let seeded = format!("run {JOB} --sample 20 --sample-seed 7 --json");
    let report = workplace.quarry(&seeded).good().report();
    let random = numbers(&workplace);
    assert!(
        random.windows(2).all(|pair| pair[0] < pair[1]),
        "{random:?}"
    );
    assert_ne!(random, (0..20).collect::<Vec<u32>>());
    let sample = &report["summary"]["sample"];
    assert_eq!(
        (&sample["rows"], &sample["of"], &sample["seed"]),
        (&json!(20), &json!(200), &json!(7))
    );
    workplace.quarry(&seeded).good();
    assert_eq!(numbers(&workplace), random, "the same seed, the same rows");
}

#[test]
fn a_request_may_ask_for_a_sample_and_the_option_takes_precedence() {
    let workplace = workplace();
    workplace.file(
        "request.json",
        r#"{"data": "table.csv", "schema": "schema.json", "sample": {"rows": 3}}"#,
    );
    workplace.quarry("run .").good();
    assert_eq!(numbers(&workplace), [0, 1, 2]);
    workplace.quarry("run . --sample 2").good();
    assert_eq!(numbers(&workplace), [0, 1]);
    // What it would cost is that of the sample.
    let estimate = workplace.quarry("estimate . --json").good().report();
    assert_eq!(estimate["records"], 3);
}

#[test]
fn an_option_changes_its_part_of_the_sample_of_the_request_and_keeps_the_other() {
    let workplace = workplace();
    workplace.file(
        "request.json",
        r#"{"data": "table.csv", "schema": "schema.json", "sample": {"rows": 4, "seed": 1}}"#,
    );
    let sample = |options: &str| {
        let report = workplace.quarry(&format!("run . --json {options}"));
        let sample = report.good().report()["summary"]["sample"].clone();
        (sample["rows"].clone(), sample["seed"].clone())
    };
    assert_eq!(sample("--sample 6"), (json!(6), json!(1)));
    assert_eq!(sample("--sample-seed 3"), (json!(4), json!(3)));
    assert_eq!(sample("--sample 5 --sample-seed 2"), (json!(5), json!(2)));
}

#[test]
fn a_sample_of_no_rows_or_a_seed_without_a_sample_is_wrong_usage() {
    let workplace = workplace();
    for (options, expected) in [
        ("--sample 0", "0 is not in 1..=10000"),
        ("--sample 10001", "10001 is not in 1..=10000"),
        ("--sample -1", "-1 is not in 1..=10000"),
        ("--sample-seed 7", "--sample <ROWS>"),
        ("--sample 5 --sample-seed 4294967296", "4294967296"),
    ] {
        let ran = workplace.quarry(&format!("run {JOB} {options}"));
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
    }
    workplace.file(
        "request.json",
        r#"{"data": "table.csv", "sample": {"rows": 20000}}"#,
    );
    let ran = workplace.quarry("run .");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr
            .contains("a sample of 20000 rows is not possible"),
        "{}",
        ran.stderr
    );
}

#[test]
fn submit_starts_a_run_over_a_sample_and_estimates_the_sample_only() {
    let deployed = deployed(Script::default());
    let command = "submit strikes --prompts prompts.json --schema schema.json --name s --sample 2 --sample-seed 7";
    let output = deployed.command(command).stdin(Stdio::null()).output();
    let ran = Ran::of(&output.expect("the command runs")).good();
    let requests = deployed.aws.requests("StartExecution");
    let body: Value = serde_json::from_str(&requests[0].body).expect("JSON");
    let request: Value = serde_json::from_str(body["input"].as_str().expect("text")).expect("JSON");
    assert_eq!(request["sample"], json!({"rows": 2, "seed": 7}));
    for expected in [
        "note: the data set: the sample is 2 random rows of 4, with the seed 7; ",
        "2 rows, 2 records, ",
        "2 calls on demand, to ",
        "next: quarry watch s",
        "; it ends with what all rows would cost\n",
    ] {
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
    }
}
