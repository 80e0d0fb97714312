//! Promise: every row comes back once, whatever happens to its answer; only records that need it
//! are sent again, and nothing is paid for twice.

use crate::support::{Case, assert_every_row_once, csv};
use quarry_bedrock_simulator::Faults;
use serde_json::{Value, json};

fn faults(value: Value) -> Faults {
    serde_json::from_value(value).unwrap()
}

const ROWS: usize = 300;

async fn run_with(fault: Value, settings: &[(&str, &str)]) -> (Case, Value) {
    let data = csv(ROWS);
    let case = Case::new(&data, settings, |config| config.faults = faults(fault)).await;
    let finished = case.run().await.unwrap();
    assert_every_row_once(&data, &case.result().await);
    // The call that tests whether the service is up depends on no record and has no record id.
    let records = case.stack.simulator().records();
    for asks in records.iter().filter(|asks| !asks.record_id.is_empty()) {
        assert!(
            asks.good <= 1,
            "{} was paid for {} times",
            asks.record_id,
            asks.good
        );
    }
    (case, finished.summary)
}

fn number(summary: &Value, pointer: &str) -> u64 {
    summary
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("{pointer} in {summary}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_record_fault_is_counted_by_name_and_only_its_rows_are_sent_again() {
    // The kind, the count that shows it, and whether the row's record must be sent again.
    let kinds = [
        ("error_line", "errors", true),
        ("missing", "missing", true),
        ("duplicate", "duplicates", false),
        ("conflicting_duplicate", "contradictions", true),
        ("unknown_id", "unknown_ids", true),
        ("malformed_line", "malformed", true),
        ("german_quotes", "repaired", false),
        ("fenced", "good", false),
        ("prose", "good", false),
        ("schema_violation", "invalid", true),
        ("max_tokens", "cut_off", true),
        ("refusal", "invalid", true),
        ("guardrail_intervened", "invalid", true),
        ("tool_call_leak", "repaired", false),
        ("nested_as_text", "repaired", false),
    ];
    for (kind, count, again) in kinds {
        let mut fault = json!({"records": [{"every": 100, "offset": 7, "kind": kind}]});
        if kind == "error_line" {
            // A record with a client error would not be sent again.
            fault["records"][0]["code"] = json!(500);
        }
        let (_case, summary) = run_with(fault, &[]).await;
        assert!(
            number(&summary, &format!("/answers/{count}")) >= 3,
            "{kind}: {summary}"
        );
        let asked = ROWS as u64 + if again { 3 } else { 0 };
        assert_eq!(number(&summary, "/answers/asked"), asked, "{kind}");
        assert_eq!(
            number(&summary, "/validation_passed_records"),
            ROWS as u64,
            "{kind}"
        );
        assert_eq!(
            number(&summary, "/rows/answered_on_demand"),
            if again { 3 } else { 0 },
            "{kind}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_a_job_are_used_whatever_its_end() {
    for (status, answered) in [
        ("Completed", 0.9),
        ("PartiallyCompleted", 0.5),
        ("Failed", 0.5),
        ("Stopped", 0.25),
        ("Expired", 0.0),
    ] {
        let fault =
            json!({"jobs": [{"job": 0, "kind": "end", "status": status, "answered": answered}]});
        let (_case, summary) = run_with(fault, &[]).await;
        assert_eq!(
            number(&summary, "/validation_passed_records"),
            ROWS as u64,
            "{status}"
        );
        assert_eq!(summary["batch_job_info"]["jobs"][0]["status"], status);
        // Enough remaining rows make a job; fewer are sent on demand.
        let left = ROWS as u64 - number(&summary, "/rounds/0/good");
        let jobs = number(&summary, "/batch_job_info/total_jobs");
        assert_eq!(
            jobs,
            if left >= 100 { 2 } else { 1 },
            "{status}: {left} left"
        );
    }
}

/// This happens after a redrive: `settle` stops the jobs of a run that somebody stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_job_does_not_count_as_an_attempt() {
    for (status, lost) in [("Stopped", 0), ("Expired", ROWS as u64 / 2)] {
        let fault = json!({"jobs": [{"job": 0, "kind": "end", "status": status, "answered": 0.5}]});
        let (_case, summary) = run_with(fault, &[("BEDROCK_MAX_RETRIES", "0")]).await;
        assert_eq!(number(&summary, "/failed_records"), lost, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_created_once_despite_throttling_a_full_quota_and_lost_responses() {
    for fault in [
        json!({"jobs": [{"job": 0, "kind": "throttle_create", "times": 5}]}),
        json!({"jobs": [{"job": 0, "kind": "quota_create", "times": 30}]}),
        json!({"jobs": [{"job": 0, "kind": "lost_create_response"}]}),
        json!({"jobs": [{"job": 0, "kind": "lost_create_response", "cut": true}]}),
        json!({"calls": [{"operation": "get", "kind": "throttle", "first": 4}]}),
    ] {
        let (case, summary) = run_with(fault.clone(), &[]).await;
        assert_eq!(case.stack.counters().jobs_created, 1, "{fault}");
        assert_eq!(number(&summary, "/batch_job_info/total_jobs"), 1, "{fault}");
        assert_eq!(number(&summary, "/answers/asked"), ROWS as u64, "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_quota_is_waited_for_over_hours() {
    let data = csv(ROWS);
    let fault = faults(json!({"jobs": [{"job": 0, "kind": "quota_create", "times": 40}]}));
    let case = Case::new(&data, &[], |config| config.faults = fault).await;
    let finished = case.run().await.unwrap();
    assert!(finished.outcome.virtual_elapsed.as_secs() > 3 * 3600);
    assert_eq!(case.stack.counters().jobs_created, 1);
}

/// Runs with one record that gets the same error every time. Returns how often it was sent, and its
/// row.
async fn one_bad_record(fault: Value) -> (u64, Value, String) {
    let (case, summary) = run_with(fault, &[("BEDROCK_MAX_RETRIES", "2")]).await;
    assert_eq!(number(&summary, "/failed_records"), 1);
    let asks = case.stack.simulator().asks("record_42");
    let asks = asks
        .iter()
        .map(quarry_bedrock_simulator::RecordAsks::asks)
        .sum();
    let result = case.result().await;
    let row = result.split("\n00042,").nth(1).unwrap();
    let row = row.split("\n00043,").next().unwrap().to_owned();
    assert!(row.contains(",error,False,error,"), "{row}");
    (asks, summary, row)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_the_service_refuses_is_sent_once_and_its_words_are_in_row_and_summary() {
    let fault = json!({"records": [
        {"record": "record_42", "kind": "error_line", "code": 400, "message": "no", "times": 99}
    ]});
    let (asks, summary, row) = one_bad_record(fault).await;
    assert_eq!(asks, 1, "the same record gets the same error");
    assert!(row.contains("400: no"), "{row}");
    let refusals = json!([
        {"error": "400: no", "lines": 1, "example_row": 42, "asked_again": false}
    ]);
    assert_eq!(summary["refusals"], refusals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_the_service_fails_on_is_an_error_of_its_row_and_not_of_the_run() {
    let fault = json!({"records": [
        {"record": "record_42", "kind": "error_line", "code": 500, "message": "oh", "times": 1000}
    ]});
    let (_, summary, row) = one_bad_record(fault).await;
    assert_eq!(summary["rounds"].as_array().unwrap().len(), 3);
    assert!(row.contains("oh"), "{row}");
}

/// It costs one job, or the calls that are needed to notice it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_which_every_record_is_refused_fails_with_the_services_words() {
    for (mode, jobs, calls) in [("batch", 1, 0), ("realtime", 0, 20)] {
        let settings = [
            ("BEDROCK_BATCH_MODE", mode),
            ("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "1"),
        ];
        let case = Case::new(&csv(ROWS), &settings, |config| {
            config.faults = serde_json::from_value(json!({"records": [
                {"every": 1, "kind": "error_line", "code": 400, "message": "this account has no quota", "times": 1000}
            ]}))
            .unwrap();
        })
        .await;
        let error = case.run().await.unwrap_err();
        assert_eq!(error.error, "Quarry.Refused", "{error}");
        assert!(
            error.cause.contains("400: this account has no quota"),
            "{error}"
        );
        let counters = case.stack.counters();
        assert_eq!(
            (counters.jobs_created, counters.on_demand_calls),
            (jobs, calls)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_demand_throttling_delays_and_loses_nothing() {
    let fault = json!({"calls": [
        {"operation": "invoke", "kind": "throttle", "every": 3},
        {"operation": "invoke", "kind": "unavailable", "every": 17}
    ]});
    let (case, summary) = run_with(
        fault,
        &[
            ("BEDROCK_BATCH_MODE", "realtime"),
            ("BEDROCK_CONCURRENCY_MODE", "concurrent"),
        ],
    )
    .await;
    assert_eq!(number(&summary, "/validation_passed_records"), ROWS as u64);
    assert_eq!(case.stack.counters().jobs_created, 0);
    assert_eq!(case.stack.counters().on_demand_answers, ROWS as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_at_once_still_adds_up() {
    let fault: Value = serde_json::from_str(include_str!(
        "../../../../examples/wildlife-strikes/faults.json"
    ))
    .unwrap();
    let data = csv(2_000);
    let case = Case::new(&data, &[("BEDROCK_MAX_RECORDS_PER_JOB", "300")], |config| {
        config.faults = faults(fault);
    })
    .await;
    let finished = case.run().await.unwrap();
    assert_every_row_once(&data, &case.result().await);
    let summary = finished.summary;
    assert_eq!(number(&summary, "/rows/in"), 2_000);
    assert_eq!(number(&summary, "/rows/out"), 2_000);
    assert_eq!(
        number(&summary, "/successful_records") + number(&summary, "/failed_records"),
        2_000
    );
    for asks in case.stack.simulator().records() {
        assert!(
            asks.good <= 1,
            "{} was paid for {} times",
            asks.record_id,
            asks.good
        );
    }
}

/// What the lines report is what the simulator counted in its manifests and charged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tokens_of_the_summary_are_those_that_were_paid_and_those_of_the_manifest() {
    for kind in [
        "guardrail_intervened",
        "refusal",
        "max_tokens",
        "duplicate",
        "conflicting_duplicate",
        "unknown_id",
    ] {
        let fault = json!({"records": [{"every": 100, "offset": 7, "kind": kind}]});
        let (case, summary) = run_with(fault, &[]).await;
        let counters = case.stack.counters();
        let tokens = ["input", "output"].map(|side| number(&summary, &format!("/tokens/{side}")));
        let paid = [counters.input_tokens, counters.output_tokens];
        assert_eq!(tokens, paid, "{kind}");
        let differences = summary["reconciliation"]["differences"].to_string();
        assert!(!differences.contains("tokens"), "{kind}: {differences}");
    }
    // A lost line was charged, and its tokens are in the manifest only.
    let fault = json!({"records": [{"every": 100, "offset": 7, "kind": "malformed_line"}]});
    let (_case, summary) = run_with(fault, &[]).await;
    let differences = summary["reconciliation"]["differences"].to_string();
    for words in [
        "input tokens, the output has",
        "output tokens, the output has",
    ] {
        assert!(differences.contains(words), "{differences}");
    }
}

/// The service charges each reply that breaks off, so their number is bounded by the settings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_reply_always_breaks_off_is_sent_twice_for_each_attempt() {
    let broken = 3;
    for retries in [0, 2_u64] {
        let fault = json!({"records": [
            {"every": 100, "offset": 7, "kind": "broken_off", "times": 1000}
        ]});
        let retries = retries.to_string();
        let settings = [
            ("BEDROCK_BATCH_MODE", "realtime"),
            ("BEDROCK_MAX_RETRIES", retries.as_str()),
        ];
        let (case, summary) = run_with(fault, &settings).await;
        let attempts = retries.parse::<u64>().unwrap() + 1;
        let records = case.stack.simulator().records();
        let most = records.iter().map(|asks| asks.on_demand).max();
        assert_eq!(most, Some(2 * attempts));
        let lost = broken * 2 * attempts;
        // In a round in which no record is answered, one more call asks whether the service works.
        let questions = attempts - 1;
        assert_eq!(
            case.stack.counters().on_demand_calls,
            ROWS as u64 - broken + lost + questions
        );
        assert_eq!(number(&summary, "/answers/lost_replies"), lost);
        assert_eq!(number(&summary, "/failed_records"), broken);
        let text = summary["refusals"][0]["error"].as_str().unwrap();
        assert!(text.starts_with("502: the reply broke off"), "{text}");
        let notes = summary["notes"].to_string();
        assert!(notes.contains(&format!("{lost} calls on demand got no whole reply")));
    }
}
