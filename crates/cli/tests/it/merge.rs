//! `quarry merge`: makes the result table from existing answers.

use crate::command::{Ran, Workplace};
use crate::table::{Table, assert_lines_extend};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Returns a table of the letters `first..end`.
fn letters(first: u32, end: u32) -> String {
    (first..end).fold("text\n".to_owned(), |mut text, n| {
        let _ = writeln!(text, "letter {n}");
        text
    })
}

/// Returns a line of Bedrock's output whose answer has the score `score`.
fn answer(id: &str, score: f64) -> String {
    let text = json!({"kind": "bill", "score": score}).to_string();
    json!({
        "modelInput": {"messages": []},
        "modelOutput": {
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 10, "output_tokens": 5}
        },
        "recordId": id
    })
    .to_string()
}

/// Returns the score that belongs to row `row`.
fn score(row: u32) -> f64 {
    f64::from(row) / 100.0
}

/// Returns the answers to `first..end` with ids from `id` on, the last one first.
fn answers(first: u32, end: u32, id: u32) -> String {
    (first..end).rev().fold(String::new(), |mut text, row| {
        let id = format!("record_{}", row - first + id);
        let _ = writeln!(text, "{}", answer(&id, score(row)));
        text
    })
}

fn merge(workplace: &Workplace, data: &str, files: &str, more: &str) -> Ran {
    workplace.quarry(&format!(
        "merge {data} --prompts prompts.json --schema schema.json --answers {files} --out out {more}"
    ))
}

/// Asserts that rows have the scores that belong to them, or none if they have no answer.
#[track_caller]
fn assert_scores(result: &Table, unanswered: &[u32]) {
    for (row, cell) in (0_u32..).zip(result.column("llm_score")) {
        if unanswered.contains(&row) {
            assert_eq!(cell, "", "row {row}");
        } else {
            assert_eq!(cell.parse(), Ok(score(row)), "row {row}");
        }
    }
}

#[test]
fn shuffled_answers_are_joined_to_their_rows() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 12));
    workplace.file("a.out", answers(0, 12, 0));
    let ran = merge(&workplace, "data.csv", "a.out", "").good();
    let output = workplace.read("out/validation_processed_data.csv");
    assert_lines_extend(letters(0, 12).as_bytes(), &output);
    assert_scores(&Table::csv(&output), &[]);
    assert!(
        ran.stdout.contains("rows in            12"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("valid answers      12"),
        "{}",
        ran.stdout
    );
    assert_eq!(workplace.files("out").len(), 3);
}

/// A byte order mark may be where an editor or a shell put it, even in the middle of files that
/// were joined, and where ids start again.
#[test]
fn a_byte_order_mark_costs_no_answer() {
    let marked = |first, end, id| format!("\u{feff}{}", answers(first, end, id));
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 12));
    workplace.file("a.out", marked(0, 6, 0) + &marked(6, 12, 6));
    merge(&workplace, "data.csv", "a.out", "").good();
    let output = workplace.read("out/validation_processed_data.csv");
    assert_scores(&Table::csv(&output), &[]);

    let workplace = Workplace::new();
    workplace.file("data/a.csv", letters(0, 6));
    workplace.file("data/b.csv", letters(6, 12));
    workplace.file("a.out", marked(0, 6, 0));
    workplace.file("b.out", marked(6, 12, 0));
    merge(&workplace, "data", "a.out b.out", "").good();
    let output = workplace.read("out/validation_processed_data.csv");
    assert_scores(&Table::csv(&output), &[]);
}

