//! What a run came to, as a table or as JSON.

use quarry_bedrock_simulator::Counters;
use quarry_local_stack::Finished;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// What is reported.
pub(crate) struct Report<'a> {
    pub(crate) finished: &'a Finished,
    pub(crate) counters: &'a Counters,
    pub(crate) files: &'a [PathBuf],
    pub(crate) took: Duration,
    pub(crate) json: bool,
}

/// Prints the report on standard output.
pub(crate) fn print(report: &Report<'_>) {
    let text = if report.json {
        as_json(report)
    } else {
        as_table(report)
    };
    let _ = write!(std::io::stdout(), "{text}");
}

fn number(summary: &Value, pointer: &str) -> u64 {
    summary
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or(0)
}

fn as_json(report: &Report<'_>) -> String {
    let outcome = &report.finished.outcome;
    let value = json!({
        "summary": report.finished.summary,
        "simulator": report.counters,
        "files": report.files,
        "history_events": outcome.history_events,
        "most_history_events_of_a_slice": outcome.max_child_history_events,
        "state_transitions": outcome.state_transitions,
        "virtual_seconds": outcome.virtual_elapsed.as_secs(),
        "seconds": report.took.as_secs_f64(),
    });
    format!("{value}\n")
}

fn as_table(report: &Report<'_>) -> String {
    let (summary, outcome) = (&report.finished.summary, &report.finished.outcome);
    let hours = outcome.virtual_elapsed.as_secs_f64() / 3600.0;
    let count = |pointer| number(summary, pointer);
    let rows = [
        ("rows in", count("/rows/in").to_string()),
        ("rows out", count("/rows/out").to_string()),
        (
            "valid answers",
            count("/validation_passed_records").to_string(),
        ),
        ("failed rows", count("/failed_records").to_string()),
        ("repaired answers", count("/rows/repaired").to_string()),
        (
            "rounds",
            summary["rounds"].as_array().map_or(0, Vec::len).to_string(),
        ),
        ("jobs", count("/batch_job_info/total_jobs").to_string()),
        (
            "on-demand calls",
            report.counters.on_demand_calls.to_string(),
        ),
        (
            "tokens in / out",
            format!("{} / {}", count("/tokens/input"), count("/tokens/output")),
        ),
        ("lines not used", lines_not_used(summary)),
        (
            "history events",
            format!(
                "{} + at most {} a slice",
                outcome.history_events, outcome.max_child_history_events
            ),
        ),
        ("virtual time", format!("{hours:.1} h")),
        ("time", format!("{:.1} s", report.took.as_secs_f64())),
    ];
    let mut text = String::new();
    for (name, value) in rows {
        let _ = writeln!(text, "{name:<18} {value}");
    }
    add_notes_and_files(&mut text, summary, report.files);
    text
}

fn lines_not_used(summary: &Value) -> String {
    let count = |pointer| number(summary, pointer);
    format!(
        "{} duplicate, {} contradicting, {} unknown, {} malformed",
        count("/answers/duplicates"),
        count("/answers/contradictions"),
        count("/answers/unknown_ids"),
        count("/answers/malformed")
    )
}

fn add_notes_and_files(text: &mut String, summary: &Value, files: &[PathBuf]) {
    for note in summary["notes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let _ = writeln!(text, "note: {note}");
    }
    for file in files {
        let _ = writeln!(text, "wrote {}", file.display());
    }
}

/// Prints what a merge came to.
pub(crate) fn print_merge(summary: &Value, files: &[PathBuf], json: bool) {
    let text = if json {
        format!("{}\n", json!({ "summary": summary, "files": files }))
    } else {
        let mut text = String::new();
        for (name, pointer) in [
            ("rows in", "/rows/in"),
            ("rows out", "/rows/out"),
            ("valid answers", "/validation_passed_records"),
            ("failed rows", "/failed_records"),
            ("repaired answers", "/rows/repaired"),
            ("rows without line", "/answers/missing"),
        ] {
            let _ = writeln!(text, "{name:<18} {}", number(summary, pointer));
        }
        let _ = writeln!(text, "{:<18} {}", "lines not used", lines_not_used(summary));
        add_notes_and_files(&mut text, summary, files);
        text
    };
    let _ = write!(std::io::stdout(), "{text}");
}
