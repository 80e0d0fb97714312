//! `quarry submit` with data that is in S3 already.

use crate::command::{PROMPTS, Ran, SCHEMA};
use crate::deployed::{BUCKET, Deployed, Script};
use quarry_contract::location::S3Uri;
use serde_json::{Value, json};
use std::process::Stdio;

/// Rows that are more than the command reads whole.
const MANY: usize = 700_000;

fn at(key: &str) -> S3Uri {
    S3Uri::new(BUCKET, key).expect("a place")
}

fn deployed(script: Script) -> Deployed {
    let deployed = Deployed::new(script);
    deployed.file("prompts.json", PROMPTS);
    deployed.file("schema.json", SCHEMA);
    deployed.put(&at("inbox/strikes/in/a.csv"), "text\none\ntwo\nthree\n");
    deployed.put(&at("inbox/strikes/in/b.csv"), "text\nfour\n");
    deployed.put(&at("inbox/strikes/in/notes.txt"), "not a table");
    deployed
}

fn submit(deployed: &Deployed, data: &str, more: &str) -> Ran {
    let line = format!("submit {data} --prompts prompts.json --schema schema.json {more}");
    let output = deployed.command(&line).stdin(Stdio::null()).output();
    Ran::of(&output.expect("the command runs"))
}

/// Returns the request of the only run that was started.
fn request(deployed: &Deployed) -> Value {
    let requests = deployed.aws.requests("StartExecution");
    assert_eq!(requests.len(), 1);
    let body: Value = serde_json::from_str(&requests[0].body).expect("JSON");
    serde_json::from_str(body["input"].as_str().expect("text")).expect("a request")
}

/// Returns the keys of objects that the command has uploaded.
fn uploaded(deployed: &Deployed) -> Vec<String> {
    let keys = deployed.keys().into_iter();
    keys.filter(|key| key.starts_with("inbox/command-line/"))
        .collect()
}

#[test]
fn a_folder_in_s3_is_planned_and_named_in_the_request_and_not_uploaded_again() {
    let deployed = deployed(Script::default());
    let folder = format!("s3://{BUCKET}/inbox/strikes/in/");
    let ran = submit(&deployed, &folder, "--name strikes-8").good();
    let line = "4 rows, 4 records, ";
    assert!(ran.stderr.contains(line), "{}", ran.stderr);
    assert!(!ran.stderr.contains("about "), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("note: left out, not CSV, TSV, JSON Lines or Parquet: notes.txt"),
        "{}",
        ran.stderr
    );
    let request = request(&deployed);
    assert_eq!(request["data"], json!(folder));
    let prompts = request["prompts"].as_str().expect("a place");
    let uploads = prompts.strip_suffix("/prompts.json").expect("prompts");
    let uploads = uploads
        .strip_prefix(&format!("s3://{BUCKET}/"))
        .expect("in the bucket");
    let expected = ["prompts.json", "schema.json"].map(|name| format!("{uploads}/{name}"));
    assert_eq!(uploaded(&deployed), expected);
}

#[test]
fn an_object_in_s3_is_the_whole_data_and_its_run_is_named_after_it() {
    let deployed = deployed(Script::default());
    let object = format!("s3://{BUCKET}/inbox/strikes/in/a.csv");
    let ran = submit(&deployed, &object, "--json").good();
    assert_eq!(request(&deployed)["data"], json!(object));
    let report = ran.report();
    assert_eq!(
        (&report["rows"], &report["estimated"]),
        (&json!(3), &json!(false))
    );
    let run = report["run"].as_str().expect("a name");
    assert!(run.starts_with("a-2"), "{run}");
}

/// A folder of this machine may have the request alone, and name data in S3.
#[test]
fn the_data_of_a_local_request_may_be_in_s3() {
    let deployed = deployed(Script::default());
    let object = format!("s3://{BUCKET}/inbox/strikes/in/a.csv");
    let file = json!({"version": 1, "data": object, "prompts": "../prompts.json"});
    deployed.file("job/request.json", file.to_string());
    let output = deployed.command("submit job").stdin(Stdio::null()).output();
    Ran::of(&output.expect("the command runs")).good();
    assert_eq!(request(&deployed)["data"], json!(object));
}

