//! What `--answers` and `--faults` of `quarry run` name and the run did not have.

use crate::input::shown;
use quarry_bedrock_simulator::{GivenAnswer, RecordFault, UnusedScript};
use quarry_runs::counted;
use quarry_table::quote;
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
    let has_name = unused.answers.iter().any(|one| one.record_id.is_some());
    let named: Vec<String> = unused.answers.iter().map(answer).collect();
    let of_answers =
        answers.and_then(|file| note("answer", file, "used for no record", &named, has_name));
    let has_name = unused.faults.iter().any(|one| one.record.is_some());
    let named: Vec<String> = unused.faults.iter().map(fault).collect();
    let of_faults = faults.and_then(|file| note("fault", file, "of no record", &named, has_name));
    of_answers.into_iter().chain(of_faults).collect()
}

/// Returns a note on what a file has and the run did not use, if there is any of it.
fn note(thing: &str, file: &Path, what: &str, named: &[String], has_name: bool) -> Option<String> {
    let verb = match named.len() {
        0 => return None,
        1 => "was",
        _ => "were",
    };
    let remedy = if has_name {
        format!("; {NAMES}")
    } else {
        String::new()
    };
    Some(format!(
        "{} in {} {verb} {what}: {}{remedy}",
        counted(named.len() as u64, thing),
        shown(file),
        quote::first_of(named, MOST_NAMED)
    ))
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
