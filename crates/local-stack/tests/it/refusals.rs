//! Promise: a run that the service refuses ends early with the service's words and the remedy, and
//! a run with a transient refusal continues when the refusal has passed.

use crate::support::{Case, csv};
use quarry_bedrock_simulator::Faults;
use quarry_local_stack::{Finished, RunError};
use serde_json::{Value, json};

/// Names of settings with their values.
type Settings<'a> = &'a [(&'a str, &'a str)];

const ON_DEMAND: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
const NOVA_PRO: &str = "amazon.nova-pro-v1:0";

fn faults(value: Value) -> Faults {
    serde_json::from_value(value).unwrap()
}

async fn run(
    rows: usize,
    settings: &[(&str, &str)],
    fault: Value,
) -> (Case, Result<Finished, RunError>) {
    let case = Case::new(&csv(rows), settings, |config| config.faults = faults(fault)).await;
    let ended = case.run().await;
    (case, ended)
}

fn number(summary: &Value, pointer: &str) -> u64 {
    let number = summary.pointer(pointer).and_then(Value::as_u64);
    number.unwrap_or_else(|| panic!("{pointer} in {summary}"))
}

/// The service's words, and the remedy that the run gives its user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_is_denied_ends_the_run_at_the_first_call() {
    let realtime = ("BEDROCK_BATCH_MODE", "realtime");
    let by_profile = ("BEDROCK_PRIMARY_MODEL_ID", ON_DEMAND);
    let by_its_bare_id = (
        "BEDROCK_PRIMARY_MODEL_ID",
        "anthropic.claude-sonnet-4-20250514-v1:0",
    );
    let no_batch =
        json!({"models": [{"model": "anthropic.claude-sonnet-4-2025", "refuses": ["batch"]}]});
    let call = |kind| json!({"calls": [{"operation": "invoke", "kind": kind, "every": 1}]});
    let cases: [(Settings<'_>, Value, &str, &str); 5] = [
        (
            &[realtime, by_its_bare_id],
            json!({}),
            "on-demand throughput isn",
            "`global.anthropic.claude-sonnet-4-20250514-v1:0`",
        ),
        (
            &[realtime, by_profile],
            call("not_in_region"),
            "The provided model identifier is invalid",
            "set BEDROCK_PRIMARY_MODEL_ID to",
        ),
        (
            &[realtime, by_profile],
            call("legacy"),
            "marked by provider as Legacy",
            "a model that has not ended",
        ),
        (
            &[],
            no_batch,
            "Batch inference is not supported",
            "set BEDROCK_BATCH_MODE to `realtime`",
        ),
        (
            &[],
            json!({"calls": [{"operation": "create", "kind": "not_in_region", "every": 1}]}),
            "The provided model identifier is invalid",
            "creating job quarry-",
        ),
    ];
    for (settings, fault, words, remedy) in cases {
        let (case, ended) = run(300, settings, fault).await;
        let error = ended.unwrap_err();
        assert_eq!(error.error, "Quarry.Refused", "{error}");
        let place = error
            .cause
            .find(words)
            .unwrap_or_else(|| panic!("{words} in {error}"));
        assert!(place < 200, "a pipeline is told 256 characters: {error}");
        assert!(error.cause.contains(remedy), "{remedy} in {error}");
        let counters = case.stack.counters();
        assert!(counters.on_demand_calls <= 1, "{words}");
        assert_eq!(counters.jobs_created, 0, "{words}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_use_of_a_model_is_waited_for_and_then_fails_with_the_remedy() {
    for kind in ["subscription_pending", "use_case_form_missing"] {
        for (operation, mode) in [("invoke", "realtime"), ("create", "batch")] {
            let settings = [
                ("BEDROCK_PRIMARY_MODEL_ID", ON_DEMAND),
                ("BEDROCK_BATCH_MODE", mode),
            ];
            let fault = |minutes| json!({"calls": [{"operation": operation, "kind": kind, "minutes": minutes}]});
            let (_case, ended) = run(120, &settings, fault(15)).await;
            let finished = ended.unwrap_or_else(|error| panic!("{kind}, {mode}: {error}"));
            assert_eq!(number(&finished.summary, "/validation_passed_records"), 120);

            let (case, ended) = run(120, &settings, fault(90)).await;
            let error = ended.unwrap_err();
            assert_eq!(error.error, "Quarry.ModelAccessPending", "{error}");
            assert!(
                error
                    .cause
                    .contains("call the model once as an administrator"),
                "{error}"
            );
            assert!(
                !error.cause.contains("Model access page"),
                "the console has none any more"
            );
            let counters = case.stack.counters();
            assert!(
                counters.on_demand_calls <= 21,
                "{}",
                counters.on_demand_calls
            );
        }
    }
}

/// A batch run in which both models refuse one row in ten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_refused_for_their_content_never_end_a_run_that_is_paid_for() {
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", ON_DEMAND),
        ("BEDROCK_FALLBACK_MODEL_ID", NOVA_PRO),
    ];
    let fault = json!({"records": [
        {"every": 10, "kind": "error_line", "code": 400, "message": "Input is too long for requested model.", "times": 99}
    ]});
    let (case, ended) = run(300, &settings, fault).await;
    let summary = ended.unwrap().summary;
    assert_eq!(number(&summary, "/failed_records"), 30);
    assert_eq!(number(&summary, "/validation_passed_records"), 270);
    assert_eq!(case.stack.counters().jobs_created, 1);
    // Each of these records is sent once to the run's model, which must refuse it first, and once
    // to the fallback model.
    assert_eq!(case.stack.counters().on_demand_calls, 60);
    let result = case.result().await;
    assert!(
        result.contains("400: Input is too long for requested model."),
        "{result}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tier_that_answered_is_counted_and_a_busy_flex_is_left() {
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", NOVA_PRO),
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_SERVICE_TIER", "flex"),
        ("BEDROCK_FLEX_WAIT_MINUTES", "30"),
        ("BEDROCK_MODEL_CAPABILITIES", r#"{"flex": true}"#),
    ];
    for (minutes, tier) in [(10, "flex"), (600, "default")] {
        let fault = json!({"calls": [
            {"operation": "invoke", "kind": "throttle", "tier": "flex", "minutes": minutes}
        ]});
        let (_case, ended) = run(40, &settings, fault).await;
        let summary = ended.unwrap().summary;
        assert_eq!(summary["service_tiers"], json!({tier: 40}));
        let notes = summary["notes"].to_string();
        assert_eq!(
            notes.contains("BEDROCK_FLEX_WAIT_MINUTES"),
            tier == "default",
            "{notes}"
        );
    }
}

/// A round in another form does not count as an attempt, so it takes place even without retries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_the_service_refuses_costs_one_job_or_twenty_calls() {
    for (mode, jobs, calls) in [("batch", 2, 0), ("realtime", 0, 20 + 120)] {
        let settings = [
            ("BEDROCK_PRIMARY_MODEL_ID", ON_DEMAND),
            ("BEDROCK_BATCH_MODE", mode),
            ("BEDROCK_MAX_RETRIES", "0"),
        ];
        let fault = json!({"models": [
            {"model": "anthropic.claude-sonnet-4-2025", "refuses": ["tool_choice"]}
        ]});
        let (case, ended) = run(120, &settings, fault).await;
        let summary = ended
            .unwrap_or_else(|error| panic!("{mode}: {error}"))
            .summary;
        assert_eq!(number(&summary, "/successful_records"), 120, "{mode}");
        let counters = case.stack.counters();
        assert_eq!(
            (counters.jobs_created, counters.on_demand_calls),
            (jobs, calls),
            "{mode}"
        );
        let notes = summary["notes"].to_string();
        assert!(
            notes.contains("tool_choice") && notes.contains("asked again with"),
            "{notes}"
        );
        assert_eq!(
            summary["refusals"][0]["asked_again"], true,
            "{}",
            summary["refusals"]
        );
    }
}

