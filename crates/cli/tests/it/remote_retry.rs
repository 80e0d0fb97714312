//! `quarry retry-failed`, and the results of retries: merged into those of the run that they retry.
//!
//! The runs of the deployment are played on the local stack: their plans and their results are real.

use crate::command::{PROMPTS, Ran, SCHEMA};
use crate::deployed::{BUCKET, Deployed, Script, execution, folder, succeeded};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::Plan;
use quarry_parquet::{FileReading, ParquetFile, TableLayout};
use quarry_table::Cells;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

/// A deployment with these runs. One that is started has succeeded at the first look.
fn deployed(runs: Vec<Value>) -> Deployed {
    let deployed = Deployed::new(Script {
        runs,
        succeeds_after: Some(0),
        ..Script::default()
    });
    deployed.file("prompts.json", PROMPTS);
    deployed.file("schema.json", SCHEMA);
    deployed
}

fn quarry(deployed: &Deployed, arguments: &str) -> Ran {
    let output = deployed.command(arguments).stdin(Stdio::null()).output();
    Ran::of(&output.expect("the command runs"))
}

/// Returns the script of faults in which the service fails on these records.
fn refused(records: &[usize], run: &str) -> Value {
    let faults = records.iter().map(|number| {
        json!({"record": format!("record_{number}"), "kind": "error_line", "code": 500, "message": format!("not in {run}"), "times": 100})
    });
    json!({"records": faults.collect::<Vec<_>>()})
}

/// One round of jobs: without a job, records have no ids that faults could name.
const IN_JOBS: &str = "--set BEDROCK_BATCH_MODE=batch --set BEDROCK_MIN_RECORDS_PER_JOB=1 --set BEDROCK_MAX_RETRIES=0";

/// Plays a run over data of this machine: puts its plan and its results where a deployment has them.
fn play(deployed: &Deployed, run: &str, data: &str, refuses: &[usize], more: &str) {
    deployed.file("faults.json", refused(refuses, run).to_string());
    let out = format!("played/{run}");
    quarry(
        deployed,
        &format!(
            "run {data} --prompts prompts.json --schema schema.json --faults faults.json --keep --out {out} {IN_JOBS} {more}"
        ),
    )
    .good();
    let named = |file: &Path| {
        let text = fs::read_to_string(file).expect("a document");
        text.replace("local-run", run)
    };
    let results = S3Uri::new(BUCKET, format!("results/p/{run}/")).expect("a location");
    for file in files(&deployed.path(&out)) {
        let name = file.strip_prefix(deployed.path(&out)).expect("below");
        let name = name.to_str().expect("UTF-8").to_owned();
        if name.ends_with("/plan.json") {
            let plan: Plan = serde_json::from_str(&named(&file)).expect("a plan");
            deployed.put_document(&folder(run).plan(), &plan);
        } else if name.starts_with("processing_summary") {
            deployed.put(&results.join("processing_summary.json"), named(&file));
        } else if name.contains("processed_data") && !name.starts_with('.') {
            deployed.put(&results.join(&name), fs::read(&file).expect("a table"));
        }
    }
}

/// Returns all files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns what `DescribeExecution` says about a retry that has succeeded.
fn retry(run: &str, of: &str) -> Value {
    let mut described = succeeded(run);
    let mut input: Value =
        serde_json::from_str(described["input"].as_str().expect("text")).expect("JSON");
    let rows =
        format!("s3://{BUCKET}/inbox/command-line/{run}-0000002a/failed-in/{of}/failed-rows.csv");
    input["data"] = json!(rows);
    described["input"] = json!(input.to_string());
    described
}