#[test]
fn lines_that_are_wrong_are_counted_and_move_no_answer() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 8));
    let twice = answer("record_3", score(3));
    let lines = [
        answer("record_7", score(7)),
        answer("record_99", 0.99),
        r#"{"recordId": "record_2", "modelOutput": {"#.to_owned(),
        twice.clone(),
        r#"{"recordId": "record_1", "error": {"errorCode": 400, "errorMessage": "refused by the model"}}"#
            .to_owned(),
        answer("somebody", 0.98),
        "no JSON".to_owned(),
        String::new(),
        twice,
        r#"{"recordId": "record_4", "error": {"errorCode": 500, "errorMessage": "later answered"}}"#.to_owned(),
        answer("record_4", score(4)),
        answer("record_0", score(0)),
        answer("record_6", score(6)),
    ];
    workplace.file("a.out", lines.join("\n"));
    let report = merge(&workplace, "data.csv", "a.out", "--json")
        .good()
        .report();
    let result = Table::csv(&workplace.read("out/validation_processed_data.csv"));
    assert_eq!(result.rows.len(), 8);
    assert_scores(&result, &[1, 2, 5]);
    let errors = result.column("llm_error");
    assert!(errors[1].contains("refused by the model"), "{}", errors[1]);
    assert!(errors[2].contains("no answer"), "{}", errors[2]);
    assert!(errors[5].contains("no answer"), "{}", errors[5]);
    assert_eq!(
        result.column("llm_status"),
        [
            "success", "error", "error", "success", "success", "error", "success", "success"
        ]
    );

    let counts = &report["summary"]["answers"];
    for (key, count) in [
        ("asked", 8),
        ("answered", 5),
        ("errors", 1),
        ("missing", 2),
        ("duplicates", 2),
        ("contradictions", 0),
        ("unknown_ids", 2),
        ("malformed", 2),
    ] {
        assert_eq!(counts[key], count, "{key} in {counts}");
    }
    assert_eq!(report["summary"]["total_records"], 8);
    assert_eq!(report["summary"]["failed_records"], 3);
    let ran = merge(&workplace, "data.csv", "a.out", "").good();
    for line in [
        "failed rows        3",
        "rows without line  2",
        "lines not used     2 duplicate, 0 contradicting, 2 unknown, 2 malformed",
    ] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
}

#[test]
fn two_answers_that_contradict_each_other_are_not_used_and_are_reported() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 2));
    let lines = [
        answer("record_0", score(0)),
        answer("record_1", score(1)),
        answer("record_0", 0.9),
    ];
    workplace.file("a.out", lines.join("\n"));
    let report = merge(&workplace, "data.csv", "a.out", "--json")
        .good()
        .report();
    let result = Table::csv(&workplace.read("out/validation_processed_data.csv"));
    assert_scores(&result, &[0]);
    let error = result.column("llm_error")[0];
    assert!(error.contains("two different answers"), "{error}");
    assert_eq!(report["summary"]["answers"]["contradictions"], 1);
}

/// This happens when a job was repeated, or an input was processed more than once.
#[test]
fn of_several_answers_in_different_files_the_first_good_one_counts() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 5));
    let error = |id: &str| {
        let error = json!({"errorCode": 500, "errorMessage": "gone"});
        json!({"recordId": id, "modelInput": {}, "error": error}).to_string()
    };
    let bad = |id| answer(id, 0.99).replace("{\\\"kind", "no JSON");
    workplace.file(
        "first.out",
        [
            answer("record_0", score(0)),
            answer("record_1", score(1)),
            error("record_2"),
            bad("record_3"),
        ]
        .join("\n"),
    );
    workplace.file(
        "second.out",
        [
            error("record_0"),
            answer("record_1", 0.99),
            answer("record_2", score(2)),
            bad("record_3"),
        ]
        .join("\n"),
    );
    workplace.file(
        "third.out",
        [
            answer("record_2", 0.99),
            answer("record_3", score(3)),
            answer("record_4", score(4)),
        ]
        .join("\n"),
    );
    merge(&workplace, "data.csv", "first.out second.out third.out", "").good();
    assert_scores(
        &Table::csv(&workplace.read("out/validation_processed_data.csv")),
        &[],
    );
    let summary = workplace.summary();
    let counts = &summary["answers"];
    assert_eq!(
        (&counts["answered"], &counts["good"]),
        (&json!(5), &json!(5))
    );
    assert_eq!(counts["contradictions"], 0);
    assert_eq!(counts["duplicates"], 6, "{counts}");
    let notes = summary["notes"].to_string();
    assert!(notes.contains("the first good one counts"), "{notes}");
}