#[test]
fn what_planning_refuses_of_data_in_s3_is_refused_with_the_places_of_the_user() {
    let deployed = deployed(Script::default());
    deployed.put(&at("inbox/strikes/other/a.csv"), "words\none\n");
    let ran = submit(
        &deployed,
        &format!("s3://{BUCKET}/inbox/strikes/other/"),
        "--yes",
    );
    assert_eq!(ran.code, 3, "{ran:?}");
    let expected = "a.csv: the prompt uses \"text\" which the table does not have";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    deployed.put(&at("inbox/strikes/none/notes.txt"), "not a table");
    let folder = format!("s3://{BUCKET}/inbox/strikes/none");
    let ran = submit(&deployed, &folder, "--yes");
    assert_eq!(ran.code, 3, "{ran:?}");
    let expected = format!("there is no table in {folder}/: put files named ");
    assert!(ran.stderr.contains(&expected), "{}", ran.stderr);
    assert!(!ran.stderr.contains("quarry-local"), "{}", ran.stderr);
    assert_eq!(deployed.aws.requests("StartExecution").len(), 0);
    assert_eq!(uploaded(&deployed), [""; 0]);
}

#[test]
fn a_place_that_runs_may_not_read_is_refused_with_the_remedy_unless_the_stack_lists_it() {
    let places = [
        "s3://tables/strikes/a.csv".to_owned(),
        format!("s3://{BUCKET}/results/p/a.csv"),
        format!("s3://{BUCKET}/"),
    ];
    let deployed = deployed(Script::default());
    for place in places {
        let ran = submit(&deployed, &place, "--yes");
        assert_eq!(ran.code, 3, "{ran:?}");
        for expected in [
            format!(
                "runs of the stack `quarry` may not read {place}: copy the data to a folder below "
            ),
            format!("s3://{BUCKET}/inbox/command-line/"),
            "ReadableArns".to_owned(),
        ] {
            assert!(ran.stderr.contains(&expected), "{expected}: {}", ran.stderr);
        }
    }
    let listed = "arn:aws:s3:::tables,arn:aws:s3:::tables/strikes/*";
    let deployed = self::deployed(Script {
        parameters: vec![("ReadableArns", listed)],
        ..Script::default()
    });
    let object: S3Uri = "s3://tables/strikes/a.csv".parse().expect("a place");
    deployed.put(&object, "text\none\n");
    submit(&deployed, "s3://tables/strikes", "").good();
    assert_eq!(request(&deployed)["data"], json!("s3://tables/strikes"));
}

#[test]
fn a_place_without_objects_is_named() {
    let deployed = deployed(Script::default());
    for (key, expected) in [
        (
            "inbox/strikes/c.csv",
            format!("there is no object s3://{BUCKET}/inbox/strikes/c.csv;"),
        ),
        (
            "inbox/strikes/c",
            format!("there is no object below s3://{BUCKET}/inbox/strikes/c/;"),
        ),
        (
            "inbox/strikes/in/notes.txt",
            format!(
                "s3://{BUCKET}/inbox/strikes/in/notes.txt is not a table: use an object named *.csv"
            ),
        ),
    ] {
        let ran = submit(&deployed, &format!("s3://{BUCKET}/{key}"), "--yes");
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains(&expected), "{expected}: {}", ran.stderr);
    }
}

