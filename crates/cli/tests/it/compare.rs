//! `quarry compare`.

use crate::command::{Ran, Workplace};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

const HEADER: &str = "text,llm_kind,llm_score,llm_parse_status,llm_validation_passed,llm_status,llm_error,\
    llm_raw_response,llm_validation_error\n";

/// Returns a result of these rows: a letter's text and its kind; without a kind, there is no answer.
fn result(rows: &[(&str, &str)]) -> String {
    let mut table = HEADER.to_owned();
    for (text, kind) in rows {
        let _ = match *kind {
            "" => writeln!(table, "{text},,,error,False,error,400: refused,,"),
            kind => writeln!(table, "{text},{kind},0.5,success,True,success,,,"),
        };
    }
    table
}

/// Returns the same result as JSON Lines.
fn json_lines(rows: &[(&str, &str)]) -> String {
    let mut table = String::new();
    for (text, kind) in rows {
        let _ = match *kind {
            "" => writeln!(
                table,
                r#"{{"text":"{text}","llm_kind":null,"llm_score":null,"llm_parse_status":"error","llm_validation_passed":false,"llm_status":"error","llm_error":"400: refused","llm_raw_response":null,"llm_validation_error":null}}"#
            ),
            kind => writeln!(
                table,
                r#"{{"text":"{text}","llm_kind":"{kind}","llm_score":0.5,"llm_parse_status":"success","llm_validation_passed":true,"llm_status":"success","llm_error":null,"llm_raw_response":null,"llm_validation_error":null}}"#
            ),
        };
    }
    table
}

const A: &[(&str, &str)] = &[
    ("one", "bill"),
    ("two", "bill"),
    ("three", "praise"),
    ("four", "praise"),
    ("five", ""),
];
const B: &[(&str, &str)] = &[
    ("one", "bill"),
    ("two", "praise"),
    ("three", "praise"),
    ("four", "praise"),
    ("five", "bill"),
];

#[track_caller]
fn assert_compared(ran: &Ran) {
    let report = &ran.report()["comparison"];
    assert_eq!(report["rows"]["total"], 5, "{report}");
    assert_eq!(report["rows"]["compared"], 4, "{report}");
    assert_eq!(report["rows"]["agree"], 3, "{report}");
    assert_eq!(report["properties"][0]["agree"], 3, "{report}");
    assert_eq!(report["properties"][1]["agree"], 4, "{report}");
    assert_eq!(report["differing"][0]["row"], 2, "{report}");
    assert_eq!(
        report["failed"][0]["errors"]["a"], "400: refused",
        "{report}"
    );
    assert_eq!(
        report["properties"][0]["confusion"]["values"],
        serde_json::json!(["bill", "praise"])
    );
}

