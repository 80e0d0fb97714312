//! `quarry run`: a whole run.

use crate::command::{PROMPTS, Ran, Workplace};
use crate::table::{Table, assert_lines_extend};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One answer for all records, and what it adds to a CSV row and a header.
const ANSWER: &str = r#"{"text": "{\"kind\": \"bill\", \"score\": 0.5}"}"#;
const ADDED: &str = ",bill,0.5,success,True,success,,,";
const COLUMNS: &str = ",llm_kind,llm_score,llm_parse_status,llm_validation_passed,llm_status,llm_error,\
    llm_raw_response,llm_validation_error";

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/wildlife-strikes")
}

/// Returns the rows of a table with the columns `text` and `n`, without a header.
fn rows(numbers: Range<u32>) -> String {
    numbers.fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "letter {n},{n}");
        text
    })
}

fn table(numbers: Range<u32>) -> String {
    format!("text,n\n{}", rows(numbers))
}

fn sum(list: &Value, key: &str) -> u64 {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|entry| entry[key].as_u64().expect("a number"))
        .sum()
}

/// Asserts that the summary agrees with itself.
#[track_caller]
fn assert_adds_up(summary: &Value) {
    let number = |pointer: &str| {
        summary
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("no number {pointer}"))
    };
    let total = number("/total_records");
    assert_eq!(
        total,
        number("/successful_records") + number("/failed_records")
    );
    for list in [&summary["files_processed"], &summary["splits_processed"]] {
        if list.as_array().is_none_or(Vec::is_empty) {
            continue;
        }
        let (records, good) = if list[0]["split_name"].is_string() {
            ("total_records", "successful_records")
        } else {
            ("records", "successful")
        };
        assert_eq!(sum(list, records), total);
        assert_eq!(sum(list, good), number("/successful_records"));
    }
    assert_eq!(number("/rows/in"), total);
    assert_eq!(
        number("/rows/in"),
        number("/rows/out") + number("/rows/left_out_as_errors")
    );
    assert_eq!(sum(&summary["tables"], "rows_in"), number("/rows/in"));
    assert_eq!(sum(&summary["tables"], "rows_out"), number("/rows/out"));

    let rounds = &summary["rounds"];
    for (key, pointer) in [
        ("asked", "/answers/asked"),
        ("good", "/answers/good"),
        ("on_demand_records", "/on_demand_records"),
        ("input_tokens", "/tokens/input"),
        ("output_tokens", "/tokens/output"),
    ] {
        assert_eq!(sum(rounds, key), number(pointer), "{key}");
    }
    let contradicted = summary["answers"]["contradicted"].as_u64().unwrap_or(0);
    assert_eq!(
        number("/answers/asked"),
        number("/answers/answered")
            + number("/answers/errors")
            + number("/answers/missing")
            + contradicted
    );
    let first = rounds[0]["asked"].as_u64().unwrap_or(0);
    assert_eq!(first + number("/rows/too_large_to_send"), total);

    if summary["batch_job_info"].is_null() {
        assert_eq!(sum(rounds, "jobs"), 0);
        assert_eq!(number("/on_demand_records"), number("/answers/asked"));
    } else {
        let jobs = &summary["batch_job_info"]["jobs"];
        let count = jobs.as_array().map_or(0, Vec::len) as u64;
        assert_eq!(number("/batch_job_info/total_jobs"), count);
        assert_eq!(sum(rounds, "jobs"), count);
        assert_eq!(
            sum(jobs, "records") + number("/on_demand_records"),
            number("/answers/asked")
        );
    }
}

/// Returns the value for a name in the report's table.
#[track_caller]
fn shown(ran: &Ran, name: &str) -> String {
    let line = ran
        .stdout
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_else(|| panic!("no {name} in {}", ran.stdout));
    line[name.len()..].trim().to_owned()
}

