//! Time, given from outside: what now is, and how long this invocation still may work.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What now is.
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

/// The time since 1970-01-01T00:00:00Z that an RFC 3339 text names, e.g. `2026-11-22T00:21:11Z`.
/// `None` when it is not one, or lies before 1970.
pub fn timestamp(text: &str) -> Option<Duration> {
    let time = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
    SystemTime::try_from(time)
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()
}

/// How long an invocation still may work. Functions that can outlast one invocation ask it
/// between pieces of work, keep a checkpoint when it says stop, and are called again.
pub trait TimeLeft: Send + Sync {
    /// Whether there is time for another piece of work.
    fn enough(&self) -> bool;

    /// How long until the invocation is cut off, whatever it is at; `None` if it never is.
    fn until_end(&self) -> Option<Duration> {
        None
    }
}

/// Works until `margin` before a Lambda deadline.
#[derive(Debug, Clone, Copy)]
pub struct UntilDeadline {
    deadline: Duration,
    margin: Duration,
}

impl UntilDeadline {
    /// `deadline` and `margin` as times since 1970-01-01T00:00:00Z and before the deadline.
    pub fn new(deadline: Duration, margin: Duration) -> Self {
        Self { deadline, margin }
    }

    /// The same deadline with another margin, for pieces of work that take longer.
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

/// Short waits inside a function: between two calls, before a second try. Waits that are longer
/// than seconds belong to the state machine.
#[async_trait::async_trait]
pub trait Pause: Send + Sync {
    /// Waits.
    async fn pause(&self, time: Duration);
    /// Time since some fixed moment, in the same time that [`Self::pause`] waits in.
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
