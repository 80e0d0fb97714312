//! Each error that `trigger` returns has its name and its place, and starts nothing.

use crate::{World, at, event, event_of};
use quarry_edge::error::{Source, StepError};
use quarry_edge::failure::CallError;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_trigger::{Deps, TriggerEvent, handle};
use serde_json::Value;
use std::sync::Arc;

const TABLE: &str = "report\nbird\n";

/// Why an arrival fails the invocation. No run is started.
async fn failure(world: &World, deps: &Deps, event: Value) -> StepError {
    let event: TriggerEvent = serde_json::from_value(event).unwrap();
    let failed = handle(deps, event).await.unwrap_err();
    assert!(world.executions.executions().is_empty(), "{failed}");
    failed
}

#[tokio::test]
async fn a_store_error_has_its_name_and_its_place() {
    for (operation, nth, fault, name, place) in [
        (
            StoreOperation::Head,
            1,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "reading s3://quarry-data/inbox/strikes/may.csv",
        ),
        (
            StoreOperation::Get,
            1,
            StoreFault::Unavailable,
            "Quarry.Unavailable",
            "reading s3://quarry-data/pipelines/strikes/request.json",
        ),
        (
            StoreOperation::List,
            1,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "listing s3://quarry-data/pipelines/strikes/validation_schema_",
        ),
        (
            StoreOperation::Put,
            1,
            StoreFault::Throttled,
            "Quarry.Throttled",
            "writing s3://quarry-data/runs/arrivals/",
        ),
    ] {
        let world = World::new();
        let event = event_of(&world, "s3-object-created", TABLE).await;
        let faulty = FaultyStore::new(world.store.clone()).fail(operation, nth, fault);
        let deps = Deps {
            store: Arc::new(faulty),
            ..world.deps()
        };
        let failed = failure(&world, &deps, event.clone()).await;
        assert_eq!(failed.name(), name, "{failed}");
        let text = failed.full_message();
        assert!(text.contains(place), "{text} lacks {place}");
        // Lambda calls again.
        world.arrived(event).await;
        assert_eq!(world.executions.executions().len(), 1);
    }
}

#[tokio::test]
async fn a_run_that_cannot_be_started_is_named() {
    type Failure = fn(Source) -> CallError;
    let cases: [(Failure, &str); 5] = [
        (CallError::Throttled, "Quarry.Throttled"),
        (CallError::Unavailable, "Quarry.Unavailable"),
        (CallError::AccessDenied, "Quarry.AccessDenied"),
        (CallError::NotFound, "Quarry.NotFound"),
        (CallError::Refused, "Quarry.Refused"),
    ];
    for (refusal, name) in cases {
        let world = World::new();
        let event = event_of(&world, "s3-object-created", TABLE).await;
        world
            .executions
            .fail_next(refusal("the service's words".into()));
        let failed = failure(&world, &world.deps(), event).await;
        assert_eq!(failed.name(), name);
        let text = failed.full_message();
        for part in ["starting run strikes-", "the service's words"] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
    }
}

/// Without them, the names of different runs could be the same.
#[tokio::test]
async fn an_event_without_version_and_etag_is_refused() {
    let world = World::new();
    let mut event = event_of(&world, "s3-object-created", TABLE).await;
    event["detail"]["object"]["etag"] = Value::Null;
    event["detail"]["object"]["version-id"] = Value::Null;
    let failed = failure(&world, &world.deps(), event).await;
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let text = failed.full_message();
    assert!(
        text.contains("inbox/strikes/may.csv") && text.contains("neither `version-id` nor `etag`"),
        "{text}"
    );
}

/// An execution's input is limited to 256 KiB.
#[tokio::test]
async fn a_request_of_more_than_256_kib_is_refused_by_its_size() {
    let world = World::new();
    let body = format!("{{}}{}", " ".repeat(256 * 1024));
    let event = event_of(&world, "s3-request", &body).await;
    let failed = failure(&world, &world.deps(), event).await;
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let text = failed.full_message();
    assert!(
        text.contains("request.json") && text.contains("more than the 262144 allowed"),
        "{text}"
    );
}

#[tokio::test]
async fn a_request_that_says_what_requests_may_change_is_refused_with_the_remedy() {
    let world = World::new();
    let body = r#"{"request_settings": ["BEDROCK_MAX_TOKENS"]}"#;
    let event = event_of(&world, "s3-request", body).await;
    let failed = failure(&world, &world.deps(), event).await;
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let remedy = "move it to s3://quarry-data/pipelines/strikes/request.json";
    assert!(failed.full_message().ends_with(remedy), "{failed}");
}

#[tokio::test]
async fn an_arrival_leaves_one_note_and_nothing_else() {
    let world = World::new();
    let event = event_of(&world, "s3-object-created", TABLE).await;
    let before = world.store.locations();
    world.arrived(event).await;
    let mut new = world.store.locations();
    new.retain(|at| !before.contains(at));
    assert_eq!(new.len(), 1, "{new:?}");
    assert!(new[0].key().starts_with(at("runs/arrivals/").key()));
}

/// A run whose stop is not on record could start afterwards.
#[tokio::test]
async fn a_stop_that_leaves_no_mark_is_delivered_again_and_stops_nothing() {
    let world = World::new();
    let denied = StoreFault::AccessDenied;
    let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Put, 1, denied);
    let deps = Deps {
        store: Arc::new(faulty),
        ..world.deps()
    };
    let stopping: TriggerEvent = serde_json::from_value(event("callback-stopping")).unwrap();
    let answer = handle(&deps, stopping).await.unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1);
    assert!(world.callbacks.answers().is_empty());
}
