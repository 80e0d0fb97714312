//! Time as a dependency: the current time, and how long this invocation may still work.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Gives the current time.
pub trait Clock: Send + Sync {
    /// The time since 1970-01-01T00:00:00Z.
    fn now(&self) -> Duration;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the clock"
        )]
        let now = SystemTime::now();
        now.duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// Reads an RFC 3339 text such as `2026-11-22T00:21:11Z` as the time since 1970-01-01T00:00:00Z.
/// Returns `None` if it is not one, or is before 1970.
pub fn timestamp(text: &str) -> Option<Duration> {
    let time = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
    SystemTime::try_from(time)
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()
}

/// Says how long an invocation may still work. Functions that can outlast one invocation ask it
/// between pieces of work; when the time is up, they store a checkpoint and are called again.
pub trait TimeLeft: Send + Sync {
    /// Whether there is time for another piece of work.
    fn enough(&self) -> bool;

    /// Returns the time until Lambda ends the invocation, whatever it is doing; `None` if there is
    /// no limit.
    fn until_end(&self) -> Option<Duration> {
        None
    }
}

/// Allows work until `margin` before a Lambda deadline.
#[derive(Debug, Clone, Copy)]
pub struct UntilDeadline {
    deadline: Duration,
    margin: Duration,
}

impl UntilDeadline {
    /// `deadline` is a time since 1970-01-01T00:00:00Z; `margin` is the time before it.
    pub fn new(deadline: Duration, margin: Duration) -> Self {
        Self { deadline, margin }
    }

    /// Returns the same deadline with another margin, for pieces of work that take longer.
    #[must_use]
    pub fn with_margin(self, margin: Duration) -> Self {
        Self { margin, ..self }
    }
}

impl TimeLeft for UntilDeadline {
    fn enough(&self) -> bool {
        SystemClock.now() + self.margin < self.deadline
    }

    fn until_end(&self) -> Option<Duration> {
        Some(self.deadline.saturating_sub(SystemClock.now()))
    }
}

/// No deadline, as on a developer's machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl TimeLeft for Unlimited {
    fn enough(&self) -> bool {
        true
    }
}

/// Short waits inside a function: between two calls, or before a second attempt. Waits longer than
/// seconds belong to the state machine.
#[async_trait::async_trait]
pub trait Pause: Send + Sync {
    /// Waits.
    async fn pause(&self, time: Duration);
    /// Returns the time since some fixed moment, on the clock that [`Self::pause`] waits on.
    fn elapsed(&self) -> Duration;
}

/// Waits in real time.
#[derive(Debug, Clone, Copy)]
pub struct RealPause(std::time::Instant);

impl Default for RealPause {
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}

#[async_trait::async_trait]
impl Pause for RealPause {
    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
