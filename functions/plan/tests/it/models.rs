//! Settings that need something that a model does not have.

use quarry_contract::layout::RunFolder;
use quarry_contract::plan::{Mode, Plan};
use quarry_edge::documents;
use quarry_edge::s3::memory::MemoryStore;
use quarry_planned_run::{MODEL, STARTED, planned, try_planned};

const ROLE: (&str, &str) = (
    "BEDROCK_BATCH_ROLE_ARN",
    "arn:aws:iam::123456789012:role/BatchRole",
);
const OPUS_4_1: &str = "us.anthropic.claude-opus-4-1-20250805-v1:0";
const SONNET_5_5: &str = "global.anthropic.claude-sonnet-5-5";

/// Returns why a run that is started at this time cannot be planned.
async fn refusal(started: &str, settings: &[(&str, &str)]) -> String {
    let refused = try_planned(&MemoryStore::new(), 3, started, settings).await;
    let error = refused.expect_err("the run must be refused");
    assert_eq!(error.name(), "Quarry.BadRequest");
    error.to_string()
}

async fn assert_refused(settings: &[(&str, &str)], parts: &[&str]) {
    let text = refusal(STARTED, settings).await;
    for part in parts {
        assert!(text.contains(part), "{text} lacks {part}");
    }
}

async fn plan_of(rows: u32, settings: &[(&str, &str)]) -> Plan {
    let store = MemoryStore::new();
    let run = RunFolder::at(planned(&store, rows, settings).await.run);
    documents::read(&store, &run.plan()).await.unwrap()
}

#[tokio::test]
async fn more_tokens_than_the_model_answers_with_are_refused_with_model_and_ceiling() {
    let settings = [("BEDROCK_MAX_TOKENS", "64001")];
    assert_refused(
        &settings,
        &["64001", MODEL, "at most 64000", "max_output_tokens"],
    )
    .await;
    plan_of(1, &[("BEDROCK_MAX_TOKENS", "64000")]).await;
}

#[tokio::test]
async fn a_model_is_used_on_its_last_day_and_refused_from_the_next() {
    let settings = [("BEDROCK_PRIMARY_MODEL_ID", OPUS_4_1)];
    let last = "2027-01-08T23:59:59Z";
    try_planned(&MemoryStore::new(), 1, last, &settings)
        .await
        .expect("the last day counts");
    let text = refusal("2027-01-09T00:00:00.000Z", &settings).await;
    for part in [
        OPUS_4_1,
        "ended on 2027-01-08",
        "such as us.anthropic.",
        "end_of_life",
    ] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    let corrected = [
        ("BEDROCK_PRIMARY_MODEL_ID", OPUS_4_1),
        (
            "BEDROCK_MODEL_CAPABILITIES",
            r#"{"end_of_life": "2027-06-30"}"#,
        ),
    ];
    try_planned(&MemoryStore::new(), 1, "2027-01-09T00:00:00Z", &corrected)
        .await
        .expect("the settings know better");
}

#[tokio::test]
async fn a_fallback_model_that_has_ended_is_refused_too() {
    let settings = [(
        "BEDROCK_FALLBACK_MODEL_ID",
        "anthropic.claude-3-5-haiku-20241022-v1:0",
    )];
    let text = refusal("2026-11-28T00:00:00Z", &settings).await;
    assert!(
        text.contains("(BEDROCK_FALLBACK_MODEL_ID) ended on 2026-06-19"),
        "{text}"
    );
}

#[tokio::test]
async fn a_start_that_is_not_a_time_is_refused() {
    let text = refusal("today", &[]).await;
    assert!(text.contains("`started` is `today`"), "{text}");
}

#[tokio::test]
async fn jobs_of_a_model_without_batch_inference_are_refused() {
    let settings = [
        ROLE,
        ("BEDROCK_PRIMARY_MODEL_ID", SONNET_5_5),
        ("BEDROCK_BATCH_MODE", "batch"),
    ];
    assert_refused(
        &settings,
        &["BEDROCK_BATCH_MODE is batch", SONNET_5_5, "realtime"],
    )
    .await;
}

