//! Given answers and faults that no record of the run has.

use crate::command::Workplace;
use serde_json::json;

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    let letters: Vec<String> = (0..120).map(|number| format!("letter {number}")).collect();
    workplace.file("data.csv", format!("text\n{}\n", letters.join("\n")));
    workplace
}

#[test]
fn answers_and_faults_that_no_record_has_are_noted_with_their_number() {
    let workplace = workplace();
    let good = r#""text": "{\"kind\": \"bill\"}""#;
    workplace.file(
        "answers.jsonl",
        format!(
            "{{\"recordId\": \"record_3\", {good}}}\n{{\"recordId\": \"record_120\", {good}}}\n\
             {{\"match\": \"lettre\", {good}}}\n{{{good}}}\n"
        ),
    );
    workplace.file(
        "faults.json",
        r#"{"records": [{"record": "record_120", "kind": "error_line"}, {"every": 500, "offset": 200, "kind": "prose"},
            {"record": "record_4", "kind": "fenced"}]}"#,
    );
    let more = "--answers answers.jsonl --faults faults.json --set BEDROCK_BATCH_MODE=batch";
    let ran = workplace.run("data.csv", more).good();
    for note in [
        "note: 2 answers in answers.jsonl were used for no record: `recordId` record_120, `match` \"lettre\"; records are named \
         record_0, record_1 and so on, and on demand only those that a job had before have a name\n",
        "note: 2 faults in faults.json were of no record: error_line of record_120, prose of every 500 from 200; records are",
    ] {
        assert!(ran.stdout.contains(note), "{note}: {}", ran.stdout);
    }
    let report = workplace
        .run("data.csv", &format!("{more} --json"))
        .good()
        .report();
    assert_eq!(report["unused"]["answers"][0]["recordId"], "record_120");
    assert_eq!(report["unused"]["answers"][1]["match"], "lettre");
    assert_eq!(report["unused"]["faults"].as_array().map(Vec::len), Some(2));
}

/// A record that no job had before has no name, so nothing that is for a name has an effect.
#[test]
fn on_demand_an_answer_for_a_name_is_noted_and_nothing_is_if_every_line_is_used() {
    let workplace = workplace();
    let answer = |record: u32| json!({"recordId": format!("record_{record}"), "text": "no"});
    let lines: Vec<String> = (0..7).map(|record| answer(record).to_string()).collect();
    workplace.file("answers.jsonl", lines.join("\n"));
    let ran = workplace
        .run(
            "data.csv",
            "--answers answers.jsonl --set BEDROCK_BATCH_MODE=realtime",
        )
        .good();
    let note = "note: 7 answers in answers.jsonl were used for no record: `recordId` record_0, ";
    assert!(ran.stdout.contains(note), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("record_4 and 2 more;"),
        "{}",
        ran.stdout
    );
    let ran = workplace
        .run(
            "data.csv",
            "--answers answers.jsonl --set BEDROCK_BATCH_MODE=batch --set BEDROCK_MAX_RETRIES=0",
        )
        .good();
    assert!(!ran.stdout.contains("no record"), "{}", ran.stdout);
}
