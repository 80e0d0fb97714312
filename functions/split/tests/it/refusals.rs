//! Each error that `split` returns has its name and its place, and no record is sent after it.

use crate::support::World;
use quarry_contract::payload::SliceState;
use quarry_contract::plan::{Plan, Slice};
use quarry_edge::documents;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::store::{ObjectStore, WriteCondition};
use std::sync::Arc;

/// Asserts that the round fails with this name and these words, and leaves no counts for a later
/// step.
async fn assert_fails(world: &World, state: &SliceState, name: &str, words: &[&str]) {
    let failed = world.split(state).await.unwrap_err();
    let text = failed.full_message();
    assert_eq!(failed.name(), name, "{text}");
    for words in words {
        assert!(text.contains(words), "{text} lacks {words}");
    }
    let round = world.round(state);
    let there = world.store.locations();
    assert!(!there.contains(&round.asked()) && !there.contains(&round.input()));
    assert!(world.store.open_uploads().is_empty());
}

#[tokio::test]
async fn a_copy_of_a_file_that_somebody_changed_is_named() {
    let world = World::of_rows(3, &[]).await;
    let plan: Plan = documents::read(&world.store, &world.run.plan())
        .await
        .unwrap();
    let at = &plan.tables[0].files[0].location;
    let other = "row\nr0\nr1\nR2\n".into();
    world
        .store
        .put(at, other, WriteCondition::Always)
        .await
        .unwrap();
    let state = world.state(0, 0);
    assert_fails(&world, &state, "Quarry.DataChanged", &["rows.csv"]).await;
}

#[tokio::test]
async fn a_deleted_copy_of_a_file_is_not_found() {
    let world = World::of_rows(3, &[]).await;
    let plan: Plan = documents::read(&world.store, &world.run.plan())
        .await
        .unwrap();
    world.store.delete(&plan.tables[0].files[0].location);
    let state = world.state(0, 0);
    assert_fails(&world, &state, "Quarry.NotFound", &["rows.csv"]).await;
}

#[tokio::test]
async fn a_slice_with_other_rows_than_planned_is_inconsistent() {
    let world = World::of_rows(3, &[]).await;
    let at = world.run.slice(0).spec();
    let slice: Slice = documents::read(&world.store, &at).await.unwrap();
    let slice = Slice { rows: 4, ..slice };
    documents::write(&world.store, &at, &slice).await.unwrap();
    let words = ["slice 0 was planned with 4 rows and now has 3"];
    assert_fails(&world, &world.state(0, 0), "Quarry.Inconsistent", &words).await;
}

/// A slice of 500 rows whose records are an upload of several parts.
async fn of_several_parts() -> World {
    let cell = "x".repeat(20_000);
    World::of_cells(&vec![cell.as_str(); 500], &[]).await
}

/// A function does nothing after its response, so an upload must be over by then.
#[tokio::test]
async fn a_call_that_fails_after_its_first_parts_leaves_no_upload() {
    let world = of_several_parts().await;
    let at = world.run.slice(0).spec();
    let slice: Slice = documents::read(&world.store, &at).await.unwrap();
    assert!(slice.bytes > 8 << 20, "one part would be enough");
    let slice = Slice { rows: 501, ..slice };
    documents::write(&world.store, &at, &slice).await.unwrap();
    let words = ["slice 0 was planned with 501 rows and now has 500"];
    assert_fails(&world, &world.state(0, 0), "Quarry.Inconsistent", &words).await;
}

/// The look for another copy is the fifth document that the call reads.
#[tokio::test]
async fn a_call_that_cannot_look_for_another_copy_leaves_no_upload() {
    let world = of_several_parts().await;
    let store = FaultyStore::new(world.store.clone());
    let store = Arc::new(store.fail(StoreOperation::Get, 5, StoreFault::AccessDenied));
    let failed = world.split_over(store.clone(), &world.state(0, 0)).await;
    assert_eq!(failed.unwrap_err().name(), "Quarry.AccessDenied");
    assert!(store.calls(StoreOperation::UploadPart) > 0);
    assert!(world.store.open_uploads().is_empty());
}

#[tokio::test]
async fn a_document_that_is_missing_is_named() {
    for which in 0..3 {
        let world = World::of_rows(3, &[]).await;
        let state = world.state(0, 1);
        world.list(&state, &[1]).await;
        let at = [
            world.run.plan(),
            world.run.slice(0).spec(),
            world.round(&state).todo(),
        ];
        world.store.delete(&at[which]);
        let words = [&*format!("reading {}", at[which])];
        assert_fails(&world, &state, "Quarry.NotFound", &words).await;
    }
}

#[tokio::test]
async fn a_document_of_another_version_is_refused_with_the_remedy() {
    let world = World::of_rows(3, &[]).await;
    let at = world.run.forms();
    let body = r#"{"version": 7}"#.into();
    world
        .store
        .put(&at, body, WriteCondition::Always)
        .await
        .unwrap();
    let words = [
        &*at.to_string(),
        "version 7",
        "start the run again with one version",
    ];
    assert_fails(&world, &world.state(0, 0), "Quarry.BadRequest", &words).await;
}

#[tokio::test]
async fn a_document_that_cannot_be_parsed_is_refused_by_its_place() {
    let world = World::of_rows(3, &[]).await;
    let at = world.run.slice(0).spec();
    let broken = r#"{"version": 1, "slice": "#.into();
    world
        .store
        .put(&at, broken, WriteCondition::Always)
        .await
        .unwrap();
    let words = [&*format!("reading {at}")];
    assert_fails(&world, &world.state(0, 0), "Quarry.Refused", &words).await;
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_store_error_says_whether_it_is_retried() {
    for (operation, nth, fault, name, place) in [
        (
            StoreOperation::Put,
            1,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "writing s3://bucket/work/run/slices/000000/round-0/input/records.jsonl",
        ),
        (
            StoreOperation::Put,
            2,
            StoreFault::Throttled,
            "Quarry.Throttled",
            "writing s3://bucket/work/run/slices/000000/round-0/asked.json",
        ),
        (
            StoreOperation::Get,
            1,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "reading s3://bucket/work/run/plan.json",
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
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "rows.csv",
        ),
        (
            StoreOperation::Get,
            2,
            StoreFault::Refused,
            "Quarry.Refused",
            "reading s3://bucket/work/run/slices/000000/slice.json",
        ),
        (
            StoreOperation::Put,
            1,
            StoreFault::Refused,
            "Quarry.Refused",
            "writing s3://bucket/work/run/slices/000000/round-0/input/records.jsonl",
        ),
    ] {
        let world = World::of_rows(3, &[]).await;
        let faulty = FaultyStore::new(world.store.clone()).fail_all(operation, nth.., fault);
        let failed = world.split_over(Arc::new(faulty), &world.state(0, 0)).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.name(), name, "{failed}");
        assert!(failed.full_message().contains(place), "{failed}");
    }
}

/// A body that breaks off is read again and does not become another row.
#[tokio::test(start_paused = true)]
async fn a_read_that_breaks_off_is_retried() {
    let world = World::of_rows(3, &[]).await;
    let state = world.state(0, 0);
    let faulty = FaultyStore::new(world.store.clone());
    let faulty = faulty.fail(StoreOperation::GetRange, 1, StoreFault::Cut(7));
    world.split_over(Arc::new(faulty), &state).await.unwrap();
    assert_eq!(world.records(&state).await.len(), 3);
}
