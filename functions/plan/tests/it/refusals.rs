//! Each error that `plan` returns has its name, its place and its remedy.

use crate::support::{refusal, rows, run};
use quarry_edge::clock::Unlimited;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use std::sync::Arc;

#[tokio::test]
async fn a_payload_or_a_request_of_another_version_is_refused() {
    let mut input = rows(1).await;
    input.payload.version = 2;
    let text = refusal(&input).await;
    assert!(text.contains("the payload has version 2"), "{text}");
    let mut input = rows(1).await;
    input.payload.request.version = 0;
    let text = refusal(&input).await;
    assert!(text.contains("the request has version 0"), "{text}");
}

#[tokio::test]
async fn a_run_without_a_work_prefix_is_refused_with_the_remedy() {
    let mut input = rows(1).await;
    input.payload.request.work = None;
    let text = refusal(&input).await;
    assert!(
        text.contains("no `work` location") && text.ends_with("set `work`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_folder_that_bedrock_does_not_accept_for_job_files_is_refused() {
    let mut input = rows(1).await;
    input.payload.execution = "a run".to_owned();
    let text = refusal(&input).await;
    assert!(
        text.contains("Bedrock takes no ` `") && text.contains("s3://bucket/work/a run"),
        "{text}"
    );
}

#[tokio::test]
async fn a_result_in_the_data_folder_is_refused() {
    let mut input = rows(1).await;
    input.payload.request.output = "s3://bucket/in".parse().unwrap();
    let text = refusal(&input).await;
    assert!(
        text.contains("a later run would read its own results; use another folder"),
        "{text}"
    );
}

#[tokio::test]
async fn an_unknown_setting_or_value_is_refused_with_what_is_allowed() {
    let text = refusal(&rows(1).await.set("BEDROCK_MAX_TOKEN", "5")).await;
    assert!(
        text.contains("did you mean `BEDROCK_MAX_TOKENS`?"),
        "{text}"
    );
    let text = refusal(&rows(1).await.set("BEDROCK_MAX_RETRIES", "11")).await;
    assert_eq!(text, "BEDROCK_MAX_RETRIES is `11`; allowed: 0 to 10");
    let mut input = rows(1).await;
    let deployment = &mut input.deployment;
    deployment.insert("BEDROCK_MAX_RETRIES".to_owned(), "x".to_owned());
    let text = refusal(&input).await;
    assert!(
        text.contains("BEDROCK_MAX_RETRIES is `x`"),
        "the deployment's too: {text}"
    );
}

#[tokio::test]
async fn a_column_that_the_result_would_have_twice_is_refused_with_the_remedy() {
    let files = [("rows.csv", &b"row,llm_status\nr0,x\n"[..])];
    let input = quarry_planned_run::RunInput::new(crate::support::CELL, &files).await;
    let text = refusal(&input).await;
    for words in ["rows.csv", "`llm_status`", "BEDROCK_REPLACE_COLUMNS=true"] {
        assert!(text.contains(words), "{text}");
    }
    input
        .set("BEDROCK_REPLACE_COLUMNS", "true")
        .plan()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_placeholder_without_a_column_is_refused_with_the_file_and_the_column() {
    let files = [("rows.csv", &b"other\nr0\n"[..])];
    let input = quarry_planned_run::RunInput::new(crate::support::CELL, &files).await;
    let text = refusal(&input).await;
    assert!(text.contains("rows.csv") && text.contains("row"), "{text}");
}

#[tokio::test]
async fn a_file_without_a_header_is_refused_by_its_name() {
    let files = [("rows.csv", &b""[..])];
    let input = quarry_planned_run::RunInput::new(crate::support::CELL, &files).await;
    let text = refusal(&input).await;
    assert!(
        text.starts_with("rows.csv is empty: it needs a header row"),
        "{text}"
    );
}

#[tokio::test]
async fn progress_that_cannot_be_parsed_is_refused_by_its_place() {
    let input = rows(1).await;
    let broken = r#"{"version": 1, "settings": "#;
    input.put("work/run/plan-progress.json", broken).await;
    let store = Arc::new(input.store.clone());
    let failed = input.call(store, 1, &Unlimited).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.Refused", "{failed}");
    let place = format!("reading {}", run().plan_progress());
    assert!(failed.full_message().contains(&place), "{failed}");
    assert!(!input.store.locations().contains(&run().plan()));
}

/// From which call on an operation fails and how, and the name of the error with a part of its text.
fn store_errors() -> [(StoreOperation, u64, StoreFault, &'static str, &'static str); 11] {
    [
        (
            StoreOperation::Get,
            3,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "reading s3://bucket/prompts/prompts.json",
        ),
        (
            StoreOperation::Get,
            3,
            StoreFault::Throttled,
            "Quarry.Throttled",
            "reading s3://bucket/prompts/prompts.json",
        ),
        (
            StoreOperation::CreateUpload,
            1,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "checking that s3://bucket/out/ can be written",
        ),
        (
            StoreOperation::AbortUpload,
            1,
            StoreFault::Unavailable,
            "Quarry.Unavailable",
            "checking that s3://bucket/out/ can be written",
        ),
        (
            StoreOperation::List,
            1,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "listing s3://bucket/in/",
        ),
        (
            StoreOperation::GetRange,
            1,
            StoreFault::Unavailable,
            "Quarry.Unavailable",
            "rows.csv",
        ),
        (
            StoreOperation::GetRange,
            1,
            StoreFault::Changed,
            "Quarry.DataChanged",
            "rows.csv",
        ),
        (
            StoreOperation::Put,
            1,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "writing s3://bucket/work/run/run.json",
        ),
        (
            StoreOperation::Put,
            3,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "writing s3://bucket/work/run/slices/000000/slice.json",
        ),
        (
            StoreOperation::Put,
            4,
            StoreFault::Throttled,
            "Quarry.Throttled",
            "writing s3://bucket/work/run/manifest.json",
        ),
        (
            StoreOperation::Put,
            5,
            StoreFault::Unavailable,
            "Quarry.Unavailable",
            "writing s3://bucket/work/run/plan.json",
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_store_error_says_whether_it_is_retried() {
    for (operation, nth, fault, name, place) in store_errors() {
        let input = rows(3).await;
        let faulty = FaultyStore::new(input.store.clone()).fail_all(operation, nth.., fault);
        let failed = input.call(Arc::new(faulty), 0, &Unlimited).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.name(), name, "{failed}");
        assert!(failed.full_message().contains(place), "{failed}");
    }
}

#[tokio::test]
async fn an_object_that_the_store_refuses_is_named() {
    for (operation, nth, place) in [
        (
            StoreOperation::Get,
            3,
            "reading s3://bucket/prompts/prompts.json",
        ),
        (
            StoreOperation::Put,
            5,
            "writing s3://bucket/work/run/plan.json",
        ),
    ] {
        let input = rows(3).await;
        let refuses = StoreFault::Refused;
        let faulty = FaultyStore::new(input.store.clone()).fail(operation, nth, refuses);
        let failed = input.call(Arc::new(faulty), 0, &Unlimited).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.name(), "Quarry.Refused", "{failed}");
        assert!(failed.full_message().contains(place), "{failed}");
    }
}

/// The summary may have a location of its own.
#[tokio::test]
async fn both_folders_that_the_run_writes_to_are_checked_before_the_data() {
    let mut input = rows(1).await;
    input.payload.request.summary = Some("s3://bucket/summaries/".parse().unwrap());
    let denied = StoreFault::AccessDenied;
    let faulty = FaultyStore::new(input.store.clone());
    let faulty = Arc::new(faulty.fail(StoreOperation::CreateUpload, 2, denied));
    let store = Arc::<FaultyStore<_>>::clone(&faulty);
    let failed = input.call(store, 0, &Unlimited).await.unwrap_err();
    let words = "checking that s3://bucket/summaries/ can be written";
    assert!(failed.full_message().contains(words), "{failed}");
    assert_eq!(faulty.calls(StoreOperation::GetRange), 0);
}
