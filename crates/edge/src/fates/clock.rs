//! A function whose clock is off.

use crate::clock::Clock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How a clock is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockFault {
    /// It is ahead by this time.
    Ahead(Duration),
    /// It is behind by this time.
    Behind(Duration),
    /// It is right when it is read for the first time, and later behind by this time.
    JumpsBack(Duration),
    /// It shows for ever what it showed first.
    StandsStill,
}

/// A clock with a fault.
pub struct FaultyClock {
    inner: Arc<dyn Clock>,
    fault: ClockFault,
    reads: AtomicU64,
    first: OnceLock<Duration>,
}

impl FaultyClock {
    /// Wraps a clock that is right.
    pub fn new(inner: Arc<dyn Clock>, fault: ClockFault) -> Self {
        Self {
            inner,
            fault,
            reads: AtomicU64::new(0),
            first: OnceLock::new(),
        }
    }
}

impl Clock for FaultyClock {
    fn now(&self) -> Duration {
        let now = self.inner.now();
        let reads = self.reads.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            ClockFault::Ahead(time) => now + time,
            ClockFault::JumpsBack(_) if reads == 0 => now,
            ClockFault::Behind(time) | ClockFault::JumpsBack(time) => now.saturating_sub(time),
            ClockFault::StandsStill => *self.first.get_or_init(|| now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that is read once a minute.
    #[derive(Default)]
    struct EachMinute(AtomicU64);

    impl Clock for EachMinute {
        fn now(&self) -> Duration {
            Duration::from_mins(100 + self.0.fetch_add(1, Ordering::SeqCst))
        }
    }

    #[test]
    fn each_fault_shows_another_time() {
        let five = Duration::from_mins(5);
        for (fault, shown) in [
            (ClockFault::Ahead(five), [105, 106, 107]),
            (ClockFault::Behind(five), [95, 96, 97]),
            (ClockFault::JumpsBack(five), [100, 96, 97]),
            (ClockFault::StandsStill, [100, 100, 100]),
        ] {
            let clock = FaultyClock::new(Arc::<EachMinute>::default(), fault);
            let found: [u64; 3] = std::array::from_fn(|_| clock.now().as_secs() / 60);
            assert_eq!(found, shown, "{fault:?}");
        }
    }
}