#[test]
fn data_that_the_user_may_not_read_names_the_permission() {
    for (operation, data, action) in [
        ("ListObjectsV2", "inbox/strikes/in/", "s3:ListBucket"),
        ("HeadBucket", "inbox/strikes/in/a.csv", "s3:GetObject"),
    ] {
        let deployed = deployed(Script {
            refused: Some((operation, "AccessDenied")),
            ..Script::default()
        });
        let line = format!("submit s3://{BUCKET}/{data} --prompts prompts.json --yes");
        let mut command = deployed.command(&line);
        command.env("AWS_ENDPOINT_URL_S3", deployed.aws.endpoint());
        let ran = Ran::of(&command.output().expect("the command runs"));
        assert_eq!(ran.code, 4, "{ran:?}");
        let expected = format!("quarry: {action} is denied: ");
        assert!(ran.stderr.contains(&expected), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("attach the stack's CommandLinePolicy"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_version_and_documents_in_s3_are_refused_with_the_remedy() {
    let deployed = deployed(Script::default());
    let object = format!("s3://{BUCKET}/inbox/strikes/in/a.csv");
    for (line, expected) in [
        (
            format!("submit {object}?versionId=x --prompts prompts.json"),
            "a run reads the version that is current when it is started",
        ),
        (
            format!("submit {object} --prompts s3://{BUCKET}/prompts.json"),
            "is in S3; the prompts and the schema are files of this machine",
        ),
        (
            format!("submit {object}"),
            "is in S3; give the prompts, a file of this machine",
        ),
        (
            format!("estimate {object} --prompts prompts.json"),
            "`quarry submit` takes a place in S3",
        ),
        (
            format!("run {object} --prompts prompts.json"),
            "is in S3, and this command reads files of this machine",
        ),
        (
            format!("init {object}"),
            "is in S3, and this command reads files of this machine",
        ),
        (
            "submit arn:aws:s3:::acme/in/a.csv --prompts prompts.json".to_owned(),
            "write it as s3://acme/in/a.csv",
        ),
        (
            "submit https://acme.s3.eu-west-1.amazonaws.com/in/ --prompts prompts.json".to_owned(),
            "write it as s3://acme/in/",
        ),
        (
            format!("submit {object} --prompts S3://acme/prompts.json"),
            "write it as s3://acme/prompts.json",
        ),
    ] {
        let output = deployed.command(&line).stdin(Stdio::null()).output();
        let ran = Ran::of(&output.expect("the command runs"));
        assert_eq!(ran.code, 2, "{line}: {ran:?}");
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
    }
}

/// Of large data some megabytes are read. The numbers say that they are estimates, and are near those of
/// all rows.
#[test]
fn large_data_is_estimated_from_its_beginning() {
    let deployed = deployed(Script::default());
    let text = "x".repeat(100);
    let rows = (0..MANY).map(|row| format!("{row:07} {text}\n"));
    let rows = rows.collect::<Vec<String>>().concat();
    deployed.put(&at("inbox/strikes/large/a.csv"), format!("text\n{rows}"));
    let object = format!("s3://{BUCKET}/inbox/strikes/large/a.csv");
    let ran = submit(&deployed, &object, "");
    assert_eq!(ran.code, 2, "{ran:?}");
    for expected in [
        "note: the rows, the jobs and the cost are estimated from the beginnings of 1 of 1 file, ",
        "about 700,000 rows, 700,000 records, ",
        " to eu.anthropic.",
        " 16 jobs, ",
        "There is no terminal to ask on; add --yes",
    ] {
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
    }
    let ran = submit(&deployed, &object, "--yes --set BEDROCK_MAX_COST=1");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("more than BEDROCK_MAX_COST, 1.00 USD"),
        "{}",
        ran.stderr
    );
    let ran = submit(&deployed, &object, "--yes --set BEDROCK_MAX_ROWS=500000");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr
            .contains("more than the 500,000 that BEDROCK_MAX_ROWS allows"),
        "{}",
        ran.stderr
    );
    let ran = submit(&deployed, &object, "--sample 50 --json").good();
    let report = ran.report();
    assert_eq!(
        (&report["rows"], &report["calls"]),
        (&json!(50), &json!(50))
    );
    let request = request(&deployed);
    assert_eq!(request["sample"], json!({"rows": 50}));
    assert!(request.get("settings").is_none(), "{request}");
}