#[tokio::test]
async fn a_model_without_batch_inference_is_called_on_demand_with_a_note() {
    let plan = plan_of(
        5,
        &[
            ROLE,
            ("BEDROCK_PRIMARY_MODEL_ID", SONNET_5_5),
            ("BEDROCK_BATCH_THRESHOLD", "2"),
            ("BEDROCK_MIN_RECORDS_PER_JOB", "1"),
        ],
    )
    .await;
    assert_eq!(plan.tables[0].mode, Mode::OnDemand);
    let note = format!("batch jobs do not take {SONNET_5_5}");
    assert!(
        plan.notes.iter().any(|text| text.contains(&note)),
        "{:?}",
        plan.notes
    );
}

#[tokio::test]
async fn effort_thinking_and_tiers_are_refused_if_the_model_lacks_them() {
    assert_refused(
        &[("BEDROCK_EFFORT", "high")],
        &["BEDROCK_EFFORT is high", MODEL, "no effort"],
    )
    .await;
    assert_refused(
        &[("BEDROCK_SERVICE_TIER", "flex")],
        &["BEDROCK_SERVICE_TIER is flex", MODEL],
    )
    .await;
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", SONNET_5_5),
        ("BEDROCK_THINKING", "off"),
    ];
    assert_refused(
        &settings,
        &["BEDROCK_THINKING is off", SONNET_5_5, "always thinks"],
    )
    .await;
    let settings = [
        ("BEDROCK_PRIMARY_MODEL_ID", "us.amazon.nova-2-lite-v1:0"),
        ("BEDROCK_EFFORT", "max"),
    ];
    assert_refused(
        &settings,
        &["BEDROCK_EFFORT is max", "takes low, medium, high"],
    )
    .await;
}

#[tokio::test]
async fn all_missing_capabilities_are_reported_together() {
    let settings = [("BEDROCK_EFFORT", "high"), ("BEDROCK_MAX_TOKENS", "999999")];
    assert_refused(&settings, &["BEDROCK_EFFORT", "BEDROCK_MAX_TOKENS"]).await;
}

#[tokio::test]
async fn what_the_fallback_model_lacks_is_left_out_of_its_requests_with_a_note() {
    let plan = plan_of(
        1,
        &[
            ("BEDROCK_PRIMARY_MODEL_ID", SONNET_5_5),
            ("BEDROCK_EFFORT", "max"),
            ("BEDROCK_FALLBACK_MODEL_ID", MODEL),
        ],
    )
    .await;
    let note = format!("BEDROCK_EFFORT is not sent to the fallback model {MODEL}");
    assert!(
        plan.notes.iter().any(|text| text.contains(&note)),
        "{:?}",
        plan.notes
    );
}

#[tokio::test]
async fn a_model_that_writes_no_text_is_refused() {
    let settings = [("BEDROCK_PRIMARY_MODEL_ID", "amazon.nova-canvas-v1:0")];
    assert_refused(
        &settings,
        &["amazon.nova-canvas-v1:0 (BEDROCK_PRIMARY_MODEL_ID) cannot be asked, because"],
    )
    .await;
}

#[tokio::test]
async fn a_text_that_no_model_can_be_named_is_refused() {
    for setting in [
        "BEDROCK_PRIMARY_MODEL_ID",
        "BEDROCK_INFERENCE_PROFILE_ARN",
        "BEDROCK_FALLBACK_MODEL_ID",
    ] {
        let settings = [(setting, "not a model!")];
        assert_refused(&settings, &[setting, "\"not a model!\"", "letters, digits"]).await;
    }
}

#[tokio::test]
async fn a_model_without_a_row_is_used_with_a_note() {
    for (model, note) in [
        (
            "us.anthropic.claude-haiku-4.5",
            "is asked as a model of Anthropic that is not listed",
        ),
        ("my-own-model", "names no model of the table"),
    ] {
        let plan = plan_of(1, &[("BEDROCK_PRIMARY_MODEL_ID", model)]).await;
        assert!(
            plan.notes.iter().any(|text| text.contains(note)),
            "{model}: {:?}",
            plan.notes
        );
    }
}