/// Without the setting by which the original step cut its jobs, the jobs are not recognised. The
/// answer to another row must not count as a later answer.
#[test]
fn answers_of_jobs_that_are_not_recognised_are_not_taken_for_later_ones() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 10));
    workplace.file("a.out", answers(0, 4, 0));
    workplace.file("b.out", answers(4, 8, 0));
    workplace.file("c.out", answers(8, 10, 0));
    merge(&workplace, "data.csv", "a.out b.out c.out", "").good();
    let summary = workplace.summary();
    assert_eq!(summary["validation_passed_records"], 0, "{summary}");
    assert_eq!(summary["answers"]["contradictions"], 6);
}

#[test]
fn several_files_may_have_the_ids_of_the_whole_table() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 10));
    workplace.file("a.out", answers(0, 4, 0));
    workplace.file("b.out", answers(4, 8, 4));
    workplace.file("c.out", answers(8, 10, 8));
    // In any order, with or without a limit at which the original step would have cut jobs.
    for (files, more) in [
        ("a.out b.out c.out", ""),
        ("c.out a.out b.out", ""),
        ("a.out b.out c.out", "--set BEDROCK_MAX_RECORDS_PER_JOB=4"),
        ("a.out c.out b.out", "--set BEDROCK_MAX_RECORDS_PER_JOB=3"),
    ] {
        let ran = merge(&workplace, "data.csv", files, more).good();
        assert!(
            ran.stdout
                .contains("note: record ids were read as those of the whole table")
        );
        assert_scores(
            &Table::csv(&workplace.read("out/validation_processed_data.csv")),
            &[],
        );
    }
}

#[test]
fn ids_may_begin_anew_in_each_file() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 10));
    workplace.file("a.out", answers(0, 4, 0));
    workplace.file("b.out", answers(4, 8, 0));
    workplace.file("c.out", answers(8, 10, 0));
    let ran = merge(
        &workplace,
        "data.csv",
        "a.out b.out c.out",
        "--set BEDROCK_MAX_RECORDS_PER_JOB=4",
    )
    .good();
    assert!(
        ran.stdout
            .contains("note: record ids were read as counting from 0 in each answer file")
    );
    assert_scores(
        &Table::csv(&workplace.read("out/validation_processed_data.csv")),
        &[],
    );
}

#[test]
fn ids_that_begin_anew_count_by_input_file_and_split() {
    // The original step made one job for each input file.
    let workplace = Workplace::new();
    workplace.file("data/1.csv", letters(0, 3));
    workplace.file("data/2.csv", letters(3, 8));
    workplace.file("a.out", answers(0, 3, 0));
    workplace.file("b.out", answers(3, 8, 0));
    merge(&workplace, "data", "a.out b.out", "").good();
    assert_scores(
        &Table::csv(&workplace.read("out/validation_processed_data.csv")),
        &[],
    );

    let workplace = Workplace::new();
    workplace.file("data/train/1.csv", letters(0, 3));
    workplace.file("data/val/1.csv", letters(0, 2));
    workplace.file("a.out", answers(0, 3, 0));
    workplace.file("b.out", answers(0, 2, 0));
    merge(&workplace, "data", "a.out b.out", "--job-type training").good();
    for split in ["train", "val"] {
        let output = workplace.read(&format!("out/{split}/{split}_processed_data.csv"));
        assert_scores(&Table::csv(&output), &[]);
    }
}

#[test]
fn ids_that_begin_anew_are_seen_in_a_single_split_and_beside_empty_files() {
    let workplace = Workplace::new();
    workplace.file("data/train/1.csv", letters(0, 3));
    workplace.file("a.out", answers(0, 3, 0));
    merge(&workplace, "data", "a.out", "--job-type training").good();
    let output = workplace.read("out/train/train_processed_data.csv");
    assert_scores(&Table::csv(&output), &[]);

    // The original step also made a job for a file without rows.
    let workplace = Workplace::new();
    workplace.file("data/1.csv", letters(0, 3));
    workplace.file("data/2.csv", letters(3, 3));
    workplace.file("data/3.csv", letters(3, 5));
    workplace.file("a.out", answers(0, 3, 0));
    workplace.file("b.out", "");
    workplace.file("c.out", answers(3, 5, 0));
    merge(&workplace, "data", "a.out b.out c.out", "").good();
    let output = workplace.read("out/validation_processed_data.csv");
    assert_scores(&Table::csv(&output), &[]);
}

