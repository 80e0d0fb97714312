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

/// The longest that Lambda lets an invocation work. It is also the limit of the functions that use
/// their time up: plan, invoke and finish.
pub const LONGEST_INVOCATION: Duration = Duration::from_mins(15);
/// The least that such a function has at its beginning.
const SHORTEST_INVOCATION: Duration = Duration::from_mins(8);

/// Allows work until `margin` before the end of an invocation.
///
/// Lambda gives the end as a time of its own clock. The function's clock is compared with it once,
/// and from then on the time that passes is measured, so a clock that jumps or stands still changes
/// nothing. If the clock is so far off that no invocation begins with so much or so little time, the
/// nearest time that is possible is taken. Without this, an invocation could end before its first
/// piece of work, again and again.
#[derive(Debug, Clone, Copy)]
pub struct UntilDeadline {
    began: std::time::Instant,
    left: Duration,
    margin: Duration,
}

impl UntilDeadline {
    /// Begins to measure. `deadline` is Lambda's, and `now` is the function's clock, both since
    /// 1970-01-01T00:00:00Z; `margin` is the time before the end.
    pub fn new(deadline: Duration, now: Duration, margin: Duration) -> Self {
        let left = deadline.saturating_sub(now);
        Self {
            began: std::time::Instant::now(),
            left: left.clamp(SHORTEST_INVOCATION, LONGEST_INVOCATION),
            margin,
        }
    }

    /// Returns the same deadline with another margin, for pieces of work that take longer.
    #[must_use]
    pub fn with_margin(self, margin: Duration) -> Self {
        Self { margin, ..self }
    }

    fn left(&self) -> Duration {
        self.left.saturating_sub(self.began.elapsed())
    }
}

impl TimeLeft for UntilDeadline {
    fn enough(&self) -> bool {
        self.margin < self.left()
    }

    fn until_end(&self) -> Option<Duration> {
        Some(self.left())
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

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_hours(500_000);

    /// Returns the whole minutes that an invocation has, if the function's clock shows that it ends in
    /// so many minutes.
    fn minutes(until_end: i64) -> u64 {
        let difference = Duration::from_mins(until_end.unsigned_abs());
        let now = if until_end < 0 {
            DEADLINE + difference
        } else {
            DEADLINE.saturating_sub(difference)
        };
        let left = UntilDeadline::new(DEADLINE, now, Duration::ZERO).until_end();
        (left.unwrap().as_secs() + 30) / 60
    }

    /// A clock that is behind shows more time than there is; one that is ahead shows none.
    #[test]
    fn a_clock_that_is_off_gives_no_invocation_more_than_lambda_does_or_none() {
        assert_eq!(minutes(15), 15);
        assert_eq!(minutes(11), 11);
        for behind in [16, 25, 10_000] {
            assert_eq!(minutes(behind), 15, "{behind}");
        }
        for ahead in [5, 0, -10, -10_000] {
            assert_eq!(minutes(ahead), 8, "{ahead}");
        }
    }

    #[test]
    fn work_ends_before_the_margin() {
        let now = DEADLINE.saturating_sub(LONGEST_INVOCATION);
        let time_left = UntilDeadline::new(DEADLINE, now, Duration::from_mins(14));
        assert!(time_left.enough());
        assert!(!time_left.with_margin(LONGEST_INVOCATION).enough());
    }
}
