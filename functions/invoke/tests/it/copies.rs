//! While one copy of the function is at work, no other one pays for the same round.

use crate::support::{
    Deadline, LIMIT, Scripted, all_ids, deps, ids, kept_lines, planned_with, throttled,
};
use quarry_contract::payload::{SliceState, Step};
use quarry_edge::clock::Clock;
use quarry_edge::error::StepError;
use quarry_edge::s3::faults::{FaultyStore, StoreFault, StoreOperation};
use quarry_edge::s3::memory::MemoryStore;
use quarry_invoke::{Deps, handle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The clock of the runtime, which the test moves.
struct Moved(Instant);

impl Clock for Moved {
    fn now(&self) -> Duration {
        Duration::from_hours(500_000) + self.0.elapsed()
    }
}

/// A round of 12 records in batches of five, with a model and Lambda's time.
struct World {
    store: MemoryStore,
    state: SliceState,
    model: Arc<Scripted>,
    began: Instant,
}

impl World {
    async fn new(model: Arc<Scripted>) -> Self {
        let store = MemoryStore::new();
        let state = planned_with(&store, 12, &[("BEDROCK_BATCH_SIZE", "5")]).await;
        Self {
            store,
            state,
            model,
            began: Instant::now(),
        }
    }

    fn deps(&self) -> Deps {
        Deps {
            clock: Arc::new(Moved(self.began)),
            ..deps(&self.store, &self.model)
        }
    }

    async fn invoke(&self) -> Result<SliceState, StepError> {
        let time_left = Deadline(Instant::now() + LIMIT);
        handle(&self.deps(), self.state.clone(), &time_left).await
    }
}

fn is_busy(result: &Result<SliceState, StepError>) -> bool {
    result.as_ref().is_err_and(|error| {
        let words = "another call is still sending the records of this round";
        error.name() == "Quarry.Unavailable" && error.full_message().contains(words)
    })
}

/// A redrive or a lost connection leaves a copy of the function at work.
#[tokio::test(start_paused = true)]
async fn two_copies_at_once_pay_for_each_record_once() {
    let world = World::new(Scripted::new(|_, _| Ok(()))).await;
    let one = world.invoke();
    let other = async {
        // In the middle of the first copy's second batch, and at once after that.
        tokio::time::sleep(Duration::from_millis(7_500)).await;
        assert!(is_busy(&world.invoke().await));
        assert!(is_busy(&world.invoke().await));
    };
    let (one, ()) = tokio::join!(one, other);
    assert_eq!(one.unwrap().next, Step::Merge);
    assert_eq!(world.invoke().await.unwrap().next, Step::Merge);
    assert_eq!(world.model.calls(), 12);
    assert_eq!(ids(&kept_lines(&world.store).await), all_ids(12));
}

#[tokio::test(start_paused = true)]
async fn two_copies_that_begin_together_pay_for_each_record_once() {
    let world = World::new(Scripted::new(|_, _| Ok(()))).await;
    let (one, other) = tokio::join!(world.invoke(), world.invoke());
    assert_eq!(
        [is_busy(&one), is_busy(&other)]
            .iter()
            .filter(|busy| **busy)
            .count(),
        1
    );
    assert_eq!(world.model.calls(), 12);
}

/// Nothing says that it has crashed, so the round waits until Lambda would have ended it.
#[tokio::test(start_paused = true)]
async fn a_copy_that_crashed_is_waited_for_until_its_time_is_over() {
    let world = World::new(Scripted::new(|_, _| Ok(()))).await;
    let crashed = tokio::time::timeout(Duration::from_millis(7_500), world.invoke()).await;
    assert!(crashed.is_err());
    assert!(is_busy(&world.invoke().await));
    // Of the 900 seconds of its limit, 2.5 are left.
    tokio::time::advance(Duration::from_secs(890)).await;
    assert!(is_busy(&world.invoke().await));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(world.invoke().await.unwrap().next, Step::Merge);
    assert!(world.model.calls() <= 12 + 5, "one batch is lost");
    assert_eq!(ids(&kept_lines(&world.store).await), all_ids(12));
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_failed_or_used_up_its_time_is_not_waited_for() {
    let is_busy = Arc::new(AtomicBool::new(true));
    let service = Arc::clone(&is_busy);
    let model = Scripted::new(move |_, _| {
        if service.load(Ordering::Relaxed) {
            throttled("slow down")
        } else {
            Ok(())
        }
    });
    let world = World::new(model).await;
    let failed = world.invoke().await.unwrap_err();
    assert_eq!(failed.name(), "Quarry.Throttled");
    is_busy.store(false, Ordering::Relaxed);
    // There is time for one record only.
    let hurry = Deadline(Instant::now() + Duration::from_mins(1));
    let cut = handle(&world.deps(), world.state.clone(), &hurry).await;
    assert_eq!(cut.unwrap().next, Step::Invoke);
    assert_eq!(world.invoke().await.unwrap().next, Step::Merge);
    assert_eq!(ids(&kept_lines(&world.store).await), all_ids(12));
}

/// The copy goes on even if its end cannot be noted: the note is void later.
#[tokio::test(start_paused = true)]
async fn answers_are_kept_even_if_the_end_of_the_call_cannot_be_noted() {
    let world = World::new(Scripted::new(|_, _| Ok(()))).await;
    // The note, three objects of answers, and the end.
    let faulty = FaultyStore::new(world.store.clone());
    let faulty = faulty.fail(StoreOperation::Put, 5, StoreFault::Unavailable);
    let deps = Deps {
        store: Arc::new(faulty),
        ..world.deps()
    };
    let time_left = Deadline(Instant::now() + LIMIT);
    let after = handle(&deps, world.state.clone(), &time_left).await;
    assert_eq!(after.unwrap().next, Step::Merge);
    assert_eq!(world.invoke().await.unwrap().next, Step::Merge);
    assert_eq!(world.model.calls(), 12);
}
