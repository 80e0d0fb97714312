//! Calls keep to the configured concurrency and rate, and wait while the service is busy.

use crate::support::{
    Scripted, all_ids, deps, ids, kept_lines, planned_with, throttled, unavailable,
};
use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::payload::Step;
use quarry_edge::clock::{Pause, Unlimited};
use quarry_edge::on_demand::{InvokeError, ModelReply, OnDemand, Question};
use quarry_edge::s3::memory::MemoryStore;
use quarry_invoke::{Deps, handle};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// Waits on the clock of the runtime.
struct Virtual(Instant);

#[async_trait]
impl Pause for Virtual {
    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A model that takes ten seconds for each question and counts the questions under way.
#[derive(Default)]
struct Busy {
    now: AtomicU32,
    most: AtomicU32,
}

#[async_trait]
impl OnDemand for Busy {
    async fn invoke(&self, _: Question<'_>) -> Result<ModelReply, InvokeError> {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(10)).await;
        self.now.fetch_sub(1, Ordering::Relaxed);
        Ok(ModelReply {
            json: Bytes::from_static(b"{}"),
            tier: None,
        })
    }
}

/// Sends 24 rows. Returns the most questions under way, and how long it took.
async fn asked(settings: &[(&str, &str)]) -> (u32, Duration) {
    let store = MemoryStore::new();
    let state = planned_with(&store, 24, settings).await;
    let model = Arc::new(Busy::default());
    let start = Instant::now();
    let deps = Deps {
        models: Arc::<Busy>::clone(&model),
        pause: Arc::new(Virtual(start)),
        ..deps(&store, &Scripted::new(|_, _| Ok(())))
    };
    let after = handle(&deps, state, &Unlimited).await.unwrap();
    assert_eq!(after.next, Step::Merge);
    assert_eq!(
        ids(&kept_lines(&store).await),
        all_ids(24),
        "in the records' order"
    );
    (model.most.load(Ordering::Relaxed), start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_in_flight_than_the_settings_allow() {
    let (most, time) = asked(&[]).await;
    assert_eq!(most, 1, "one after the other by default");
    assert!(time >= Duration::from_mins(4), "{time:?}");
    let settings = [
        ("BEDROCK_CONCURRENCY_MODE", "concurrent"),
        ("BEDROCK_MAX_CONCURRENT_WORKERS", "4"),
    ];
    let (most, time) = asked(&settings).await;
    assert_eq!(most, 4);
    assert!(time < Duration::from_mins(2), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_begin_no_faster_than_the_configured_rate() {
    let settings = [
        ("BEDROCK_CONCURRENCY_MODE", "concurrent"),
        ("BEDROCK_MAX_CONCURRENT_WORKERS", "24"),
        ("BEDROCK_BATCH_SIZE", "24"),
        ("BEDROCK_RATE_LIMIT_PER_SECOND", "2"),
    ];
    let (_, time) = asked(&settings).await;
    // Half a second between two of the 24, and the time of the last answer.
    assert!(time >= Duration::from_millis(11_500 + 10_000), "{time:?}");
    assert!(time < Duration::from_secs(35), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_for_a_transient_reason_is_retried_up_to_five_times() {
    for (fails, calls, is_answered) in [(5, 6, true), (6, 7, false)] {
        let store = MemoryStore::new();
        let state = planned_with(&store, 1, &[]).await;
        let count = AtomicU32::new(0);
        let model = Scripted::new(move |_, _| {
            if count.fetch_add(1, Ordering::Relaxed) < fails {
                unavailable("later")
            } else {
                Ok(())
            }
        });
        // The seventh call tests whether the service answers at all.
        handle(&deps(&store, &model), state, &Unlimited)
            .await
            .unwrap();
        assert_eq!(model.calls(), calls);
        let line = kept_lines(&store).await.remove(0);
        assert_eq!(line["modelOutput"].is_object(), is_answered, "{line}");
    }
}

/// Otherwise, they would lose the round.
#[tokio::test(start_paused = true)]
async fn throttled_records_are_retried_as_long_as_others_are_answered() {
    let store = MemoryStore::new();
    let state = planned_with(&store, 5, &[]).await;
    let count = AtomicU32::new(0);
    let model = Scripted::new(move |_, row| {
        if row == "r3" && count.fetch_add(1, Ordering::Relaxed) < 40 {
            throttled("slow down")
        } else {
            Ok(())
        }
    });
    let after = handle(&deps(&store, &model), state, &Unlimited)
        .await
        .unwrap();
    assert_eq!(after.next, Step::Merge);
    let lines = kept_lines(&store).await;
    assert_eq!(ids(&lines), all_ids(5));
    assert!(lines.iter().all(|line| line["modelOutput"].is_object()));
}

/// Remembers the waits, and waits on the clock of the runtime.
struct Remembering {
    clock: Virtual,
    waits: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Pause for Remembering {
    async fn pause(&self, time: Duration) {
        self.waits.lock().unwrap().push(time);
        self.clock.pause(time).await;
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_before_throttled_records_are_sent_again_doubles_up_to_a_minute() {
    let store = MemoryStore::new();
    let state = planned_with(&store, 2, &[]).await;
    let count = AtomicU32::new(0);
    // A record gets six calls before it waits for the others.
    let model = Scripted::new(move |_, row| {
        if row == "r1" && count.fetch_add(1, Ordering::Relaxed) < 7 * 6 {
            throttled("slow down")
        } else {
            Ok(())
        }
    });
    let pause = Arc::new(Remembering {
        clock: Virtual(Instant::now()),
        waits: Mutex::default(),
    });
    let deps = Deps {
        pause: Arc::<Remembering>::clone(&pause),
        ..deps(&store, &model)
    };
    let after = handle(&deps, state, &Unlimited).await.unwrap();
    assert_eq!(after.next, Step::Merge);
    let lines = kept_lines(&store).await;
    assert!(lines.iter().all(|line| line["modelOutput"].is_object()));
    let waits = pause.waits.lock().unwrap().clone();
    // Five waits between the six calls, then the one before they are made again.
    let between: Vec<u64> = waits.chunks(6).map(|waits| waits[5].as_secs()).collect();
    assert_eq!(between, [5, 10, 20, 40, 60, 60, 60], "{waits:?}");
}
