//! `quarry preview`.

use crate::command::Workplace;
use std::fmt::Write as _;
use std::path::Path;

fn agreed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded/preview")
        .join(name);
    path.display().to_string()
}

/// The agreed records are still valid after the end of the model that they were agreed for.
const STILL_THERE: &str = r#"{"end_of_life":"9999-12-31"}"#;

#[track_caller]
fn assert_agreed(expected: &str, more: &str, total: &str) {
    let ran = Workplace::new()
        .quarry(&format!(
            "preview {} --prompts {} --schema {} --set BEDROCK_MAX_TOKENS=256 --set BEDROCK_TEMPERATURE=0 \
             --set BEDROCK_PRIMARY_MODEL_ID=anthropic.claude-sonnet-4-20250514-v1:0 \
             --set BEDROCK_MODEL_CAPABILITIES={STILL_THERE} {more}",
            agreed("data.csv"),
            agreed("prompts.json"),
            agreed("schema.json")
        ))
        .good();
    let expected = std::fs::read_to_string(agreed(expected)).expect("the agreed records");
    assert_eq!(ran.stdout, expected);
    assert_eq!(ran.stderr, format!("{total}\n"));
}

#[test]
fn records_are_byte_for_byte_as_agreed_with_a_tool_call() {
    assert_agreed("tool.jsonl", "", "3 records, 1.9 kB, 3 calls on demand");
}

#[test]
fn records_are_byte_for_byte_as_agreed_with_a_prefilled_answer() {
    assert_agreed(
        "prefill.jsonl",
        "--set BEDROCK_USE_STRUCTURED_OUTPUT=false",
        "3 records, 1.1 kB, 3 calls on demand",
    );
}

#[test]
fn ten_records_are_shown_unless_a_number_or_all_is_given() {
    let workplace = Workplace::new();
    workplace.file("data.csv", numbered(0..250));
    let lines = |more: &str| {
        let command = format!("preview data.csv --prompts prompts.json {more}");
        let ran = workplace.quarry(&command).good();
        ran.json_lines().len()
    };
    assert_eq!(lines(""), 10);
    assert_eq!(lines("--limit 3"), 3);
    assert_eq!(lines("--limit 0"), 0);
    assert_eq!(lines("--limit 1000"), 250);
    assert_eq!(lines("--all"), 250);
    assert_eq!(
        workplace
            .quarry("preview data.csv --prompts prompts.json --all --limit 3")
            .code,
        2
    );
}

#[test]
fn a_preview_says_how_much_there_is_and_what_planning_notes() {
    let workplace = Workplace::new();
    workplace.file("data/a.csv", numbered(0..250));
    workplace.file("data/readme.txt", "no table");
    let ran = workplace
        .quarry(
            "preview data --prompts prompts.json --limit 1 --pretty --set BEDROCK_BATCH_MODE=batch \
             --set BEDROCK_MAX_RECORDS_PER_JOB=125",
        )
        .good();
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.stderr);
    assert!(lines[0].starts_with("note: left out") && lines[0].contains("readme.txt"));
    assert!(
        lines[1].starts_with("250 records, ") && lines[1].ends_with(", 2 jobs"),
        "{}",
        lines[1]
    );
    assert!(
        ran.stdout.starts_with("{\n  \"recordId\": \"record_0\",\n"),
        "{}",
        ran.stdout
    );
    assert!(serde_json::from_str::<serde_json::Value>(&ran.stdout).is_ok());
}

#[test]
fn a_preview_is_what_a_run_uploads() {
    let workplace = Workplace::new();
    workplace.file("data/1.csv", numbered(0..130));
    workplace.file("data/2.csv", numbered(130..350));
    let settings = "--set BEDROCK_MAX_RECORDS_PER_JOB=150 --set BEDROCK_BATCH_MODE=batch";
    let preview = workplace
        .quarry(&format!(
            "preview data --prompts prompts.json --schema schema.json --all {settings}"
        ))
        .good();
    workplace.run("data", &format!("--keep {settings}")).good();
    let uploaded: Vec<String> = workplace
        .files("out")
        .into_iter()
        .filter(|name| name.ends_with("/input/records.jsonl"))
        .collect();
    assert!(uploaded.len() > 2, "{uploaded:?}");
    let mut records = Vec::new();
    for name in &uploaded {
        let object = workplace.read(&format!("out/{name}"));
        records.extend_from_slice(&object);
        // Objects follow each other as lines, even if the last line has no line break.
        if object.last() != Some(&b'\n') {
            records.push(b'\n');
        }
    }
    assert_eq!(preview.stdout.lines().count(), 350);
    assert!(preview.stdout.as_bytes() == records);
}

/// Returns a table with the column `text`.
fn numbered(rows: std::ops::Range<u32>) -> String {
    rows.fold("text\n".to_owned(), |mut text, row| {
        let _ = writeln!(text, "letter {row}");
        text
    })
}