#[test]
fn stray_lines_in_files_whose_ids_begin_anew_belong_to_no_row() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 10));
    workplace.file("a.out", format!("{}no JSON\n", answers(0, 4, 0)));
    // The id is beyond the four rows of its job, though the table has such a row.
    workplace.file(
        "b.out",
        format!("{}\n{}", answer("record_5", 0.9), answers(4, 8, 0)),
    );
    // The id is beyond the two rows of the last job, though the first job has such a row, and there
    // is no answer to row 9.
    workplace.file(
        "c.out",
        format!("{}\n{}", answer("record_3", 0.9), answers(8, 9, 0)),
    );
    let report = merge(
        &workplace,
        "data.csv",
        "a.out b.out c.out",
        "--json --set BEDROCK_MAX_RECORDS_PER_JOB=4",
    )
    .good()
    .report();
    assert_scores(
        &Table::csv(&workplace.read("out/validation_processed_data.csv")),
        &[9],
    );
    let counts = &report["summary"]["answers"];
    assert_eq!(counts["unknown_ids"], 2, "{counts}");
    assert_eq!(counts["malformed"], 1, "{counts}");
    assert_eq!(counts["missing"], 1, "{counts}");
    assert_eq!(counts["contradictions"], 0, "{counts}");
}

#[test]
fn answers_of_a_run_that_was_kept_make_the_same_table() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 320));
    let settings = "--set BEDROCK_BATCH_MODE=batch --set BEDROCK_MAX_RECORDS_PER_JOB=110";
    workplace
        .quarry(&format!(
            "run data.csv --prompts prompts.json --schema schema.json --out kept --keep {settings}"
        ))
        .good();
    let files: Vec<String> = workplace
        .files("kept")
        .into_iter()
        .filter(|name| name.ends_with(".jsonl.out"))
        .map(|name| format!("kept/{name}"))
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    merge(&workplace, "data.csv", &files.join(" "), settings).good();
    let (run, merged) = (
        workplace.read("kept/validation_processed_data.csv"),
        workplace.read("out/validation_processed_data.csv"),
    );
    assert!(run == merged);
    assert_eq!(Table::csv(&run).rows.len(), 320);
}

#[test]
fn without_any_answer_the_result_is_a_table_of_errors() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 3));
    let error =
        json!({"recordId": "record_1", "error": {"errorCode": 500, "errorMessage": "broken"}});
    workplace.file("a.out", error.to_string());
    let report = merge(&workplace, "data.csv", "a.out", "--json")
        .good()
        .report();
    let result = Table::csv(&workplace.read("out/validation_processed_data.csv"));
    assert_eq!(result.column("llm_status"), ["error"; 3]);
    assert_eq!(report["summary"]["answers"]["missing"], 2);
    assert_eq!(report["summary"]["batch_job_info"], Value::Null);
}

#[test]
fn files_of_which_no_line_belongs_to_a_row_are_refused_and_nothing_is_written() {
    let workplace = Workplace::new();
    workplace.file("data.csv", letters(0, 3));
    workplace.file("others.out", answers(100, 103, 100));
    workplace.file("empty.out", "");
    workplace.file("blank.out", "\n \n");
    for files in [
        "prompts.json",
        "others.out",
        "prompts.json others.out",
        "empty.out",
        "blank.out empty.out",
    ] {
        let ran = merge(&workplace, "data.csv", files, "");
        assert_eq!(ran.code, 3, "{files}: {ran:?}");
        let name = files.split(' ').next().expect("a name");
        assert!(
            ran.stderr.contains("no line matched a row"),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains(name) && ran.stderr.contains(".jsonl.out"),
            "{}",
            ran.stderr
        );
        assert!(!workplace.path("out").exists());
    }
    // One matching line is enough.
    workplace.file("one.out", answer("record_1", score(1)));
    merge(&workplace, "data.csv", "prompts.json one.out empty.out", "").good();
    // A table without rows has no answers.
    workplace.file("none.csv", "text\n");
    merge(&workplace, "none.csv", "empty.out", "").good();
}
