//! Promise: a service that does not work is waited for. It is no success, no error of any row, and
//! costs nothing twice.

use crate::fated::Fates;
use crate::support::{Case, assert_every_row_once, csv, is_long};
use quarry_edge::fates::{Fate, InjectedError, OutsideOperation};
use quarry_local_stack::{CallLimit, Finished, RunError};
use quarry_state_machine::Status;
use serde_json::{Value, json};

const ROWS: usize = 300;
const WORDS: &str = "Internal server error. Please try again.";

async fn run(fault: Value, settings: &[(&str, &str)]) -> (Case, Result<Finished, RunError>) {
    run_over(ROWS, fault, settings).await
}

async fn run_over(
    rows: usize,
    fault: Value,
    settings: &[(&str, &str)],
) -> (Case, Result<Finished, RunError>) {
    let mut all = vec![("BEDROCK_MAX_RECORDS_PER_JOB", "150")];
    all.extend(settings);
    let case = Case::new(&csv(rows), &all, |config| {
        config.faults = serde_json::from_value(fault).unwrap();
    })
    .await;
    let ended = case.run().await;
    (case, ended)
}

/// Returns the faults of the first `jobs` jobs, which end without an answer.
fn ends(jobs: u64, status: &str) -> Value {
    let ends: Vec<Value> = (0..jobs)
        .map(|job| {
            json!({"job": job, "kind": "end", "status": status, "answered": 0.0, "message": WORDS})
        })
        .collect();
    json!({"jobs": ends})
}

fn assert_paid_once(case: &Case) {
    let records = case.stack.simulator().records();
    for asks in records.iter().filter(|asks| !asks.record_id.is_empty()) {
        assert_eq!(asks.good, 1, "{}", asks.record_id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_jobs_never_work_fails_with_the_jobs_message() {
    for status in ["Failed", "Expired", "Stopped"] {
        let settings = [
            ("BEDROCK_OUTAGE_WAIT_HOURS", "12"),
            ("BEDROCK_MAX_RETRIES", "0"),
        ];
        let (case, ended) = run(ends(100, status), &settings).await;
        let error = ended.unwrap_err();
        assert_eq!(error.error, "Quarry.Refused", "{error}");
        assert!(error.cause.contains(WORDS), "{error}");
        assert!(
            error.cause.contains(&format!("ended as {status}")),
            "{error}"
        );
        let jobs = case.stack.counters().jobs_created;
        assert!((4..20).contains(&jobs), "{status}: {jobs}");
    }
}

/// The result is that of a run without the outage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_that_passes_costs_time_and_nothing_else() {
    let (whole, ended) = run(json!({}), &[]).await;
    ended.unwrap();
    let whole = whole.result().await;
    assert_every_row_once(&csv(ROWS), &whole);
    for status in ["Failed", "Expired", "Stopped"] {
        let settings = [
            ("BEDROCK_MAX_RETRIES", "0"),
            ("BEDROCK_OUTAGE_WAIT_HOURS", "72"),
        ];
        let (case, ended) = run(ends(3, status), &settings).await;
        let finished = ended.unwrap();
        assert_eq!(case.result().await, whole, "{status}");
        assert_eq!(finished.summary["failed_records"], 0, "{status}");
        assert_eq!(case.stack.counters().jobs_created, 5, "{status}");
        assert!(finished.outcome.virtual_elapsed.as_secs() > 5 * 60);
        assert_paid_once(&case);
    }
}

/// Every line of every job is an error of the service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_which_the_service_fails_on_every_record_fails() {
    // On demand, each record is called for a day.
    let forms = [
        ("batch", ROWS, false),
        ("realtime", 20, false),
        ("batch", ROWS, true),
    ];
    for (mode, rows, allow) in forms {
        let fault = json!({"records": [
            {"every": 1, "kind": "error_line", "code": 500, "message": WORDS, "times": 1000}
        ]});
        let mut settings = vec![("BEDROCK_BATCH_MODE", mode), ("BEDROCK_MAX_RETRIES", "1")];
        if allow {
            settings.push(("BEDROCK_NO_ANSWERS", "allow"));
        }
        let (case, ended) = run_over(rows, fault, &settings).await;
        if allow {
            assert_eq!(ended.unwrap().summary["failed_records"], rows);
            assert_eq!(case.stack.counters().jobs_created, 4);
            continue;
        }
        let error = ended.unwrap_err();
        assert!(error.cause.contains(WORDS), "{mode}: {error}");
    }
}

/// The service works, and each line stands in the place of an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_which_nothing_that_came_back_is_an_answer_fails_with_what_it_was() {
    for (mode, kind, words) in [
        ("batch", "guardrail_intervened", "a guardrail intervened ("),
        (
            "realtime",
            "guardrail_intervened",
            "a guardrail intervened (",
        ),
        ("batch", "refusal", "declined to answer"),
        (
            "batch",
            "conflicting_duplicate",
            "two different answers came back",
        ),
        ("batch", "malformed_line", "lines that are no answer lines"),
    ] {
        let fault = json!({"records": [{"every": 1, "kind": kind, "times": 1000}]});
        let settings = [("BEDROCK_BATCH_MODE", mode), ("BEDROCK_MAX_RETRIES", "0")];
        let (_case, ended) = run(fault, &settings).await;
        let error = ended.unwrap_err();
        let rows = format!("{ROWS} of {ROWS} rows");
        for words in [words, &rows, "start a new run"] {
            assert!(error.cause.contains(words), "{mode}, {kind}: {error}");
        }
    }
}

