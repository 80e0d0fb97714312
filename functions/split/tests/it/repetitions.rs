//! A repeated call leaves what one call leaves, whatever became of the call before.

use crate::support::World;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_planned_run::contents;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn splitting_again_writes_the_same_records_and_the_same_counts() {
    let world = World::of_rows(5, &[]).await;
    let state = world.state(0, 0);
    let first = world.split(&state).await.unwrap();
    let written = contents(&world.store).await;
    assert_eq!(world.split(&state).await.unwrap(), first);
    assert_eq!(contents(&world.store).await, written);
}

/// The counts name the records' `ETag` and are written last, so if they exist, the records exist.
#[tokio::test(start_paused = true)]
async fn a_call_that_dies_at_any_write_is_made_good_by_the_next() {
    let whole = World::of_rows(5, &[]).await;
    whole.split(&whole.state(0, 0)).await.unwrap();
    let whole = contents(&whole.store).await;
    for fault in [StoreFault::Unavailable, StoreFault::LostAnswer] {
        let mut deaths = 0;
        for nth in 1.. {
            let world = World::of_rows(5, &[]).await;
            let state = world.state(0, 0);
            let faulty = FaultyStore::new(world.store.clone());
            let faulty = faulty.fail_all(StoreOperation::Put, nth.., fault);
            let Err(died) = world.split_over(Arc::new(faulty), &state).await else {
                break;
            };
            deaths += 1;
            assert_eq!(died.name(), "Quarry.Unavailable");
            let there = world.store.locations();
            let round = world.round(&state);
            if there.contains(&round.asked()) {
                assert!(there.contains(&round.input()), "write {nth}");
            }
            world.split(&state).await.unwrap();
            assert_eq!(contents(&world.store).await, whole, "write {nth}");
            assert!(world.store.open_uploads().is_empty(), "write {nth}");
        }
        assert!(deaths >= 2, "the records and the counts, but {deaths}");
    }
}

/// Under a KMS key, the `ETag` differs after each write, and the job was created for the first one.
#[tokio::test]
async fn a_second_copy_leaves_the_records_of_the_first() {
    let world = World::in_store(MemoryStore::new().with_new_etags(), 5).await;
    let state = world.state(0, 0);
    let first = world.split(&state).await.unwrap();
    let at = world.round(&state).input();
    let written = world.store.head(&at).await.unwrap();
    assert_eq!(world.split(&state).await.unwrap(), first);
    assert_eq!(world.store.head(&at).await.unwrap(), written);
    assert_eq!(world.asked(&state).await.etag, written.etag);
}

/// Both have found that nothing is there, and write when the other one has written.
#[tokio::test(start_paused = true)]
async fn two_copies_at_once_agree_on_the_records() {
    for rows in [5, 400_000] {
        for (operation, late) in [
            (StoreOperation::Put, 1),
            (StoreOperation::Put, 2),
            (StoreOperation::CompleteUpload, 1),
        ] {
            let world = World::in_store(MemoryStore::new().with_new_etags(), rows).await;
            let state = world.state(0, 0);
            let slow = StoreFault::Slow(Duration::from_mins(1));
            let faulty = FaultyStore::new(world.store.clone()).fail(operation, late, slow);
            let (first, second) = tokio::join!(
                world.split(&state),
                world.split_over(Arc::new(faulty), &state)
            );
            assert_eq!(first.unwrap(), second.unwrap());
            let there = world.store.head(&world.round(&state).input()).await;
            assert_eq!(there.unwrap().etag, world.asked(&state).await.etag);
            assert!(world.store.open_uploads().is_empty());
        }
    }
}