/// Slices that begin after the form was learned do not pay for it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn later_slices_know_what_one_slice_has_learned() {
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", ON_DEMAND),
        ("BEDROCK_MAX_RECORDS_PER_JOB", "100"),
        ("BEDROCK_MAX_CONCURRENT_BATCH_JOBS", "1"),
        ("BEDROCK_MAX_RETRIES", "0"),
    ];
    let fault = json!({"models": [
        {"model": "anthropic.claude-sonnet-4-2025", "refuses": ["tool_choice"]}
    ]});
    let (case, ended) = run(300, &settings, fault).await;
    let summary = ended.unwrap().summary;
    assert_eq!(number(&summary, "/successful_records"), 300);
    assert_eq!(case.stack.counters().jobs_created, 4);
}

/// The run's model refuses every fifth record for reasons of its own. The fallback model refuses
/// the form in which it gets these records; after 20 calls it gets the next form, and every row has
/// an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fallback_model_that_refuses_every_record_gets_another_form() {
    let settings = [
        ("BEDROCK_BATCH_MODE", "realtime"),
        ("BEDROCK_MAX_RETRIES", "0"),
        ("BEDROCK_FALLBACK_MODEL_ID", "us.anthropic.claude-opus-5"),
    ];
    let fault = json!({
        "records": [
            {"every": 5, "kind": "error_line", "code": 400, "message": "not this one", "times": 3}
        ],
        "models": [{"model": "anthropic.claude-opus-5", "refuses": ["tool_choice"]}],
    });
    let (case, ended) = run(200, &settings, fault).await;
    let summary = ended.unwrap().summary;
    assert_eq!(number(&summary, "/failed_records"), 0, "{summary}");
    // The simulator counts the calls to both models together, so a record with more than three calls
    // gets its answer from the run's model.
    assert!(number(&summary, "/answers/by_fallback_model") >= 20);
    // 200 records, and 20 of the 40 that go to the fallback model; the simulator refuses its
    // structured output too; then these 40 to each model, with an offered tool.
    let calls = (200 + 20) + (40 + 20) + (40 + 40);
    assert!(case.stack.counters().on_demand_calls <= calls);
    let notes = summary["notes"].to_string();
    assert!(notes.contains("tool_choice"), "{notes}");
}