#[test]
fn two_runs_of_a_table_are_compared_in_the_terminal_for_programs_and_as_a_page() {
    let workplace = Workplace::new();
    let letters = (0..40).fold("text\n".to_owned(), |text, number| {
        format!("{text}letter {number}\n")
    });
    workplace.file("data.csv", letters);
    workplace.run("data.csv", "").good();
    std::fs::rename(workplace.path("out"), workplace.path("first")).expect("a move");
    workplace
        .run(
            "data.csv",
            "--set BEDROCK_PRIMARY_MODEL_ID=us.amazon.nova-2-lite-v1:0",
        )
        .good();
    let ran = workplace
        .quarry("compare first out --out comparison.html")
        .good();
    assert!(
        ran.stdout.contains("us.amazon.nova-2-lite-v1:0"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("tokens in"), "{}", ran.stdout);
    assert!(
        ran.stdout.ends_with("wrote comparison.html\n"),
        "{}",
        ran.stdout
    );
    let page = String::from_utf8(workplace.read("comparison.html")).expect("UTF-8");
    assert!(page.contains("us.amazon.nova-2-lite-v1:0"), "{page}");
    let chosen = workplace
        .quarry("compare first out --properties score --json")
        .good()
        .report();
    let properties = chosen["comparison"]["properties"].as_array();
    assert_eq!(properties.map(Vec::len), Some(1), "{chosen}");
    let report = workplace
        .quarry("compare first first --json")
        .good()
        .report();
    assert_eq!(report["comparison"]["rows"]["agree"], 40, "{report}");
    assert_eq!(report["comparison"]["rows"]["compared"], 40, "{report}");
    assert!(
        report["results"]["a"]["tokens"]["input"].is_u64(),
        "{report}"
    );
    assert_eq!(report["page"], serde_json::Value::Null);
}

#[test]
fn results_are_found_by_folder_summary_or_table() {
    let workplace = Workplace::new();
    workplace.file("a/validation_processed_data.csv", result(A));
    workplace.file("b/testing_processed_data.csv", result(B));
    let summary = r#"{"run": "b-1", "effective_model_id": "m", "tables": [{"split": null,
        "result": "s3://bucket/out/testing_processed_data.csv"}]}"#;
    workplace.file("b/processing_summary_testing_20260101_000000.json", summary);
    for (a, b) in [
        ("a", "b"),
        (
            "a/validation_processed_data.csv",
            "b/testing_processed_data.csv",
        ),
        ("a", "b/processing_summary_testing_20260101_000000.json"),
    ] {
        let ran = workplace.quarry(&format!("compare {a} {b} --json")).good();
        assert_compared(&ran);
        assert_eq!(ran.report()["results"]["b"]["run"], "b-1", "{a} {b}");
    }
}

#[test]
fn training_splits_are_compared_with_each_other_and_rows_are_named_with_their_split() {
    let workplace = Workplace::new();
    for (folder, rows) in [("a", A), ("b", B)] {
        workplace.file(
            &format!("{folder}/train/train_processed_data.csv"),
            result(&A[..1]),
        );
        workplace.file(
            &format!("{folder}/val/val_processed_data.csv"),
            result(rows),
        );
    }
    let ran = workplace.quarry("compare a b --json").good();
    let report = &ran.report()["comparison"];
    assert_eq!(report["rows"]["total"], 6, "{report}");
    assert_eq!(
        report["differing"][0]["table"], "val/val_processed_data.csv",
        "{report}"
    );
    assert_eq!(report["differing"][0]["row"], 2, "{report}");
    std::fs::remove_dir_all(workplace.path("b/train")).expect("a folder");
    let ran = workplace.quarry("compare a b");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains(
            "a has train/train_processed_data.csv, val/val_processed_data.csv, and b has val/"
        ),
        "{}",
        ran.stderr
    );
}

/// An older run into the same folder left its summary.
#[test]
fn the_newest_summary_of_a_folder_counts() {
    let workplace = Workplace::new();
    workplace.file("a/validation_processed_data.csv", result(A));
    workplace.file("a/testing_processed_data.csv", result(&A[..2]));
    for (run, job_type, time) in [
        ("new", "validation", "20260102_000000"),
        ("old", "testing", "20260101_235959"),
    ] {
        let summary = serde_json::json!({"run": run, "tables": [{"split": null,
            "result": format!("s3://bucket/{job_type}_processed_data.csv")}]});
        workplace.file(
            &format!("a/processing_summary_{job_type}_{time}.json"),
            summary.to_string(),
        );
    }
    let report = workplace.quarry("compare a a --json").good().report();
    assert_eq!(report["results"]["a"]["run"], "new", "{report}");
    assert_eq!(report["comparison"]["rows"]["total"], 5, "{report}");
}

/// A summary can come from anywhere, so its names lead to no other folder.
#[test]
fn a_summary_names_no_table_outside_of_its_folder() {
    let workplace = Workplace::new();
    workplace.file("elsewhere/validation_processed_data.csv", result(A));
    let summary = serde_json::json!({"run": "r", "tables": [{"split": "../elsewhere",
        "result": "s3://bucket/validation_processed_data.csv"}]});
    workplace.file(
        "a/processing_summary_validation_20260101_000000.json",
        summary.to_string(),
    );
    let ran = workplace.quarry("compare a a");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr
            .contains("a/validation_processed_data.csv does not exist"),
        "{}",
        ran.stderr
    );
}

