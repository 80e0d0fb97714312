//! What `--answers` and `--faults` of `quarry run` name and the run did not have.

use crate::input::shown;
use quarry_bedrock_simulator::{GivenAnswer, RecordFault, UnusedScript};
use quarry_runs::counted;
use serde_json::json;
use std::path::Path;

/// The most answers, and the most faults, that a note names.
const MOST_NAMED: usize = 5;

/// How records are called, for the reader of a note about one that does not exist.
const NAMES: &str = "records are named record_0, record_1 and so on, and on demand only those that a job had before have a name";

/// Returns notes on given answers that no record took, and on faults of records that struck none.
pub(crate) fn notes(
    unused: &UnusedScript,
    answers: Option<&Path>,
    faults: Option<&Path>,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(file) = answers.filter(|_| !unused.answers.is_empty()) {
        let has_name = unused.answers.iter().any(|one| one.record_id.is_some());
        let named = unused.answers.iter().map(answer);
        notes.push(note(
            &counted(unused.answers.len() as u64, "answer"),
            file,
            "used for no record",
            named,
            has_name,
        ));
    }
    if let Some(file) = faults.filter(|_| !unused.faults.is_empty()) {
        let has_name = unused.faults.iter().any(|one| one.record.is_some());
        let named = unused.faults.iter().map(fault);
        notes.push(note(
            &counted(unused.faults.len() as u64, "fault"),
            file,
            "of no record",
            named,
            has_name,
        ));
    }
    notes
}

fn note(
    count: &str,
    file: &Path,
    what: &str,
    named: impl ExactSizeIterator<Item = String>,
    has_name: bool,
) -> String {
    let more = named.len().saturating_sub(MOST_NAMED);
    let mut named: Vec<String> = named.take(MOST_NAMED).collect();
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    let verb = if count.starts_with("1 ") {
        "was"
    } else {
        "were"
    };
    let remedy = if has_name {
        format!("; {NAMES}")
    } else {
        String::new()
    };
    format!(
        "{count} in {} {verb} {what}: {}{remedy}",
        shown(file),
        named.join(", ")
    )
}

fn answer(answer: &GivenAnswer) -> String {
    match (&answer.record_id, &answer.r#match) {
        (Some(id), _) => format!("`recordId` {id}"),
        (None, text) => format!("`match` {}", json!(text)),
    }
}

fn fault(fault: &RecordFault) -> String {
    let kind = json!(fault.kind);
    let kind = kind.as_str().unwrap_or_default();
    match (&fault.record, fault.every, fault.first) {
        (Some(record), ..) => format!("{kind} of {record}"),
        (None, Some(every), _) => format!("{kind} of every {every} from {}", fault.offset),
        (None, None, first) => format!("{kind} of the first {}", first.unwrap_or_default()),
    }
}
