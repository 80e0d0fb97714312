//! A repeated call leaves what one call leaves, whatever became of the call before.

use crate::support::World;
use quarry_edge::clock::Unlimited;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_planned_run::contents;
use std::sync::Arc;

#[tokio::test]
async fn finishing_again_writes_the_same_objects() {
    let world = World::new(5, 2).await;
    let first = world.finish().await.unwrap();
    let written = contents(&world.store).await;
    assert_eq!(world.finish().await.unwrap(), first);
    assert_eq!(contents(&world.store).await, written);
}

/// `finish` writes the summary last, so if the summary exists, the result exists.
#[tokio::test(start_paused = true)]
async fn a_call_that_dies_at_any_write_is_made_good_by_the_next_and_leaves_no_summary_before() {
    let whole = World::new(5, 2).await;
    whole.finish().await.unwrap();
    let whole = contents(&whole.store).await;
    let mut deaths = 0;
    for nth in 1.. {
        let world = World::new(5, 2).await;
        let faulty = FaultyStore::new(world.store.clone());
        let faulty = faulty.fail_all(StoreOperation::Put, nth.., StoreFault::Unavailable);
        let died = world.turn_over(Arc::new(faulty), 0, &Unlimited).await;
        let Err(error) = died else { break };
        deaths += 1;
        assert_eq!(error.name(), "Quarry.Unavailable");
        let summaries = |name: &String| name.starts_with("processing_summary");
        assert!(!world.written().iter().any(summaries), "write {nth}");
        assert!(world.metrics.values().is_empty(), "write {nth}");
        world.finish().await.unwrap();
        assert_eq!(contents(&world.store).await, whole, "write {nth}");
    }
    assert_eq!(deaths, 3, "the result, the report and the summary");
}
