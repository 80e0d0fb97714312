//! Replacements for a deployment's clock, deadline and metrics.

use quarry_edge::clock::{Clock, TimeLeft};
use quarry_edge::metrics::{Metric, Metrics};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Metrics that are discarded.
pub struct Silent;

impl Metrics for Silent {
    fn emit(&self, _: &[(Metric, u64)]) {}
}

/// Metrics that a test can read afterwards.
#[derive(Debug, Default)]
pub struct Emitted(Mutex<Vec<(Metric, u64)>>);

impl Emitted {
    /// All values, in the order in which they were emitted.
    pub fn values(&self) -> Vec<(Metric, u64)> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.clone()
    }
}

impl Metrics for Emitted {
    fn emit(&self, values: &[(Metric, u64)]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(values);
    }
}

/// A clock that stands still, at this time since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy)]
pub struct Moment(pub Duration);

impl Clock for Moment {
    fn now(&self) -> Duration {
        self.0
    }
}

/// The time of an invocation, counted in pieces of work. Each question whether there is enough time
/// uses up one piece.
#[derive(Debug)]
pub struct TimeFor(AtomicU32);

impl TimeFor {
    /// Leaves time for exactly this number of pieces.
    pub fn pieces(count: u32) -> Self {
        Self(AtomicU32::new(count))
    }
}

impl TimeLeft for TimeFor {
    fn enough(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}