/// The rows of one slice are too much for the model, and those of the other slice are not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_records_that_the_service_fails_on_makes_error_rows_if_others_are_answered() {
    let bad: Vec<Value> = (0..150)
        .map(|row| {
            json!({"record": format!("record_{row}"), "kind": "error_line", "code": 500, "message": "oh", "times": 1000})
        })
        .collect();
    let (case, ended) = run(json!({"records": bad}), &[("BEDROCK_MAX_RETRIES", "2")]).await;
    let summary = ended.unwrap().summary;
    assert_eq!(summary["failed_records"], 150);
    assert_every_row_once(&csv(ROWS), &case.result().await);
    assert!(case.stack.counters().jobs_created <= 5);
}

/// The service works again when the run is redriven.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_gave_up_in_an_outage_is_redriven_to_a_whole_result() {
    let settings = [
        ("BEDROCK_OUTAGE_WAIT_HOURS", "1"),
        ("BEDROCK_MAX_RETRIES", "0"),
    ];
    let (case, ended) = run(ends(10, "Failed"), &settings).await;
    ended.unwrap_err();
    let before = case.stack.counters().jobs_created;
    let mut outcome = case.stack.redrive("run").unwrap().run().await;
    // Some of the ten jobs may not have been made before.
    while matches!(outcome.status, Status::Failed { .. }) {
        outcome = case.stack.redrive("run").unwrap().run().await;
    }
    assert!(
        matches!(outcome.status, Status::Succeeded(_)),
        "{outcome:?}"
    );
    assert_every_row_once(&csv(ROWS), &case.result().await);
    assert!(case.stack.counters().jobs_created > before);
    assert_paid_once(&case);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_an_hour_without_bedrock_is_waited_out() {
    for (operation, mode) in [
        ("create", "batch"),
        ("get", "batch"),
        ("invoke", "realtime"),
    ] {
        let fault = json!({"calls": [
            {"operation": operation, "kind": "unavailable", "minutes": 30}
        ]});
        let (case, ended) = run(fault, &[("BEDROCK_BATCH_MODE", mode)]).await;
        let finished = ended.unwrap_or_else(|error| panic!("{operation}: {error}"));
        assert!(finished.outcome.virtual_elapsed.as_secs() >= 30 * 60);
        assert_eq!(finished.summary["failed_records"], 0, "{operation}");
        assert_paid_once(&case);
    }
}