fn read(file: &Path) -> String {
    let mut bytes = fs::read(file).expect("a file");
    if file.extension().is_some_and(|ending| ending == "gz") {
        let mut text = Vec::new();
        let mut packed = MultiGzDecoder::new(bytes.as_slice());
        packed.read_to_end(&mut text).expect("gzip");
        bytes = text;
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn packed(text: &str) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(text.as_bytes()).expect("memory");
    out.finish().expect("memory")
}

fn summary(folder: &Path) -> Value {
    serde_json::from_str(&read(&folder.join("processing_summary.json"))).expect("JSON")
}

/// Returns the object below the folder of a retry's files, by the end of its key.
fn uploaded(deployed: &Deployed, end: &str) -> String {
    let keys = deployed.keys();
    let mut found = keys
        .iter()
        .filter(|key| key.starts_with("inbox/") && key.ends_with(end));
    let key = found.next().unwrap_or_else(|| panic!("{end}: {keys:?}"));
    read(&deployed.path("s3").join(BUCKET).join(key))
}

/// A table of five rows, of which the second and the fourth failed. In the retry, the second of the two
/// failed again.
struct Retried {
    deployed: Deployed,
    /// What the name of the first run's table ends with.
    ending: &'static str,
    /// The rows that failed, as they were in the input.
    rows: String,
    /// The lines of a header.
    header: usize,
}

impl Retried {
    fn new(ending: &'static str, text: &str, header: usize, column: &str) -> Self {
        let deployed = deployed(vec![succeeded("first")]);
        let (plain, name) = (ending.trim_end_matches(".gz"), format!("strikes{ending}"));
        let is_packed = plain != ending;
        deployed.file(&name, if is_packed { packed(text) } else { text.into() });
        deployed.file("prompts.json", PROMPTS.replace("text", column));
        let temperature = "--set BEDROCK_TEMPERATURE=0.5";
        play(&deployed, "first", &name, &[1, 3], temperature);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let failed = [&lines[..header], &[lines[header + 1], lines[header + 3]]];
        let rows = failed.concat().concat();
        deployed.file(&format!("again{plain}"), &rows);
        play(&deployed, "again", &format!("again{plain}"), &[1], "");
        Self {
            deployed,
            ending,
            rows,
            header,
        }
    }

    fn table(&self) -> String {
        format!("validation_processed_data{}", self.ending)
    }

    fn table_of_the_retry(&self) -> String {
        self.table().trim_end_matches(".gz").to_owned()
    }

    fn check_what_is_asked(&self) {
        let plain = self.ending.trim_end_matches(".gz");
        let rows = format!("/failed-in/first/failed-rows{plain}");
        assert_eq!(uploaded(&self.deployed, &rows), self.rows);
        let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let requests = self.deployed.aws.requests("StartExecution");
        let started = json(&requests[0].body);
        let settings = &json(started["input"].as_str().expect("text"))["settings"];
        assert_eq!(settings["BEDROCK_TEMPERATURE"], "0.5");
        assert_eq!(settings["BEDROCK_MAX_TOKENS"], "2048");
        assert_eq!(settings["BEDROCK_NO_ANSWERS"], "allow");
        assert_eq!(settings.get("BEDROCK_BATCH_ROLE_ARN"), None);
        for document in ["prompts.json", "schema.json"] {
            let given = read(&self.deployed.path(document));
            assert_eq!(
                json(&uploaded(&self.deployed, document)).to_string(),
                json(&given).to_string()
            );
        }
    }

    fn check_table(&self) {
        let lines = |run: &str, table: &str| -> Vec<String> {
            let text = read(&self.deployed.path(run).join(table));
            text.split_inclusive('\n').map(str::to_owned).collect()
        };
        let mut expected = lines("played/first", &self.table());
        let again = lines("played/again", &self.table_of_the_retry());
        assert!(expected[self.header + 1].contains("not in "));
        assert!(!again[self.header].contains("not in "));
        expected[self.header + 1].clone_from(&again[self.header]);
        expected[self.header + 3].clone_from(&again[self.header + 1]);
        assert_eq!(lines("out", &self.table()), expected);
    }

    fn check_summary(&self) {
        let merged = summary(&self.deployed.path("out"));
        for (member, value) in [
            ("/merged_runs", json!(["first", "again"])),
            ("/run", json!("again")),
            ("/total_records", json!(5)),
            ("/failed_records", json!(1)),
            ("/successful_records", json!(4)),
            ("/validation_passed_records", json!(4)),
            ("/rows/in", json!(5)),
            ("/rows/out", json!(5)),
            ("/files_processed/0/failed", json!(1)),
            ("/answers/asked", json!(7)),
            ("/batch_job_info/total_jobs", json!(2)),
            ("/batch_job_info/jobs/1/round", json!(1)),
            ("/rounds/1/asked", json!(2)),
            ("/cost/by_round/1/round", json!(1)),
            ("/tables/0/result", json!(self.table())),
            ("/refusals/0/lines", json!(2)),
            ("/refusals/1/lines", json!(1)),
            ("/refusals/1/example_row", json!(3)),
        ] {
            assert_eq!(merged.pointer(member), Some(&value), "{member}");
        }
        let cost = |of: &Value| {
            let total = of["cost"]["total"].as_str().expect("a cost");
            total.parse::<f64>().expect("a number")
        };
        let [first, again] = ["first", "again"].map(|run| {
            let results = self.deployed.path("s3").join(BUCKET).join("results/p");
            cost(&summary(&results.join(run)))
        });
        assert!((cost(&merged) - first - again).abs() < 1e-9 && again > 0.0);
    }
}

#[test]
fn the_failed_rows_are_asked_again_and_their_outcomes_are_merged_into_the_first_table() {
    let csv = "id, \"text\" \r\n\"1\",one\r\n02, \"two\r\n3,\"three, \"\"3\"\"\"\r\n4,\"fo,ur\"\r\n5,\r\n";
    let tsv = "text\tn\none\t1\n two \t002\nthree\t\nfour\tNA\nfive\t5\n";
    let lines = "{\"text\" : \"one\"}\n{\"text\":\"tw\\u00f6\", \"n\": 1.50 }\n{\"text\":\"three\"}\n\
                 {\"text\":\"four\",\"o\":[1, 2]}\n{\"text\":\"five\"}\n";
    for retried in [
        Retried::new(".csv", csv, 1, " \\\"text\\\" "),
        Retried::new(".tsv.gz", tsv, 1, "text"),
        Retried::new(".jsonl", lines, 0, "text"),
    ] {
        let deployed = &retried.deployed;
        let command =
            "retry-failed first --name again --set BEDROCK_MAX_TOKENS=2048 --wait --out out";
        let ran = quarry(deployed, command).good();
        let said = "2 of 5 rows failed in first\n2 rows, 2 records, ";
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
        retried.check_what_is_asked();
        retried.check_table();
        retried.check_summary();
        assert!(deployed.path("out/processing_report.html").is_file());

        let ran = quarry(deployed, "results again --own --out own").good();
        assert!(ran.stdout.contains("wrote own/"), "{}", ran.stdout);
        let table = retried.table_of_the_retry();
        assert_eq!(
            read(&deployed.path("own").join(&table)),
            read(&deployed.path("played/again").join(&table))
        );
        quarry(deployed, "results again --out later").good();
        let [now, later] = ["out", "later"].map(|folder| summary(&deployed.path(folder)));
        assert_eq!(now, later);
        // A deployment puts the time into the name, by which a report finds the summary.
        let named = deployed.path("out/processing_summary_validation_20261129_070000.json");
        fs::rename(deployed.path("out/processing_summary.json"), named).expect("a name");
        let ran = quarry(deployed, "report out --json").good();
        assert_eq!(ran.report()["run"], "again");
    }
}

#[test]
fn a_retry_of_a_retry_is_merged_into_the_first_table() {
    let deployed = deployed(vec![retry("again", "first"), succeeded("first")]);
    deployed.file("a.csv", "text\none\ntwo\nthree\nfour\n");
    deployed.file("b.csv", "text\none\nthree\nfour\n");
    deployed.file("c.csv", "text\nfour\n");
    play(&deployed, "first", "a.csv", &[0, 2, 3], "");
    play(&deployed, "again", "b.csv", &[2], "");
    play(&deployed, "third", "c.csv", &[], "");
    quarry(
        &deployed,
        "retry-failed again --name third --wait --out out",
    )
    .good();
    assert_eq!(
        uploaded(&deployed, "/failed-in/again/failed-rows.csv"),
        "text\nfour\n"
    );
    let table = read(&deployed.path("out/validation_processed_data.csv"));
    let texts: Vec<&str> = table
        .lines()
        .map(|line| line.split(',').next().unwrap_or_default())
        .collect();
    assert_eq!(texts, ["text", "one", "two", "three", "four"]);
    assert!(!table.contains("not in "), "{table}");
    let merged = summary(&deployed.path("out"));
    assert_eq!(merged["merged_runs"], json!(["first", "again", "third"]));
    assert_eq!(
        (&merged["failed_records"], &merged["answers"]["asked"]),
        (&json!(0), &json!(8))
    );
}

#[test]
fn rows_that_all_fail_again_have_their_newer_outcome() {
    let deployed = deployed(vec![retry("again", "first"), succeeded("first")]);
    deployed.file("a.csv", "text\none\ntwo\n");
    deployed.file("b.csv", "text\ntwo\n");
    play(&deployed, "first", "a.csv", &[1], "");
    let allowed = "--set BEDROCK_NO_ANSWERS=allow";
    play(&deployed, "again", "b.csv", &[0], allowed);
    let ran = quarry(&deployed, "results again --out out").good();
    let said = "merged the results of first, again: 1 of 2 rows failed\n";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let table = read(&deployed.path("out/validation_processed_data.csv"));
    assert!(table.contains("two,") && table.contains("not in again"));
    assert!(!table.contains("not in first"), "{table}");
}

#[test]
fn only_the_splits_with_failed_rows_are_asked_again() {
    let deployed = deployed(vec![succeeded("first")]);
    deployed.file("data/train/a.csv", "text\none\ntwo\n");
    deployed.file("data/train/b.csv", "text\nthree\n");
    deployed.file("data/test/c.csv", "text\nfour\n");
    deployed.file("again/train/failed-rows.csv", "text\nthree\n");
    play(&deployed, "first", "data", &[], "--job-type training");
    // A record's number does not tell its split, so the table is changed here.
    let place = "results/p/first/train/train_processed_data.csv";
    let file = deployed.path("s3").join(BUCKET).join(place);
    let table = read(&file);
    let (kept, third) = table.trim_end().rsplit_once('\n').expect("rows");
    let commas = third.matches(',').count();
    let changed = format!(
        "{kept}\nthree,,,error,False,error,lost{}\n",
        ",".repeat(commas.min(2))
    );
    fs::write(&file, &changed).expect("a file");
    let at = S3Uri::new(BUCKET, "results/p/first/processing_summary.json").expect("a location");
    let mut first = summary(&deployed.path("s3").join(BUCKET).join("results/p/first"));
    first["failed_records"] = json!(1);
    deployed.put_document(&at, &first);
    play(&deployed, "again", "again", &[], "--job-type training");
    quarry(
        &deployed,
        "retry-failed first --name again --wait --out out",
    )
    .good();
    assert_eq!(
        uploaded(&deployed, "/failed-in/first/train/failed-rows.csv"),
        "text\nthree\n"
    );
    assert!(
        !deployed
            .keys()
            .iter()
            .any(|key| key.contains("first/test/failed-rows"))
    );
    let train = read(&deployed.path("out/train/train_processed_data.csv"));
    assert!(
        !train.contains("lost") && train.lines().count() == 4,
        "{train}"
    );
    assert_eq!(
        read(&deployed.path("out/test/test_processed_data.csv"))
            .lines()
            .count(),
        2
    );
    let merged = summary(&deployed.path("out"));
    assert_eq!(
        merged["tables"][0]["result"],
        "train/train_processed_data.csv"
    );
    let counts = [
        "/failed_records",
        "/splits_processed/0/successful_records",
        "/files_processed/1/successful",
    ];
    assert_eq!(
        counts.map(|member| merged.pointer(member)),
        [Some(&json!(0)), Some(&json!(3)), Some(&json!(1))]
    );
}

/// Returns the names of the columns that have a text, and the cells of each row.
fn parquet(file: &Path) -> (Vec<String>, Vec<Vec<Option<String>>>) {
    let bytes = bytes::Bytes::from(fs::read(file).expect("a file"));
    let table = ParquetFile::open("t", Arc::new(bytes)).expect("a table");
    let has_text = |column: &&String| {
        let reading = FileReading {
            cells: std::slice::from_ref(*column),
            ..FileReading::default()
        };
        table.read(0..0, &reading).is_ok()
    };
    let columns: Vec<String> = table.columns().iter().filter(has_text).cloned().collect();
    let reading = FileReading {
        cells: &columns,
        ..FileReading::default()
    };
    let mut reader = table.read(0..table.rows(), &reading).expect("text");
    let mut rows = Vec::new();
    while let Some(batch) = reader.next_batch().expect("rows") {
        for row in batch.rows() {
            let cells =
                (0..columns.len()).map(|index| Cells::cell(&row, index).text().map(str::to_owned));
            rows.push(cells.collect());
        }
    }
    (columns, rows)
}

#[test]
fn parquet_keeps_its_values_and_types() {
    let deployed = deployed(vec![succeeded("first")]);
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../parquet/tests/fixtures/duckdb.parquet"
    );
    fs::copy(fixture, deployed.path("a.parquet")).expect("a copy");
    let (input, before) = parquet(&deployed.path("a.parquet"));
    assert!(
        input.contains(&"text".to_owned()) && before.len() > 4,
        "{input:?}"
    );
    play(&deployed, "first", "a.parquet", &[1, 4], "");
    // The retry's own table, which the first call uploads.
    quarry(&deployed, "retry-failed first --name probe").good();
    let keys = deployed.keys();
    let rows = keys
        .iter()
        .find(|key| key.ends_with("failed-rows.parquet"))
        .expect("rows");
    fs::copy(
        deployed.path("s3").join(BUCKET).join(rows),
        deployed.path("again.parquet"),
    )
    .expect("a copy");
    assert_eq!(
        parquet(&deployed.path("again.parquet")),
        (input.clone(), vec![before[1].clone(), before[4].clone()])
    );
    let opened = |file: &str| {
        let bytes = bytes::Bytes::from(fs::read(deployed.path(file)).expect("a file"));
        ParquetFile::open(file, Arc::new(bytes)).expect("a table")
    };
    let mut layout = TableLayout::of(&opened("a.parquet")).expect("a layout");
    layout
        .add(&opened("again.parquet"))
        .expect("the same types");

    play(&deployed, "again", "again.parquet", &[1], "");
    quarry(
        &deployed,
        "retry-failed first --name again --wait --out out",
    )
    .good();
    let table = "validation_processed_data.parquet";
    let (columns, merged) = parquet(&deployed.path("out").join(table));
    let (first_columns, mut expected) = parquet(&deployed.path("played/first").join(table));
    let (_, again) = parquet(&deployed.path("played/again").join(table));
    (expected[1], expected[4]) = (again[0].clone(), again[1].clone());
    assert_eq!((columns, merged), (first_columns, expected));
    let mut layout = TableLayout::of(&opened(&format!("out/{table}"))).expect("a layout");
    layout
        .add(&opened(&format!("played/first/{table}")))
        .expect("the same types");
    assert_eq!(summary(&deployed.path("out"))["failed_records"], 1);

    play(&deployed, "again", "a.parquet", &[], "");
    let ran = quarry(&deployed, "results again --out other");
    assert_eq!(ran.code, 4, "{ran:?}");
    let said = "row 1 of the result of first failed, and the result of again has another row";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn a_run_without_failed_rows_or_without_a_result_is_not_retried() {
    let mut good = succeeded("first");
    let output = good["output"]
        .as_str()
        .expect("text")
        .replace("\"failed\":2", "\"failed\":0");
    good["output"] = json!(output);
    let mut failed = execution("first", ExecutionStatus::Failed);
    failed["error"] = json!("Quarry.Refused");
    for (run, code, expected) in [
        (good, 0, "no row failed in first, so nothing was started"),
        (
            failed,
            3,
            "it has no result whose rows could be asked again: quarry redrive first",
        ),
        (
            retry_that_runs(),
            6,
            "the run first has not ended: quarry watch first",
        ),
    ] {
        let deployed = Deployed::new(Script {
            runs: vec![run],
            ..Script::default()
        });
        let ran = quarry(&deployed, "retry-failed first --yes");
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
        assert_eq!(deployed.aws.requests("StartExecution").len(), 0);
    }
}

fn retry_that_runs() -> Value {
    execution("first", ExecutionStatus::Running)
}

/// Nothing is uploaded and paid for if the two results could not become one.
#[test]
fn a_retry_whose_result_could_not_be_merged_is_refused_before_it_is_started() {
    for (first, more, expected) in [
        (
            "",
            "--set BEDROCK_OUTPUT_COLUMN_PREFIX=x_",
            "other result columns (x_kind, x_score",
        ),
        (
            "",
            "--set BEDROCK_SKIP_ERROR_RECORDS=true",
            "would leave rows out of the retry",
        ),
        (
            "--set BEDROCK_SKIP_ERROR_RECORDS=true",
            "",
            "leaves out the rows that failed (1, by BEDROCK_SKIP_ERROR_RECORDS)",
        ),
        (
            "--set BEDROCK_REPLACE_COLUMNS=true",
            "",
            "replaced the input's column `llm_kind`",
        ),
    ] {
        let deployed = deployed(vec![succeeded("first")]);
        let column = if first.contains("REPLACE") {
            "llm_kind"
        } else {
            "n"
        };
        deployed.file("a.csv", format!("text,{column}\none,1\ntwo,2\n"));
        play(&deployed, "first", "a.csv", &[1], first);
        let ran = quarry(&deployed, &format!("retry-failed first --yes {more}"));
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
        assert_eq!(deployed.aws.requests("StartExecution").len(), 0);
        assert!(!deployed.keys().iter().any(|key| key.starts_with("inbox/")));
    }
}

/// The same run could have been repeated into the same folder meanwhile.
#[test]
fn a_result_that_does_not_belong_to_the_retry_is_refused_with_its_row() {
    let deployed = deployed(vec![retry("again", "first"), succeeded("first")]);
    deployed.file("a.csv", "text\none\ntwo\nthree\n");
    deployed.file("b.csv", "text\nthree\n");
    play(&deployed, "first", "a.csv", &[1], "");
    play(&deployed, "again", "b.csv", &[], "");
    let ran = quarry(&deployed, "results again --out out");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr.contains(
            "row 1 of the result of first failed, and the result of again has another row"
        ),
        "{}",
        ran.stderr
    );
    assert!(!deployed.path("out").exists());
    quarry(&deployed, "results again --own --out out").good();
}

/// Its executions are known for 90 days.
#[test]
fn a_retry_of_a_run_that_is_gone_names_that_run() {
    let deployed = deployed(vec![retry("again", "first")]);
    let ran = quarry(&deployed, "results again");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("no run `first` in the stack `quarry`"),
        "{}",
        ran.stderr
    );
}
