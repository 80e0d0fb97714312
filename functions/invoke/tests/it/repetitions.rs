//! A repeated call does not send records with a stored answer again.

use crate::support::{
    Scripted, all_ids, deps, ids, invoke, kept_lines, kept_ranges, planned_with, round,
};
use quarry_contract::payload::Step;
use quarry_edge::clock::Unlimited;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_invoke::{Deps, handle};
use quarry_planned_run::contents;
use std::sync::Arc;
use std::time::Duration;

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

/// A redrive or a lost connection leaves a copy of the function at work.
#[tokio::test(start_paused = true)]
async fn two_copies_at_once_store_each_record_once() {
    let store = MemoryStore::new();
    let state = planned_with(&store, 30, &[("BEDROCK_BATCH_SIZE", "5")]).await;
    let model = Scripted::new(|_, _| Ok(()));
    let one = invoke(&store, &model, &state);
    let other = async {
        // In the middle of the first copy's second batch.
        tokio::time::sleep(Duration::from_millis(7_500)).await;
        invoke(&store, &model, &state).await
    };
    let (one, other) = tokio::join!(one, other);
    assert_eq!(one.unwrap().next, Step::Merge);
    assert_eq!(other.unwrap().next, Step::Merge);
    assert_eq!(ids(&kept_lines(&store).await), all_ids(30));
}

/// An object that another copy stored stays as it is, and this copy goes on behind it.
#[tokio::test(start_paused = true)]
async fn a_copy_that_is_overtaken_goes_on_behind_what_is_stored() {
    let store = MemoryStore::new();
    let state = planned_with(&store, 12, &[("BEDROCK_BATCH_SIZE", "5")]).await;
    // The whole round as another copy stores it, while the first answer is under way.
    let other = MemoryStore::new();
    planned_with(&other, 12, &[("BEDROCK_BATCH_SIZE", "5")]).await;
    invoke(&other, &Scripted::new(|_, _| Ok(())), &state)
        .await
        .unwrap();
    let model = Scripted::new(|_, _| Ok(()));
    let overtaken = invoke(&store, &model, &state);
    let overtaking = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for at in other.locations() {
            if at.key().contains("/output/on-demand/") {
                let body = other.get(&at, u64::MAX).await.unwrap();
                store
                    .put(&at, body, WriteCondition::IfAbsent)
                    .await
                    .unwrap();
            }
        }
    };
    let (after, ()) = tokio::join!(overtaken, overtaking);
    assert_eq!(after.unwrap().next, Step::Merge);
    assert_eq!(model.calls(), 5, "the batch that was under way");
    assert_eq!(contents(&store).await, contents(&other).await);
}

/// The names that an earlier version gave: the number of the object, and the byte of the input at
/// which its records end.
#[tokio::test(start_paused = true)]
async fn answers_of_a_run_that_an_earlier_version_began_are_not_paid_for_again() {
    let store = MemoryStore::new();
    let state = planned_with(&store, 12, &[("BEDROCK_BATCH_SIZE", "5")]).await;
    let model = Scripted::new(|_, _| Ok(()));
    invoke(&store, &model, &state).await.unwrap();
    let folder = round(&state).on_demand_output();
    let objects = store.list(&folder).await.unwrap();
    for (number, (object, range)) in objects.iter().zip(kept_ranges(&store)).enumerate() {
        let body = store.get(&object.location, u64::MAX).await.unwrap();
        store.delete(&object.location);
        // The last one was not written yet.
        if number < 2 {
            let name = format!("{number:08}-{:016}.jsonl.out", range.end);
            store
                .put(&folder.join(&name), body, WriteCondition::Always)
                .await
                .unwrap();
        }
    }
    let after = invoke(&store, &model, &state).await.unwrap();
    assert_eq!(after.next, Step::Merge);
    assert_eq!(model.calls(), 12 + 2);
    let mut stored = ids(&kept_lines(&store).await);
    stored.sort_by_key(|id| all_ids(12).iter().position(|one| one == id));
    assert_eq!(stored, all_ids(12));
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
