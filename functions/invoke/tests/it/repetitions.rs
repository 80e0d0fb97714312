//! A repeated call does not send records with a stored answer again.

use crate::support::{Scripted, all_ids, deps, ids, invoke, kept_lines, planned_with, round};
use quarry_contract::payload::Step;
use quarry_edge::clock::Unlimited;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_invoke::{Deps, handle};
use quarry_planned_run::contents;
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn a_repetition_with_all_answers_stored_makes_no_call_and_writes_nothing() {
    let store = MemoryStore::new();
    let state = planned_with(&store, 12, &[]).await;
    let model = Scripted::new(|_, _| Ok(()));
    let first = invoke(&store, &model, &state).await.unwrap();
    let written = contents(&store).await;
    assert_eq!(invoke(&store, &model, &state).await.unwrap(), first);
    assert_eq!(model.calls(), 12);
    assert_eq!(contents(&store).await, written);
}

/// A crash costs at most the answers that were not stored yet.
#[tokio::test(start_paused = true)]
async fn a_call_that_dies_at_any_write_loses_no_more_than_one_batch() {
    for nth in 1..=3 {
        let store = MemoryStore::new();
        let state = planned_with(&store, 12, &[("BEDROCK_BATCH_SIZE", "5")]).await;
        let model = Scripted::new(|_, _| Ok(()));
        let faulty = FaultyStore::new(store.clone());
        let faulty = faulty.fail(StoreOperation::Put, nth, StoreFault::Unavailable);
        let deps = Deps {
            store: Arc::new(faulty),
            ..deps(&store, &model)
        };
        let died = handle(&deps, state.clone(), &Unlimited).await.unwrap_err();
        assert_eq!(died.name(), "Quarry.Unavailable");
        let after = invoke(&store, &model, &state).await.unwrap();
        assert_eq!(after.next, Step::Merge);
        assert_eq!(ids(&kept_lines(&store).await), all_ids(12), "write {nth}");
        assert!(model.calls() <= 12 + 5, "write {nth}: {}", model.calls());
    }
}

#[tokio::test(start_paused = true)]
async fn answers_whose_writing_was_not_confirmed_are_not_paid_for_again() {
    let store = MemoryStore::new();
    let state = planned_with(&store, 12, &[("BEDROCK_BATCH_SIZE", "5")]).await;
    let model = Scripted::new(|_, _| Ok(()));
    let faulty = FaultyStore::new(store.clone());
    let faulty = faulty.fail(StoreOperation::Put, 2, StoreFault::LostAnswer);
    let deps = Deps {
        store: Arc::new(faulty),
        ..deps(&store, &model)
    };
    handle(&deps, state.clone(), &Unlimited).await.unwrap_err();
    invoke(&store, &model, &state).await.unwrap();
    assert_eq!(model.calls(), 12);
    assert_eq!(ids(&kept_lines(&store).await), all_ids(12));
}

#[tokio::test(start_paused = true)]
async fn every_round_has_its_own_answers() {
    let store = MemoryStore::new();
    let state = planned_with(&store, 3, &[]).await;
    let model = Scripted::new(|_, _| Ok(()));
    invoke(&store, &model, &state).await.unwrap();
    let folder = round(&state).on_demand_output();
    let there = store.locations();
    let new = there.iter().filter(|at| at.key().contains("/output/"));
    assert!(new.into_iter().all(|at| at.key().starts_with(folder.key())));
}
