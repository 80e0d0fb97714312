//! Promise: no cell, prompt or answer is ever logged, every log line says what it is about, and
//! everything is counted once.

use crate::support::Case;
use quarry_bedrock_simulator::{AnswerSource, Faults, GivenAnswer};
use quarry_edge::metrics::Metric;
use quarry_edge::telemetry::subscriber;
use quarry_local_stack::CallLimit;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Once;
use tracing::level_filters::LevelFilter;

const CELL: &str = "cell-7f3a";
const ANSWER: &str = "answer-91bc";

thread_local! {
    /// What this thread has logged, for tests that read it.
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| {
            if let Some(logged) = logged {
                logged.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts to keep what this thread logs. The subscriber belongs to the process, because a
/// subscriber of one thread misses lines that another thread reached first.
fn keep_log() {
    static START: Once = Once::new();
    START.call_once(|| {
        let lines = subscriber(LevelFilter::TRACE, || ThisThread);
        tracing::subscriber::set_global_default(lines).unwrap();
    });
    LOGGED.set(Some(Vec::new()));
}

fn marked_csv(rows: usize) -> String {
    let mut text = String::from("id,text\n");
    for row in 0..rows {
        let _ = writeln!(
            text,
            "{row:05},{CELL} of row {row} which is longer than some cells may be"
        );
    }
    text
}

/// Answers that keep the schema, and one that does not even parse.
fn marked_answers() -> AnswerSource {
    let good = json!({"kind": "a", "score": 0.5, "note": ANSWER}).to_string();
    let answer = |record_id: Option<&str>, text: &str| GivenAnswer {
        record_id: record_id.map(str::to_owned),
        text: Some(text.to_owned()),
        ..GivenAnswer::default()
    };
    AnswerSource::Given {
        answers: vec![
            answer(Some("record_5"), &format!("{ANSWER} {{\"kind\": ")),
            answer(None, &good),
        ],
        schema: None,
    }
}

/// Faults of every kind, so that the paths that explain an error run too.
fn faults() -> Faults {
    let kinds = [
        "error_line",
        "missing",
        "duplicate",
        "conflicting_duplicate",
        "unknown_id",
        "malformed_line",
        "german_quotes",
        "fenced",
        "schema_violation",
        "max_tokens",
    ];
    let records: Vec<Value> = kinds
        .iter()
        .enumerate()
        .map(|(offset, kind)| json!({"every": 90, "offset": 10 + offset, "kind": kind}))
        .collect();
    serde_json::from_value(json!({
        "records": records,
        "jobs": [{"job": 0, "kind": "throttle_create"}],
        "calls": [{"operation": "invoke", "kind": "throttle", "every": 7}],
    }))
    .unwrap()
}

// The handlers run only on this thread.
#[tokio::test]
async fn what_is_in_the_data_or_in_an_answer_is_never_logged() {
    keep_log();
    let settings = [
        ("BEDROCK_MAX_RETRIES", "2"),
        ("BEDROCK_MAX_INPUT_FIELD_LENGTH", "40"),
    ];
    let case = Case::new(&marked_csv(300), &settings, |config| {
        config.answers = marked_answers();
        config.faults = faults();
    })
    .await;
    case.run().await.unwrap();
    assert!(
        case.result().await.contains(ANSWER),
        "the marker is in the result"
    );
    // This run fails because of its data.
    let broken = format!("id,text\n1,{CELL}\n2,{CELL},{CELL},\"{CELL}\n");
    let refused = Case::new(&broken, &[], |_| {}).await;
    assert!(refused.run().await.is_err());

    let log = String::from_utf8(LOGGED.take().unwrap()).unwrap();
    for marker in [CELL, ANSWER, "Judge "] {
        assert!(!log.contains(marker), "{marker} is in the log:\n{log}");
    }
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for message in [
        "planned",
        "cells were cut",
        "records written",
        "job created",
        "answers joined",
        "asked on demand",
        "finished",
        "failed",
    ] {
        assert!(
            lines.iter().any(|line| line["message"] == message),
            "`{message}` is in the log"
        );
    }
    let own = lines.iter().filter(|line| line.get("span").is_some());
    for line in own {
        let span = &line["span"];
        assert_eq!(span["run"], "run", "{line}");
        let of_run = ["plan", "finish"]
            .iter()
            .any(|name| span["function"] == *name);
        assert!(of_run || span["slice"].is_u64(), "{line}");
        assert!(of_run || span["round"].is_u64(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_many_calls_is_counted_once() {
    let settings = [
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_BATCH_SIZE", "100"),
    ];
    let case = Case::new(&marked_csv(400), &settings, |config| {
        config.answers = marked_answers();
        config.call_limit = CallLimit::Pieces(1);
    })
    .await;
    let finished = case.run().await.unwrap();
    let once = |metric, sum| {
        let count = case.stack.metric(metric);
        assert_eq!((count.times, count.sum), (1, sum), "{metric:?}");
    };
    once(Metric::RowsPlanned, 400);
    once(Metric::SlicesPlanned, 1);
    once(Metric::Rows, 400);
    once(Metric::RowsFailed, 0);
    let number = |pointer: &str| finished.summary.pointer(pointer).unwrap().as_u64().unwrap();
    once(Metric::Answers, number("/answers/answered"));
    once(Metric::Repaired, number("/rows/repaired"));
    once(Metric::Missing, number("/answers/missing"));
    once(Metric::InputTokens, number("/tokens/input"));
    once(Metric::OutputTokens, number("/tokens/output"));
    let calls = case.stack.metric(Metric::OnDemandCalls);
    assert_eq!(calls.sum, case.stack.counters().on_demand_calls);
    assert!(calls.times > 12, "invoke was called again and again");
    assert_eq!(case.stack.metric(Metric::FunctionErrors).sum, 0);
    assert_eq!(case.stack.metric(Metric::JobsCreated).times, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_counted_by_how_they_end() {
    let faults = json!({"jobs": [
        {"job": 0, "kind": "throttle_create"},
        {"job": 0, "kind": "end", "status": "Expired", "answered": 0.5},
        {"job": 1, "kind": "end", "status": "Failed", "answered": 0.0},
    ]});
    let settings = [
        ("BEDROCK_MAX_RETRIES", "2"),
        ("BEDROCK_MIN_RECORDS_PER_JOB", "100"),
    ];
    let case = Case::new(&marked_csv(300), &settings, |config| {
        config.faults = serde_json::from_value(faults).unwrap();
    })
    .await;
    let finished = case.run().await.unwrap();
    let sum = |metric| case.stack.metric(metric).sum;
    assert_eq!(sum(Metric::JobsCreated), 3);
    assert_eq!(sum(Metric::JobsEnded), 3);
    assert_eq!((sum(Metric::JobsExpired), sum(Metric::JobsFailed)), (1, 1));
    assert_eq!(
        (sum(Metric::Throttles), sum(Metric::FunctionErrors)),
        (1, 1)
    );
    let jobs = finished.summary.pointer("/batch_job_info/jobs").unwrap();
    let seconds: u64 = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["seconds"].as_u64().unwrap())
        .sum();
    assert_eq!(sum(Metric::JobDurationSeconds), seconds);
    let looks = case.stack.metric(Metric::JobAgeSeconds);
    assert!(looks.times > 3 && looks.sum > 0, "{looks:?}");
}
