//! Each error that `invoke` returns has its name and its place.

use crate::support::{Scripted, deps, invoke, kept_lines, planned, round};
use quarry_contract::layout::RunFolder;
use quarry_contract::plan::Asked;
use quarry_edge::clock::Unlimited;
use quarry_edge::documents;
use quarry_edge::error::Source;
use quarry_edge::on_demand::InvokeError;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_invoke::{Deps, handle};
use quarry_planned_run::MODEL;
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn the_name_of_a_service_error_says_whether_the_call_is_retried() {
    type Failure = fn(Source) -> InvokeError;
    let cases: [(Failure, &str); 4] = [
        (InvokeError::Throttled, "Quarry.Throttled"),
        (InvokeError::Unavailable, "Quarry.Unavailable"),
        (InvokeError::AccessDenied, "Quarry.AccessDenied"),
        (InvokeError::NotFound, "Quarry.NotFound"),
    ];
    for (failure, name) in cases {
        let store = MemoryStore::new();
        let state = planned(&store, 2).await;
        let model = Scripted::new(move |_, _| Err(failure("the service's words".into())));
        let failed = invoke(&store, &model, &state).await.unwrap_err();
        assert_eq!(failed.name(), name);
        let text = failed.full_message();
        for part in [
            &format!("asking {MODEL} about record_0"),
            "the service's words",
        ] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        assert!(kept_lines(&store).await.is_empty(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_that_is_missing_is_named() {
    for which in 0..3 {
        let store = MemoryStore::new();
        let state = planned(&store, 2).await;
        let run = RunFolder::at(state.run.clone());
        let at = [run.plan(), run.slice(0).spec(), round(&state).asked()];
        store.delete(&at[which]);
        let model = Scripted::new(|_, _| Ok(()));
        let failed = invoke(&store, &model, &state).await.unwrap_err();
        assert_eq!(failed.name(), "Quarry.NotFound");
        let words = format!("reading {}", at[which]);
        assert!(failed.full_message().contains(&words), "{failed}");
        assert_eq!(model.calls(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn records_that_split_did_not_write_are_not_sent() {
    let store = MemoryStore::new();
    let state = planned(&store, 2).await;
    let at = round(&state).asked();
    let asked: Asked = documents::read(&store, &at).await.unwrap();
    let other = Asked {
        etag: "\"other\"".to_owned(),
        ..asked
    };
    documents::write(&store, &at, &other).await.unwrap();
    let model = Scripted::new(|_, _| Ok(()));
    let failed = invoke(&store, &model, &state).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.Unavailable");
    assert!(failed.full_message().contains("records.jsonl"), "{failed}");
    assert_eq!(model.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_object_among_the_answers_is_refused_with_the_remedy() {
    let store = MemoryStore::new();
    let state = planned(&store, 2).await;
    let folder = round(&state).on_demand_output();
    let at = folder.join("notes.txt");
    store
        .put(&at, "x".into(), WriteCondition::Always)
        .await
        .unwrap();
    let model = Scripted::new(|_, _| Ok(()));
    let failed = invoke(&store, &model, &state).await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.BadRequest");
    let text = failed.full_message();
    assert!(
        text.contains(&folder.to_string()) && text.ends_with("remove it"),
        "{text}"
    );
    assert_eq!(model.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_store_error_says_whether_it_is_retried() {
    for (operation, fault, name, place) in [
        (
            StoreOperation::Get,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "reading s3://bucket/work/run/plan.json",
        ),
        (
            StoreOperation::List,
            StoreFault::Throttled,
            "Quarry.Throttled",
            "listing s3://bucket/work/run/slices/000000/round-0/output/on-demand/",
        ),
        (
            StoreOperation::GetRange,
            StoreFault::Unavailable,
            "Quarry.Unavailable",
            "reading s3://bucket/work/run/slices/000000/round-0/input/records.jsonl",
        ),
        (
            StoreOperation::Put,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "writing s3://bucket/work/run/slices/000000/round-0/output/on-demand/0000000000000000-",
        ),
    ] {
        let store = MemoryStore::new();
        let state = planned(&store, 2).await;
        let model = Scripted::new(|_, _| Ok(()));
        let faulty = FaultyStore::new(store.clone()).fail_all(operation, 1.., fault);
        let deps = Deps {
            store: Arc::new(faulty),
            ..deps(&store, &model)
        };
        let failed = handle(&deps, state, &Unlimited).await.unwrap_err();
        assert_eq!(failed.name(), name, "{failed}");
        assert!(
            failed.full_message().contains(place),
            "{}",
            failed.full_message()
        );
    }
}