#[test]
fn cells_are_read_in_the_quoting_of_the_run() {
    let workplace = Workplace::new();
    let quoted = [("one \\\" two", "bill")];
    workplace.file(
        "a.csv",
        result(&quoted)
            .replace("one", "\"one")
            .replace("two", "two, three\""),
    );
    let ran = workplace
        .quarry("compare a.csv a.csv --csv-quoting backslash --json")
        .good();
    assert_eq!(ran.report()["comparison"]["rows"]["agree"], 1);
    let ran = workplace.quarry("compare a.csv a.csv --csv-quoting odd");
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn results_of_different_formats_are_compared_by_their_values() {
    let workplace = Workplace::new();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(result(A).as_bytes()).expect("memory");
    workplace.file("a.csv.gz", gzip.finish().expect("memory"));
    workplace.file("b.jsonl", json_lines(B));
    workplace.file("b.tsv", result(B).replace(',', "\t"));
    for b in ["b.jsonl", "b.tsv"] {
        assert_compared(
            &workplace
                .quarry(&format!("compare a.csv.gz {b} --json"))
                .good(),
        );
    }
}

#[test]
fn results_in_parquet_are_compared() {
    let workplace = Workplace::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../parquet/tests/fixtures/pandas_typed.parquet");
    std::fs::copy(data, workplace.path("data.parquet")).expect("a copy");
    workplace.file(
        "everything.json",
        r#"{"user_prompt_template": "{input_data}"}"#,
    );
    workplace
        .quarry("run data.parquet --prompts everything.json --schema schema.json --out out")
        .good();
    let report = workplace.quarry("compare out out --json").good().report();
    let rows = &report["comparison"]["rows"];
    assert!(
        rows["total"].as_u64().is_some_and(|rows| rows > 0),
        "{report}"
    );
    assert_eq!(rows["agree"], rows["compared"], "{report}");
}

#[test]
fn results_of_other_tables_are_refused_with_the_place() {
    let workplace = Workplace::new();
    workplace.file("a.csv", result(A));
    workplace.file("short.csv", result(&A[..3]));
    let mut other = B.to_vec();
    other[3].0 = "vier";
    workplace.file("other.csv", result(&other));
    workplace.file("columns.csv", result(A).replacen("text,", "letter,", 1));
    workplace.file("table.csv", "a,b\n1,2\n");
    workplace.file("broken.csv", format!("{}\"", result(A)));
    workplace.file("no-row.jsonl", "");
    workplace.file("empty/notes.txt", "");
    workplace.file("several/a_processed_data.csv", result(A));
    workplace.file("several/b_processed_data.csv", result(A));
    for (arguments, code, part) in [
        ("a.csv short.csv", 3, "a.csv ends after row 3 in b"),
        (
            "a.csv other.csv",
            3,
            "row 4 of a.csv is another one in each result: `text` is `four` in a and `vier` in b",
        ),
        (
            "a.csv columns.csv",
            3,
            "the input column `text` is only in a",
        ),
        (
            "a.csv table.csv",
            3,
            "table.csv: the columns of a result are missing",
        ),
        ("a.csv broken.csv", 3, "broken.csv"),
        ("a.csv no-row.jsonl", 3, "a.csv has no row in b"),
        ("no-row.jsonl no-row.jsonl", 3, "has no row to compare"),
        (
            "a.csv nowhere",
            3,
            "nowhere does not exist; give the folder of a result",
        ),
        (
            "a.csv empty",
            3,
            "empty has neither a summary nor a result table",
        ),
        ("several several", 3, "name one of the tables"),
        ("a.csv -", 2, "- cannot be the result"),
        ("a.csv a.csv --out a.csv", 2, "ends with .html"),
        (
            "a.csv a.csv --out missing/a.html",
            3,
            "missing/a.html cannot be written",
        ),
        ("a.csv a.csv --fail-below 2", 2, "from 0 to 1"),
        ("a.csv a.csv --properties kind,x", 3, "`llm_x`"),
    ] {
        let ran = workplace.quarry(&format!("compare {arguments}"));
        assert_eq!(ran.code, code, "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{arguments}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments}");
    }
}

#[test]
fn a_comparison_can_be_a_check() {
    let workplace = Workplace::new();
    workplace.file("a.csv", result(A));
    workplace.file("b.csv", result(B));
    workplace
        .quarry("compare a.csv b.csv --fail-below 0.75")
        .good();
    let ran = workplace.quarry("compare a.csv b.csv --fail-below 0.8 --json");
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.contains("75.0 %"), "{}", ran.stderr);
    assert_compared(&ran);
}

