//! A repeated call leaves what one call leaves, even if the call before it failed or is still at work.

use crate::support::{World, answer};
use quarry_contract::payload::{SliceState, Step};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_planned_run::{RunInput, contents};
use quarry_result::receipt::Receipt;
use std::sync::Arc;
use std::time::Duration;

/// A minute, for which the first copy reads its answers.
const MINUTE: Duration = Duration::from_mins(1);

/// Merges a round of which two answers have come, slowly. While this copy reads them, a third answer comes, and
/// another copy merges the round and `split` goes on with what it returned. Returns what the slow copy returned,
/// and whether it left the objects as they were.
async fn overtaken(world: &World) -> (Result<SliceState, StepError>, SliceState, bool) {
    let state = world
        .answered(world.first(0), &[answer(0), answer(1)])
        .await;
    let slow = StoreFault::Slow(MINUTE);
    let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::GetRange, 1, slow);
    Box::pin(overtaking(world, &state, faulty)).await
}

/// Merges a round over a slow store. After half a minute, a third answer comes, and another copy merges the round.
async fn overtaking(
    world: &World,
    state: &SliceState,
    faulty: FaultyStore<MemoryStore>,
) -> (Result<SliceState, StepError>, SliceState, bool) {
    let quicker = async {
        tokio::time::sleep(MINUTE / 2).await;
        let more = "abcdefghijkl/more.jsonl.out";
        world.output(state, more, &[answer(2)]).await;
        let after = world.merge(state).await.unwrap();
        if after.next == Step::Split {
            world.split(after.clone()).await;
        }
        (after, contents(&world.store).await)
    };
    let slow = world.merge_over(Arc::new(faulty), state);
    let (slow, (quick, there)) = tokio::join!(slow, quicker);
    (slow, quick, contents(&world.store).await == there)
}

/// Merges a round of which two answers have come, with one write that is under way for long. Meanwhile a third
/// answer comes, and another copy merges the round and `split` goes on with what it returned. Returns the same.
async fn late_write(
    world: &World,
    (operation, nth): (StoreOperation, u64),
) -> (Result<SliceState, StepError>, SliceState, bool) {
    let state = world
        .answered(world.first(0), &[answer(0), answer(1)])
        .await;
    let slow = StoreFault::Slow(MINUTE);
    let faulty = FaultyStore::new(world.store.clone()).fail(operation, nth, slow);
    Box::pin(overtaking(world, &state, faulty)).await
}

/// A slice whose round has answers; the round is the last one, or another follows it.
async fn answered(is_last: bool) -> (World, SliceState) {
    let retries = if is_last { "0" } else { "1" };
    let world = World::new(3, 100, &[("BEDROCK_MAX_RETRIES", retries)]).await;
    let state = world
        .answered(world.first(0), &[answer(0), answer(2)])
        .await;
    (world, state)
}