#[test]
fn the_example_gives_every_row_back_in_order_and_a_report_in_json() {
    let workplace = Workplace::new();
    let ran = workplace
        .quarry(&format!("run {} --out out --json", example().display()))
        .good();
    let lines = ran.json_lines();
    assert!(lines.iter().any(|line| line["step"] == "planned"));
    assert!(lines.iter().any(|line| line["step"] == "finished"));

    let input = std::fs::read(example().join("data/wildlife-strikes.csv")).expect("the data");
    let output = workplace.read("out/validation_processed_data.csv");
    assert_lines_extend(&input, &output);
    let result = Table::csv(&output);
    assert_eq!(result.rows.len(), 10_000);
    assert!(
        result
            .column("llm_parse_status")
            .iter()
            .all(|status| *status == "success")
    );

    let report = ran.report();
    let summary = &report["summary"];
    assert_eq!(summary, &workplace.summary());
    assert_adds_up(summary);
    assert_eq!(summary["total_records"], 10_000);
    assert_eq!(summary["failed_records"], 0);
    // 10,000 rows in jobs of at most 1,500.
    assert_eq!(summary["batch_job_info"]["total_jobs"], 7);
    let jobs = &summary["batch_job_info"]["jobs"];
    for (key, total) in [
        ("records", json!(10_000)),
        ("input_tokens", summary["tokens"]["input"].clone()),
        ("output_tokens", summary["tokens"]["output"].clone()),
    ] {
        assert_eq!(json!(sum(jobs, key)), total, "{key}");
    }
    // The summary must agree with the simulator's counts.
    let simulator = &report["simulator"];
    assert_eq!(simulator["jobs_created"], 7);
    assert_eq!(simulator["on_demand_calls"], 0);
    assert_eq!(summary["on_demand_records"], 0);
    assert_eq!(simulator["input_tokens"], summary["tokens"]["input"]);
    assert_eq!(simulator["output_tokens"], summary["tokens"]["output"]);
    assert_eq!(summary["reconciliation"]["agrees_with_bedrock"], true);
    assert!(
        report["most_history_events_of_a_slice"]
            .as_u64()
            .is_some_and(|events| events > 0 && events < 25_000)
    );
    assert_eq!(workplace.files("out").len(), 3);
}

#[test]
fn with_everything_going_wrong_every_row_is_still_there_and_the_table_says_what_happened() {
    let workplace = Workplace::new();
    let faults = example().join("faults.json");
    let ran = workplace
        .quarry(&format!(
            "run {} --out out --verbose --faults {}",
            example().display(),
            faults.display()
        ))
        .good();
    let input =
        Table::csv(&std::fs::read(example().join("data/wildlife-strikes.csv")).expect("the data"));
    let output = Table::csv(&workplace.read("out/validation_processed_data.csv"));
    assert_eq!(output.rows.len(), 10_000);
    assert_eq!(output.columns[..input.columns.len()], input.columns[..]);
    for (before, after) in input.rows.iter().zip(&output.rows) {
        assert_eq!(after[..before.len()], before[..]);
    }
    // The scripted faults refuse one record every time.
    let statuses = output.column("llm_status");
    let failed: Vec<usize> = (0..10_000)
        .filter(|row| statuses[*row] == "error")
        .collect();
    assert_eq!(failed, [5000]);
    assert!(output.column("llm_error")[5000].contains("the record is refused"));

    let summary = workplace.summary();
    assert_adds_up(&summary);
    assert_eq!(summary["failed_records"], 1);
    assert!(
        summary["rounds"]
            .as_array()
            .is_some_and(|rounds| rounds.len() > 1)
    );
    for counted in [
        "duplicates",
        "contradictions",
        "unknown_ids",
        "malformed",
        "missing",
        "errors",
    ] {
        assert!(summary["answers"][counted].as_u64() > Some(0), "{counted}");
    }

    let text = |value: &Value| value.to_string();
    assert_eq!(shown(&ran, "rows in"), "10,000");
    assert_eq!(shown(&ran, "rows out"), "10,000");
    assert_eq!(shown(&ran, "failed rows"), "1");
    let why = "  1 no answer: 400: the record is refused (row 5001)";
    assert!(ran.stdout.lines().any(|line| line == why), "{}", ran.stdout);
    assert_eq!(
        shown(&ran, "repaired answers"),
        text(&summary["rows"]["repaired"])
    );
    assert_ne!(summary["rows"]["repaired"], 0);
    assert_eq!(
        shown(&ran, "jobs"),
        text(&summary["batch_job_info"]["total_jobs"])
    );
    assert_eq!(
        shown(&ran, "tokens in / out").replace(',', ""),
        format!(
            "{} / {}",
            summary["tokens"]["input"], summary["tokens"]["output"]
        )
    );
    // Refused calls count here but not among the records that were sent.
    let calls: u64 = shown(&ran, "on-demand calls")
        .replace(',', "")
        .parse()
        .expect("a number");
    assert!(Some(calls) >= summary["on_demand_records"].as_u64());
    for name in [
        "history events",
        "function calls",
        "S3 requests",
        "virtual time",
        "time",
    ] {
        assert!(!shown(&ran, name).is_empty());
    }
}

