//! How fast calls may begin.

use quarry_edge::clock::Pause;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Spaces calls so that at most `rate` calls begin per second.
#[derive(Debug)]
pub struct Pacing {
    gap: Duration,
    begun: AtomicU64,
}

impl Pacing {
    /// Creates the pacing for `rate` calls per second.
    pub fn new(rate: f64) -> Self {
        Self {
            gap: Duration::from_secs_f64(1.0 / rate.clamp(0.001, 1_000_000.0)),
            begun: AtomicU64::new(0),
        }
    }

    /// Waits for this call's turn: each call begins at least one gap after the one before.
    pub(crate) async fn turn(&self, pause: &dyn Pause) {
        let now = u64::try_from(pause.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let gap = u64::try_from(self.gap.as_nanos()).unwrap_or(u64::MAX);
        let turn = self
            .begun
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                Some(next.max(now) + gap)
            })
            .map_or(now, |next| next.max(now));
        if turn > now {
            pause.pause(Duration::from_nanos(turn - now)).await;
        }
    }
}
