//! Each error that `merge` returns has its name and its place.

use crate::support::{World, answer};
use quarry_contract::payload::SliceState;
use quarry_contract::plan::{Plan, Slice};
use quarry_edge::documents;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_planned_run::RunInput;
use std::sync::Arc;

const WHOLE: &str = r#"{"user_prompt_template": "Judge {input_data}"}"#;

/// A slice of three rows whose only round has answers.
async fn answered() -> (World, SliceState) {
    let world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
    let lines = [answer(0), answer(1), answer(2)];
    let state = world.answered(world.first(0), &lines).await;
    (world, state)
}

/// Asserts that the slice fails with this name and these words, and leaves no receipt for `finish`.
async fn assert_fails(world: &World, state: &SliceState, name: &str, words: &[&str]) {
    let failed = world.merge(state).await.unwrap_err();
    let text = failed.full_message();
    assert_eq!(failed.name(), name, "{text}");
    for words in words {
        assert!(text.contains(words), "{text} lacks {words}");
    }
    let receipt = world.run.slice(0).receipt();
    assert!(!world.store.locations().contains(&receipt));
    assert!(world.store.open_uploads().is_empty());
}

#[tokio::test]
async fn a_document_that_is_missing_is_named() {
    for which in 0..3 {
        let (world, state) = answered().await;
        let at = [
            world.run.plan(),
            world.run.slice(0).spec(),
            world.round(&state).asked(),
        ];
        world.store.delete(&at[which]);
        let words = [&*format!("reading {}", at[which])];
        assert_fails(&world, &state, "Quarry.NotFound", &words).await;
    }
}

#[tokio::test]
async fn a_later_round_without_its_list_of_rows_is_not_found() {
    let world = World::new(3, 100, &[]).await;
    let after = world.round_of(world.first(0), &[answer(0)]).await;
    let state = world.answered(after, &[answer(1)]).await;
    let at = world.round(&state).todo();
    world.store.delete(&at);
    assert_fails(&world, &state, "Quarry.NotFound", &[&at.to_string()]).await;
}

#[tokio::test]
async fn a_round_that_was_not_counted_is_not_found() {
    let world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", "1")]).await;
    let first = world.first(0);
    let counts = world.round(&first).counts();
    let after = world.round_of(first, &[answer(0)]).await;
    let state = world.answered(after, &[answer(1)]).await;
    world.store.delete(&counts);
    assert_fails(&world, &state, "Quarry.NotFound", &[&counts.to_string()]).await;
}

#[tokio::test]
async fn outcomes_of_an_earlier_round_that_cannot_be_read_are_named() {
    let world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", "1")]).await;
    let first = world.first(0);
    let at = world.round(&first).results();
    let after = world.round_of(first, &[answer(0)]).await;
    let state = world.answered(after, &[answer(1)]).await;
    world
        .store
        .put(&at, "[]\n".into(), WriteCondition::Always)
        .await
        .unwrap();
    assert_fails(&world, &state, "Quarry.BadRequest", &[&at.to_string()]).await;
}

#[tokio::test]
async fn a_copy_of_a_file_that_somebody_changed_is_named() {
    let (world, state) = answered().await;
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
    assert_fails(&world, &state, "Quarry.DataChanged", &["rows.csv"]).await;
}

#[tokio::test]
async fn a_slice_with_other_rows_than_planned_is_inconsistent() {
    let (world, state) = answered().await;
    let at = world.run.slice(0).spec();
    let slice: Slice = documents::read(&world.store, &at).await.unwrap();
    let slice = Slice { rows: 4, ..slice };
    documents::write(&world.store, &at, &slice).await.unwrap();
    let words = ["slice 0 was planned with 4 rows and now has 3"];
    assert_fails(&world, &state, "Quarry.Inconsistent", &words).await;
}

/// A function does nothing after its response, so an upload must be over by then.
#[tokio::test]
async fn a_call_that_fails_after_its_first_parts_leaves_no_upload() {
    let table = format!("row\n{}", format!("{}\n", "x".repeat(20_000)).repeat(500));
    let input = RunInput::new(WHOLE, &[("rows.csv", table.as_bytes())]).await;
    let world = World::of(input.set("BEDROCK_MAX_RETRIES", "0")).await;
    let lines: Vec<String> = (0..500).map(answer).collect();
    let state = world.answered(world.first(0), &lines).await;
    let at = world.run.slice(0).spec();
    let slice: Slice = documents::read(&world.store, &at).await.unwrap();
    let slice = Slice { rows: 501, ..slice };
    documents::write(&world.store, &at, &slice).await.unwrap();
    let words = ["slice 0 was planned with 501 rows and now has 500"];
    assert_fails(&world, &state, "Quarry.Inconsistent", &words).await;
}

#[tokio::test]
async fn a_document_of_another_version_is_refused_with_the_remedy() {
    let (world, state) = answered().await;
    let at = world.round(&state).asked();
    let body = r#"{"version": 9}"#.into();
    world
        .store
        .put(&at, body, WriteCondition::Always)
        .await
        .unwrap();
    let words = [
        &*at.to_string(),
        "version 9",
        "start the run again with one version",
    ];
    assert_fails(&world, &state, "Quarry.BadRequest", &words).await;
}

/// The manifest holds only a handful of numbers.
#[tokio::test]
async fn a_manifest_of_more_than_1_mib_is_refused_by_its_size() {
    let (world, state) = answered().await;
    let name = "abcdefghijkl/manifest.json.out";
    world
        .output(&state, name, &[" ".repeat((1 << 20) + 1)])
        .await;
    let words = [name, "1048577 bytes, more than the 1048576 allowed"];
    assert_fails(&world, &state, "Quarry.BadRequest", &words).await;
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_store_error_says_whether_it_is_retried() {
    for (operation, nth, fault, name, place) in [
        (
            StoreOperation::Get,
            1,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "reading s3://bucket/work/run/plan.json",
        ),
        (
            StoreOperation::List,
            1,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "listing s3://bucket/work/run/slices/000000/round-0/output/abcdefghijkl/",
        ),
        (
            StoreOperation::GetRange,
            1,
            StoreFault::Changed,
            "Quarry.Unavailable",
            "records.jsonl.out",
        ),
        (
            StoreOperation::GetRange,
            1,
            StoreFault::Throttled,
            "Quarry.Throttled",
            "records.jsonl.out",
        ),
        (
            StoreOperation::Put,
            1,
            StoreFault::Unavailable,
            "Quarry.Unavailable",
            "writing s3://bucket/work/run/slices/000000/round-0/counts.json",
        ),
        (
            StoreOperation::Put,
            2,
            StoreFault::AccessDenied,
            "Quarry.AccessDenied",
            "writing s3://bucket/work/run/slices/000000/part",
        ),
        (
            StoreOperation::Put,
            3,
            StoreFault::Throttled,
            "Quarry.Throttled",
            "writing s3://bucket/work/run/slices/000000/receipt.json",
        ),
    ] {
        let (world, state) = answered().await;
        let faulty = FaultyStore::new(world.store.clone()).fail_all(operation, nth.., fault);
        let failed = world.merge_over(Arc::new(faulty), &state).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.name(), name, "{failed}");
        assert!(
            failed.full_message().contains(place),
            "{}",
            failed.full_message()
        );
    }
}