#[test]
fn given_answers_are_what_the_model_says() {
    let workplace = Workplace::new();
    workplace.file("data.csv", table(0..3));
    workplace.file(
        "answers.jsonl",
        [
            r#"{"recordId": "record_1", "text": "{\"kind\": \"praise\"}"}"#,
            r#"{"match": "letter 2", "text": "{\"kind\": \"bill\", \"score\": 1}"}"#,
            ANSWER,
        ]
        .join("\n"),
    );
    // The run uses a job, because records have ids only there.
    let ran = workplace
        .run(
            "data.csv",
            "--answers answers.jsonl --set BEDROCK_BATCH_MODE=batch --set BEDROCK_MIN_RECORDS_PER_JOB=1",
        )
        .good();
    assert_eq!(shown(&ran, "jobs"), "1");
    let result = Table::csv(&workplace.read("out/validation_processed_data.csv"));
    assert_eq!(result.column("llm_kind"), ["bill", "praise", "bill"]);
    assert_eq!(result.column("llm_score"), ["0.5", "", "1.0"]);
}

#[test]
fn crlf_quotes_and_line_breaks_in_cells_stay_as_they_are() {
    let workplace = Workplace::new();
    let rows = [
        "\"two\r\nlines\",00123",
        "  blanks  ,\"\"\"quoted\"\"\"",
        "NA,1e5",
        "\"last\",",
    ];
    // With a byte order mark and without a line break at the end.
    workplace.file(
        "data.csv",
        format!("\u{feff}text,\"n\"\r\n{}", rows.join("\r\n")),
    );
    workplace.file("answers.jsonl", ANSWER);
    workplace.run("data.csv", "--answers answers.jsonl").good();
    let mut expected = format!("text,\"n\"{COLUMNS}\r\n");
    for row in rows {
        let _ = write!(expected, "{row}{ADDED}\r\n");
    }
    let output = workplace.read("out/validation_processed_data.csv");
    assert_eq!(String::from_utf8_lossy(&output), expected);
}