/// The output, or only the manifest, comes after the end of its job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_output_is_waited_for_before_anything_is_asked_again() {
    let late = |fault: Value| json!({"jobs": [fault]});
    for fault in [
        late(json!({"job": 0, "kind": "late_output", "minutes": 20})),
        late(json!({"job": 1, "kind": "late_output", "minutes": 60, "answered": 0.5})),
        late(json!({"job": 0, "kind": "no_manifest", "minutes": 3})),
        late(json!({"job": 0, "kind": "no_manifest"})),
    ] {
        let (case, ended) = run(fault.clone(), &[]).await;
        let summary = ended.unwrap().summary;
        assert_eq!(summary["failed_records"], 0, "{fault}");
        assert_eq!(case.stack.counters().jobs_created, 2, "{fault}");
        assert_eq!(case.stack.counters().on_demand_calls, 0, "{fault}");
        assert_eq!(summary["rounds"].as_array().unwrap().len(), 1, "{fault}");
        assert_paid_once(&case);
    }
}

/// A run in which the calls about one row meet a fate.
struct Breaking<'a> {
    row: usize,
    rows: usize,
    settings: &'a [(&'a str, &'a str)],
    faults: &'a Value,
    fate: Fate,
    limit: CallLimit,
}

impl Breaking<'_> {
    async fn run(&self) {
        let Self {
            row,
            rows,
            fate,
            limit,
            ..
        } = *self;
        let place = format!("{row} {:?} {fate:?} {limit:?}", self.settings);
        let prompt = format!("Judge {row:05}: row {row},");
        let fates = Fates::new(move |call| {
            let is_it = call.call.operation == OutsideOperation::Invoke
                && call.call.subject.contains(&prompt);
            if is_it { fate } else { Fate::Made }
        });
        let case = Case::new(&csv(rows), self.settings, |config| {
            config.faults = serde_json::from_value(self.faults.clone()).unwrap();
            config.surround = Some(fates.surround());
            config.call_limit = limit;
        })
        .await;
        let ended = case.run().await;
        let finished = ended.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(finished.summary["failed_records"], 1, "{place}");
        let result = case.result().await;
        assert_every_row_once(&csv(rows), &result);
        assert!(result.contains("injected"), "{place}: the row says why");
        let waited = finished.outcome.virtual_elapsed.as_secs();
        assert!(waited < 2 * 3_600, "{place}: {waited}");
    }
}

/// The connection breaks before a status, whenever this record is sent: on its own or beside others, as
/// the first of a round or later, in a first round or in one after a job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_calls_always_break_is_an_error_of_that_record() {
    // It is the only record of a round after a job that has no line for it.
    let missing = json!({"records": [
        {"record": "record_60", "kind": "missing", "on_demand": false, "times": 9}
    ]});
    let batch = ("BEDROCK_BATCH_MODE", "batch");
    let realtime = ("BEDROCK_BATCH_MODE", "realtime");
    let group = |records| [realtime, ("BEDROCK_BATCH_SIZE", records)];
    let alone = [
        realtime,
        ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
        ("BEDROCK_MAX_RECORDS_PER_JOB", "1"),
    ];
    let job = [batch, ("BEDROCK_MIN_RECORDS_PER_JOB", "100")];
    // With the second fate, the service has worked on the record.
    let (before, behind) = (Fate::Fails(InjectedError::Unavailable), Fate::ResponseLost);
    let (whole, pieces) = (CallLimit::None, CallLimit::Pieces(1));
    let short = [(before, whole), (behind, pieces)];
    let long = [(before, pieces), (behind, whole)];
    let long = long.into_iter().filter(|_| is_long());
    for (row, rows, settings, faults) in [
        (0, 40, &group("1")[..], &json!({})),
        (0, 40, &group("10"), &json!({})),
        (39, 40, &group("7"), &json!({})),
        (6, 12, &alone, &json!({})),
        (60, 120, &job, &missing),
    ] {
        for (fate, limit) in short.into_iter().chain(long.clone()) {
            let breaking = Breaking {
                row,
                rows,
                settings,
                faults,
                fate,
                limit,
            };
            Box::pin(breaking.run()).await;
        }
    }
}
