//! A repeated call leaves what one call leaves, whatever became of the call before.

use crate::support::World;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_planned_run::contents;
use std::sync::Arc;

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