/// Renamed properties and answers that break the schema are no agreement, whatever share is asked for.
#[test]
fn a_check_does_not_pass_where_nothing_is_compared_or_all_answers_are_invalid() {
    let workplace = Workplace::new();
    let invalid = result(A).replace("success,True", "validation_failed,False");
    workplace.file("a.csv", result(&A[..4]));
    workplace.file(
        "renamed.csv",
        result(&A[..4]).replace("llm_kind,llm_score", "llm_label,llm_confidence"),
    );
    workplace.file("invalid.csv", invalid.replace(",praise,", ",perhaps,"));
    workplace.file("failed.csv", result(&[("one", ""), ("two", "")]));
    for (arguments, agree, words) in [
        (
            "a.csv renamed.csv",
            serde_json::Value::Null,
            "the results have no property in common, so no row has the same answers, fewer than --fail-below 0.01",
        ),
        (
            "invalid.csv invalid.csv",
            0.into(),
            "0.0 % of the compared rows have the same answers (4 rows with an invalid answer in both results), fewer than",
        ),
        (
            "failed.csv failed.csv",
            0.into(),
            "no row has an answer in both results, so none has the same, fewer than --fail-below 0.01",
        ),
    ] {
        workplace.quarry(&format!("compare {arguments}")).good();
        let ran = workplace.quarry(&format!("compare {arguments} --json --fail-below 0.01"));
        assert_eq!(ran.code, 5, "{arguments}: {ran:?}");
        assert!(ran.stderr.contains(words), "{arguments}: {}", ran.stderr);
        let lines = ran.json_lines();
        let rows = &lines[0]["comparison"]["rows"];
        assert_eq!(rows["agree"], agree, "{arguments}: {rows}");
    }
}

/// Without a schema, no answer is checked.
#[test]
fn results_of_runs_without_a_schema_have_answered_rows() {
    let workplace = Workplace::new();
    workplace.file("data.csv", "text\none\ntwo\n");
    workplace
        .quarry("run data.csv --prompts prompts.json --out out")
        .good();
    let ran = workplace
        .quarry("compare out out --out page.html --fail-below 1")
        .good();
    let line = ran.stdout.lines().find(|line| line.starts_with("answered"));
    let words: Vec<&str> = line.expect("a line").split_whitespace().collect();
    assert_eq!(words, ["answered", "rows", "2", "2"]);
    assert!(!ran.stdout.contains("valid answers"), "{}", ran.stdout);
    let page = String::from_utf8(workplace.read("page.html")).expect("UTF-8");
    assert!(
        page.contains("Answered rows") && !page.contains("Valid answers"),
        "{page}"
    );
    let report = workplace.quarry("compare out out --json").good().report();
    let rows = &report["comparison"]["rows"];
    assert_eq!(rows["valid"]["a"], serde_json::Value::Null, "{rows}");
    assert_eq!(rows["answered"]["a"], 2, "{rows}");
}

#[test]
fn names_and_cells_cannot_move_the_cursor() {
    let workplace = Workplace::new();
    workplace.file("a.csv", result(&[("one", "bill\u{1b}[31m")]));
    workplace.file("b.csv", result(&[("one", "praise")]));
    let ran = workplace.quarry("compare a.csv b.csv").good();
    assert!(
        ran.stdout.contains("bill\\u{1b}[31m → praise"),
        "{}",
        ran.stdout
    );
}
