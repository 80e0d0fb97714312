//! Pauses that take no time.

use async_trait::async_trait;
use quarry_edge::clock::Pause;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts pauses and does not wait: the simulator responds at once, so a pause only affects the
/// order in which calls begin.
#[derive(Debug, Default)]
pub(crate) struct CountedPause {
    nanoseconds: AtomicU64,
}

#[async_trait]
impl Pause for CountedPause {
    async fn pause(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(time, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }
}
