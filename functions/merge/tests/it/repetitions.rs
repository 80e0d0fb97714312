//! A repeated call leaves what one call leaves, whatever became of the call before.

use crate::support::{World, answer};
use quarry_contract::payload::{SliceState, Step};
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_planned_run::contents;
use std::sync::Arc;

/// A slice whose round has answers; the round is the last one, or another follows it.
async fn answered(is_last: bool) -> (World, SliceState) {
    let retries = if is_last { "0" } else { "1" };
    let world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", retries)]).await;
    let state = world
        .answered(world.first(0), &[answer(0), answer(2)])
        .await;
    (world, state)
}

#[tokio::test]
async fn merging_again_writes_the_same_objects_and_lists_the_same_rows() {
    for is_last in [true, false] {
        let (world, state) = answered(is_last).await;
        let first = world.merge(&state).await.unwrap();
        assert_eq!(first.next == Step::Done, is_last);
        let written = contents(&world.store).await;
        assert_eq!(world.merge(&state).await.unwrap(), first);
        assert_eq!(contents(&world.store).await, written);
    }
}

/// The receipt is written after the part, and the list after the outcomes, so if the second exists,
/// the first exists.
#[tokio::test(start_paused = true)]
async fn a_call_that_dies_at_any_write_is_made_good_by_the_next() {
    for (is_last, writes) in [(true, 3), (false, 3)] {
        let (whole, state) = answered(is_last).await;
        whole.merge(&state).await.unwrap();
        let whole = contents(&whole.store).await;
        let mut deaths = 0;
        for nth in 1.. {
            let (world, state) = answered(is_last).await;
            let faulty = FaultyStore::new(world.store.clone());
            let faulty = faulty.fail_all(StoreOperation::Put, nth.., StoreFault::Unavailable);
            let Err(died) = world.merge_over(Arc::new(faulty), &state).await else {
                break;
            };
            deaths += 1;
            assert_eq!(died.name(), "Quarry.Unavailable");
            let there = world.store.locations();
            let next = world.run.slice(0).round(1).todo();
            assert!(
                !there.contains(&world.run.slice(0).receipt()),
                "write {nth}"
            );
            assert!(!there.contains(&next), "write {nth}");
            world.merge(&state).await.unwrap();
            assert_eq!(contents(&world.store).await, whole, "write {nth}");
        }
        assert_eq!(
            deaths, writes,
            "counts, then outcomes and list or part and receipt"
        );
    }
}