/// The same with a last round, in an existing store.
async fn answered_in(store: MemoryStore) -> (World, SliceState) {
    let world = World::in_store(store, 3, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
    let state = world.answered(world.first(0), &[answer(0)]).await;
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

/// Under a KMS key, the `ETag` differs after each write, and `finish` has read the first receipt.
#[tokio::test]
async fn a_second_copy_leaves_the_part_of_the_first() {
    let (world, state) = answered_in(MemoryStore::new().with_new_etags()).await;
    let first = world.merge(&state).await.unwrap();
    let at = world.run.slice(0).part();
    let written = world.store.head(&at).await.unwrap();
    assert_eq!(world.merge(&state).await.unwrap(), first);
    assert_eq!(world.store.head(&at).await.unwrap(), written);
}

/// Otherwise the next round would have other rows than were sent in it, and answers that are paid for would be
/// lost.
#[tokio::test(start_paused = true)]
async fn a_copy_that_was_overtaken_changes_nothing_of_the_next_round() {
    let world = World::new(4, 100, &[("BEDROCK_MAX_RETRIES", "1")]).await;
    let (slow, quick, is_unchanged) = Box::pin(overtaken(&world)).await;
    assert_eq!(world.todo(&quick).await.rows, [3]);
    assert_eq!(slow.unwrap(), quick);
    assert!(is_unchanged);
}

/// The counts, the outcomes and the list of the slow copy, each of which is under way when the other copy merges.
#[tokio::test(start_paused = true)]
async fn a_write_that_arrives_late_changes_nothing_of_the_next_round() {
    for new_etags in [false, true] {
        for nth in 1..=3 {
            let store = MemoryStore::new();
            let store = if new_etags {
                store.with_new_etags()
            } else {
                store
            };
            let world = World::in_store(store, 4, 100, &[("BEDROCK_MAX_RETRIES", "1")]).await;
            let write = (StoreOperation::Put, nth);
            let (slow, quick, is_unchanged) = Box::pin(late_write(&world, write)).await;
            assert_eq!(world.todo(&quick).await.rows, [3], "write {nth}");
            assert_eq!(slow.unwrap(), quick, "write {nth}");
            assert!(is_unchanged, "write {nth}");
        }
    }
}

/// The counts, the part and the receipt.
#[tokio::test(start_paused = true)]
async fn a_write_that_arrives_late_changes_nothing_of_the_part() {
    for nth in 1..=3 {
        let world = World::new(4, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
        let write = (StoreOperation::Put, nth);
        let (slow, quick, is_unchanged) = Box::pin(late_write(&world, write)).await;
        let receipt = world.receipt(0).await;
        assert_eq!(receipt.rounds[0].counts.answered, 3, "write {nth}");
        assert_eq!(slow.unwrap(), quick, "write {nth}");
        assert!(is_unchanged, "write {nth}");
    }
}

/// A part that needs several uploads is completed under the same condition.
#[tokio::test(start_paused = true)]
async fn a_part_that_is_completed_late_changes_nothing() {
    let wide = "w".repeat(3 << 20);
    let table = format!("id,x\n1,{wide}\n2,{wide}\n3,{wide}\n4,{wide}\n");
    let files = [("t.csv", table.as_bytes())];
    let input = RunInput::new(r#"{"user_prompt_template": "Judge {id}"}"#, &files).await;
    let world = World::of(input.set("BEDROCK_MAX_RETRIES", "0")).await;
    let write = (StoreOperation::CompleteUpload, 1);
    let (slow, quick, is_unchanged) = Box::pin(late_write(&world, write)).await;
    assert_eq!(slow.unwrap(), quick);
    assert!(is_unchanged);
    assert!(world.store.open_uploads().is_empty());
}

/// A call that reaches the function only after the round is merged finds more answers.
#[tokio::test]
async fn a_second_copy_leaves_the_list_of_the_first() {
    let world = World::new(4, 100, &[("BEDROCK_MAX_RETRIES", "1")]).await;
    let state = world
        .answered(world.first(0), &[answer(0), answer(1)])
        .await;
    let first = world.merge(&state).await.unwrap();
    let more = "abcdefghijkl/more.jsonl.out";
    world.output(&state, more, &[answer(2)]).await;
    let there = contents(&world.store).await;
    assert_eq!(world.merge(&state).await.unwrap(), first);
    assert_eq!(world.todo(&first).await.rows, [2, 3]);
    assert_eq!(contents(&world.store).await, there);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_was_overtaken_leaves_the_part_with_more_answers() {
    let world = World::new(4, 100, &[("BEDROCK_MAX_RETRIES", "0")]).await;
    let (slow, quick, is_unchanged) = Box::pin(overtaken(&world)).await;
    assert_eq!(world.receipt(0).await.rounds[0].counts.answered, 3);
    assert_eq!(slow.unwrap(), quick);
    assert!(is_unchanged);
}

/// Both have found that nothing is there, and write when the other one has written.
#[tokio::test(start_paused = true)]
async fn two_copies_at_once_agree_on_the_part() {
    // The counts, the part, the receipt.
    for late in 1..=3 {
        let (world, state) = answered_in(MemoryStore::new().with_new_etags()).await;
        let slow = StoreFault::Slow(Duration::from_mins(1));
        let faulty = FaultyStore::new(world.store.clone()).fail(StoreOperation::Put, late, slow);
        let (first, second) = tokio::join!(
            world.merge(&state),
            world.merge_over(Arc::new(faulty), &state)
        );
        assert_eq!(first.unwrap(), second.unwrap());
        let folder = world.run.slice(0);
        let receipt: Receipt = documents::read(&world.store, &folder.receipt())
            .await
            .unwrap();
        let part = world.store.head(&folder.part()).await.unwrap();
        assert_eq!(part.etag, receipt.part_etag, "write {late}");
    }
}