#[test]
fn json_lines_keep_their_members_as_written() {
    let workplace = Workplace::new();
    workplace.file(
        "data.jsonl",
        concat!(
            r#"{"n": 1.0, "text":"Gr\u00fc\u00dfe"}"#,
            "\n",
            r#"{"text": "x", "more": {"deep": [1,  2]}, "big": 12345678901234567890123}"#,
            "\n",
        ),
    );
    workplace.file("answers.jsonl", ANSWER);
    workplace
        .run("data.jsonl", "--answers answers.jsonl")
        .good();
    let output = workplace.read("out/validation_processed_data.jsonl");
    let output = String::from_utf8(output).expect("UTF-8");
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with(r#"{"n": 1.0, "text":"Gr\u00fc\u00dfe","llm_kind":"bill","#));
    assert!(lines[1].starts_with(
        r#"{"text": "x", "more": {"deep": [1,  2]}, "big": 12345678901234567890123,"llm_kind":"bill","#
    ));
    for line in lines {
        let row: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(row["llm_score"], 0.5);
        assert_eq!(row["llm_validation_passed"], true);
        assert_eq!(row["llm_error"], Value::Null);
    }
    assert_adds_up(&workplace.summary());
}

#[test]
fn tab_separated_tables_give_tab_separated_results() {
    let workplace = Workplace::new();
    workplace.file("data.tsv", "text\tn\na, b\t1\n");
    workplace.file("answers.jsonl", ANSWER);
    workplace.run("data.tsv", "--answers answers.jsonl").good();
    let result = Table::separated(&workplace.read("out/validation_processed_data.tsv"), b'\t');
    assert_eq!(result.columns.len(), 10);
    assert_eq!(result.rows[0][..4], ["a, b", "1", "bill", "0.5"]);
}

#[test]
fn gzip_in_gives_gzip_out() {
    let workplace = Workplace::new();
    let input = table(0..450);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(input.as_bytes()).expect("compressed");
    workplace.file("data.csv.gz", gzip.finish().expect("compressed"));
    let ran = workplace
        .run(
            "data.csv.gz",
            "--set BEDROCK_BATCH_MODE=batch --set BEDROCK_MAX_RECORDS_PER_JOB=150",
        )
        .good();
    assert_eq!(shown(&ran, "jobs"), "3");
    let mut output = Vec::new();
    MultiGzDecoder::new(&workplace.read("out/validation_processed_data.csv.gz")[..])
        .read_to_end(&mut output)
        .expect("gzip");
    assert_lines_extend(input.as_bytes(), &output);
}

#[test]
fn the_files_of_a_folder_make_one_table_in_the_order_of_their_names() {
    let workplace = Workplace::new();
    workplace.file("data/b.csv", table(200..450));
    workplace.file("data/a.csv", table(0..200));
    workplace.file("data/readme.txt", "not a table");
    let ran = workplace
        .run(
            "data",
            "--set BEDROCK_BATCH_MODE=batch --set BEDROCK_MAX_RECORDS_PER_JOB=160",
        )
        .good();
    assert_lines_extend(
        table(0..450).as_bytes(),
        &workplace.read("out/validation_processed_data.csv"),
    );
    let summary = workplace.summary();
    assert_adds_up(&summary);
    let files = summary["files_processed"].as_array().expect("files");
    assert_eq!(files.len(), 2);
    assert_eq!(files[0]["filename"], "a.csv");
    assert_eq!(files[0]["records"], 200);
    assert_eq!(files[1]["filename"], "b.csv");
    assert_eq!(files[1]["records"], 250);
    assert!(ran.stdout.contains("readme.txt"), "{}", ran.stdout);
}

#[test]
fn training_data_has_a_result_for_each_of_its_folders() {
    let workplace = Workplace::new();
    workplace.file("data/train/1.csv", table(0..150));
    workplace.file("data/val/1.csv", table(150..155));
    workplace.file("data/test/1.csv", table(155..275));
    let ran = workplace
        .run("data", "--job-type training --set BEDROCK_BATCH_MODE=batch")
        .good();
    for (split, numbers) in [("train", 0..150), ("val", 150..155), ("test", 155..275)] {
        assert_lines_extend(
            table(numbers).as_bytes(),
            &workplace.read(&format!("out/{split}/{split}_processed_data.csv")),
        );
    }
    let summary = workplace.summary();
    assert_adds_up(&summary);
    assert_eq!(
        summary["splits_processed"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(summary["job_type"], "training");
    // The five rows of val are too few for a job.
    assert_eq!(summary["batch_job_info"]["total_jobs"], 2);
    assert_eq!(summary["on_demand_records"], 5);
    assert!(
        ran.stdout.contains("note: val has 5 records"),
        "{}",
        ran.stdout
    );
}

#[test]
fn realtime_mode_and_tables_too_small_for_a_job_use_on_demand_calls() {
    for (numbers, mode) in [(0..120, "realtime"), (0..99, "batch"), (0..120, "auto")] {
        let workplace = Workplace::new();
        workplace.file("data.csv", table(numbers.clone()));
        let ran = workplace
            .run("data.csv", &format!("--set BEDROCK_BATCH_MODE={mode}"))
            .good();
        assert_eq!(shown(&ran, "jobs"), "0", "{mode}");
        assert_eq!(shown(&ran, "on-demand calls"), numbers.len().to_string());
        let summary = workplace.summary();
        assert_adds_up(&summary);
        assert_eq!(summary["batch_processing_used"], false);
        assert_eq!(summary["failed_records"], 0);
        assert_lines_extend(
            table(numbers).as_bytes(),
            &workplace.read("out/validation_processed_data.csv"),
        );
    }
}

#[test]
fn a_row_too_large_for_a_job_is_an_error_of_that_row_only() {
    let workplace = Workplace::new();
    let input = format!(
        "text,n\n{}{},150\n{}",
        rows(0..150),
        "x".repeat(50_000),
        rows(151..300)
    );
    workplace.file("data.csv", &input);
    workplace
        .run(
            "data.csv",
            "--set BEDROCK_BATCH_MODE=batch --set BEDROCK_MAX_BYTES_PER_JOB=45000 \
             --set BEDROCK_MIN_RECORDS_PER_JOB=10",
        )
        .good();
    let output = workplace.read("out/validation_processed_data.csv");
    assert_lines_extend(input.as_bytes(), &output);
    let result = Table::csv(&output);
    for (row, status) in result.column("llm_status").iter().enumerate() {
        assert_eq!(*status == "error", row == 150, "row {row}");
    }
    let error = result.column("llm_error")[150];
    assert!(error.contains("BEDROCK_MAX_BYTES_PER_JOB"), "{error}");
    assert!(error.contains("45000"), "{error}");
    let summary = workplace.summary();
    assert_adds_up(&summary);
    assert_eq!(summary["failed_records"], 1);
    assert_eq!(summary["rows"]["too_large_to_send"], 1);
}

#[test]
fn a_table_without_rows_gives_the_columns_and_a_note() {
    let workplace = Workplace::new();
    workplace.file("data.csv", "text,n\n");
    let ran = workplace.run("data.csv", "").good();
    assert_eq!(
        String::from_utf8_lossy(&workplace.read("out/validation_processed_data.csv")),
        format!("text,n{COLUMNS}\n")
    );
    assert_eq!(shown(&ran, "rows in"), "0");
    assert!(
        ran.stdout.contains("note: the data set has no rows"),
        "{}",
        ran.stdout
    );
}

#[test]
fn without_a_schema_the_answer_is_one_column() {
    let workplace = Workplace::new();
    workplace.file("data.csv", table(0..1));
    workplace.file("answers.jsonl", ANSWER);
    workplace
        .quarry("run data.csv --prompts prompts.json --answers answers.jsonl --out out")
        .good();
    let result = Table::csv(&workplace.read("out/validation_processed_data.csv"));
    assert_eq!(result.columns[2], "llm_response");
    let response: Value = serde_json::from_str(&result.rows[0][2]).expect("JSON");
    assert_eq!(response, json!({"kind": "bill", "score": 0.5}));
    assert_eq!(result.column("llm_parse_status"), ["json_only"]);
}

#[test]
fn rows_without_an_answer_can_be_left_out_and_are_counted() {
    let workplace = Workplace::new();
    workplace.file("data.csv", table(0..120));
    workplace.file(
        "faults.json",
        r#"{"records": [{"record": "record_7", "kind": "error_line", "code": 400, "message": "no", "times": 100}]}"#,
    );
    let ran = workplace
        .run(
            "data.csv",
            "--faults faults.json --set BEDROCK_BATCH_MODE=batch --set BEDROCK_SKIP_ERROR_RECORDS=true",
        )
        .good();
    let why = "  1 no answer, left out: 400: no (row 8 of the input)\n";
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
    let output = workplace.read("out/validation_processed_data.csv");
    let input = format!("text,n\n{}{}", rows(0..7), rows(8..120));
    assert_lines_extend(input.as_bytes(), &output);
    let summary = workplace.summary();
    assert_adds_up(&summary);
    assert_eq!(summary["rows"]["left_out_as_errors"], 1);
    assert_eq!(summary["rows"]["out"], 119);
}

#[test]
fn a_result_column_replaces_an_input_column_if_the_settings_say_so() {
    let workplace = Workplace::new();
    workplace.file("data.csv", "text,llm_status,n\nletter,old,1\n");
    workplace.file("answers.jsonl", ANSWER);
    workplace
        .run(
            "data.csv",
            "--answers answers.jsonl --set BEDROCK_REPLACE_COLUMNS=true",
        )
        .good();
    assert_eq!(
        String::from_utf8_lossy(&workplace.read("out/validation_processed_data.csv")),
        format!("text,n{COLUMNS}\nletter,1{ADDED}\n")
    );
}

#[test]
fn the_stacks_files_are_gone_unless_they_are_to_be_kept() {
    let workplace = Workplace::new();
    workplace.file("data.csv", table(0..2));
    workplace.run("data.csv", "").good();
    assert_eq!(workplace.files("out").len(), 3);
    let ran = workplace
        .quarry("run data.csv --prompts prompts.json --out kept --keep")
        .good();
    assert!(
        workplace
            .files("kept")
            .iter()
            .any(|name| name.ends_with("/plan.json"))
    );
    assert!(ran.stderr.contains("kept/.quarry-"), "{}", ran.stderr);
}

/// Nobody read this price on any day.
#[test]
fn a_price_of_the_settings_is_named_and_has_no_day() {
    let workplace = Workplace::new();
    workplace.file("data.csv", table(0..3));
    let settings = "--set BEDROCK_PRIMARY_MODEL_ID=arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl \
                    --set BEDROCK_PRICE_IN=3 --set BEDROCK_PRICE_OUT=15";
    let ran = workplace.run("data.csv", settings).good();
    let cost = shown(&ran, "cost");
    assert!(
        cost.ends_with("; the price of BEDROCK_PRICE_IN and BEDROCK_PRICE_OUT)"),
        "{cost}"
    );
    assert!(!cost.contains("prices of"), "{cost}");
    let price = &workplace.summary()["cost"]["prices"][0];
    assert_eq!(price["checked"], Value::Null, "{price}");
    let estimate =
        format!("estimate data.csv --prompts prompts.json --schema schema.json {settings}");
    let ran = workplace.quarry(&estimate).good();
    assert_eq!(
        shown(&ran, "prices"),
        "BEDROCK_PRICE_IN and BEDROCK_PRICE_OUT"
    );
    let report = workplace
        .quarry(&format!("{estimate} --json"))
        .good()
        .report();
    assert_eq!(report["prices"].get("checked"), None, "{report}");
}

#[test]
fn the_report_says_why_rows_have_no_good_answer() {
    let workplace = Workplace::new();
    workplace.file("data.csv", table(0..6));
    workplace.file(
        "answers.jsonl",
        [
            r#"{"match": "letter 1", "text": "{\"kind\": \"bill\", \"score\": 7}"}"#,
            r#"{"match": "letter 3", "text": "{\"kind\": \"bill\", \"score\": 7}"}"#,
            ANSWER,
        ]
        .join("\n"),
    );
    let more = "--answers answers.jsonl --set BEDROCK_MAX_RETRIES=0";
    let ran = workplace.run("data.csv", more).good();
    assert_eq!(shown(&ran, "valid answers"), "4");
    assert_eq!(shown(&ran, "failed rows"), "0");
    let why: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("  "))
        .collect();
    assert_eq!(why.len(), 1, "{}", ran.stdout);
    assert!(
        why[0].starts_with("  2 invalid: ") && why[0].contains("/score"),
        "{why:?}"
    );
    assert!(why[0].ends_with("(first row 2)"), "{why:?}");
    let report = workplace
        .run("data.csv", &format!("{more} --json"))
        .good()
        .report();
    assert_eq!(report["failures"][0]["rows"], 2);
    assert_eq!(report["failures"][0]["first_row"], 2);
    // Calls on demand take time that the virtual clock does not count.
    assert!(
        shown(&ran, "virtual time").ends_with("at least 0.6 s for calls on demand"),
        "{ran:?}"
    );
    assert!(!ran.stdout.contains("history events"), "{}", ran.stdout);
}

#[test]
fn the_reasons_are_found_in_results_of_every_format() {
    let workplace = Workplace::new();
    workplace.file(
        "answers.jsonl",
        r#"{"text": "{\"kind\": \"bill\", \"score\": 7}"}"#,
    );
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b"text,n\nletter,1\n").expect("compressed");
    workplace.file("a.csv.gz", gzip.finish().expect("compressed"));
    workplace.file("a.jsonl", "{\"text\": \"letter\"}\n");
    workplace.file("a.tsv", "text\nletter\n");
    let parquet =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/prompts/13_parquet_nulls");
    std::fs::copy(parquet.join("data.parquet"), workplace.path("a.parquet")).expect("a table");
    for data in ["a.csv.gz", "a.jsonl", "a.tsv", "a.parquet"] {
        let column = if data == "a.parquet" { "txt" } else { "text" };
        workplace.file(
            "prompts.json",
            PROMPTS
                .replace("text}", &format!("{column}}}"))
                .replace("[\"text", &format!("[\"{column}")),
        );
        let ran = workplace
            .run(data, "--answers answers.jsonl --set BEDROCK_MAX_RETRIES=0")
            .good();
        assert!(
            ran.stdout.contains(" invalid: /score"),
            "{data}: {}",
            ran.stdout
        );
    }
}

#[test]
fn without_a_schema_no_answer_is_called_invalid() {
    let workplace = Workplace::new();
    workplace.file("data.csv", table(0..2));
    let ran = workplace
        .quarry("run data.csv --prompts prompts.json --out out")
        .good();
    assert_eq!(shown(&ran, "answered rows"), "2");
    assert!(!ran.stdout.contains("valid answers"), "{}", ran.stdout);
    assert!(
        !ran.stdout.lines().any(|line| line.starts_with("  ")),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_run_that_fails_keeps_its_files_only_on_request() {
    let workplace = Workplace::new();
    workplace.file("data.csv", table(0..120));
    workplace.file(
        "faults.json",
        r#"{"calls": [{"operation": "create", "kind": "account_not_authorized", "every": 1}]}"#,
    );
    let more = "--faults faults.json --set BEDROCK_BATCH_MODE=batch";
    assert_eq!(workplace.run("data.csv", more).code, 4);
    assert!(!workplace.path("out").exists());
    let ran = workplace.run("data.csv", &format!("{more} --keep"));
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr.contains("the stack's S3 directory is "),
        "{}",
        ran.stderr
    );
    assert!(
        workplace
            .files("out")
            .iter()
            .any(|name| name.ends_with("/plan.json"))
    );
}

#[test]
fn a_run_that_cannot_continue_fails_with_its_own_exit_code() {
    let workplace = Workplace::new();
    workplace.file("data.csv", table(0..120));
    workplace.file(
        "faults.json",
        r#"{"calls": [{"operation": "create", "kind": "unavailable", "every": 1}]}"#,
    );
    let ran = workplace.run(
        "data.csv",
        "--faults faults.json --set BEDROCK_BATCH_MODE=batch",
    );
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("Quarry.Unavailable"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("creating job quarry-"),
        "{}",
        ran.stderr
    );
    assert_eq!(workplace.files("out"), Vec::<String>::new());
}

/// It costs one job, without further rounds.
#[test]
fn a_run_whose_records_are_all_refused_fails_with_the_services_words() {
    let workplace = Workplace::new();
    workplace.file("data.csv", table(0..120));
    let words = "The model returned the following errors: this account has no quota";
    let fault = serde_json::json!({"records": [
        {"every": 1, "kind": "error_line", "code": 400, "message": words, "times": 99}
    ]});
    workplace.file("faults.json", fault.to_string());
    let ran = workplace.run(
        "data.csv",
        "--faults faults.json --set BEDROCK_BATCH_MODE=batch",
    );
    assert_eq!(ran.code, 4, "{ran:?}");
    let message = format!("Quarry.Refused: refused: 400: {words}");
    assert!(ran.stderr.contains(&message), "{}", ran.stderr);
    assert_eq!(workplace.files("out"), Vec::<String>::new());
}
