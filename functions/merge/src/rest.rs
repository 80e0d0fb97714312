//! The rests of a slice while the service does not work: minutes at first, then hours.

use std::time::Duration;

/// The lengths of the first rests. All later ones are as long as the last of them.
const RESTS: [Duration; 3] = [
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
];

/// The slice's waiting for the service, up to this round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Resting {
    /// Rests since the last round in which the service worked.
    pub(crate) rests: u32,
    /// When the first of them began, since 1970-01-01T00:00:00Z.
    pub(crate) since: Option<Duration>,
}

/// A rest before the next round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SliceRest {
    /// How long it is.
    pub(crate) length: Duration,
    /// When the first rest of the outage began, since 1970-01-01T00:00:00Z.
    pub(crate) since: Duration,
}

impl Resting {
    /// Returns the rest that begins now, if the service may be waited for any longer.
    pub(crate) fn next(self, now: Duration, longest: Duration) -> Option<SliceRest> {
        let since = self.since.unwrap_or(now);
        // At least the sum of the rests has passed, whatever the clock shows.
        let rested = (0..self.rests).map(length_of).sum();
        let left = longest.saturating_sub(now.saturating_sub(since).max(rested));
        let length = length_of(self.rests).min(left);
        (length > Duration::ZERO).then_some(SliceRest { length, since })
    }
}

/// Returns the usual length of a rest, by its number from 0.
fn length_of(rest: u32) -> Duration {
    RESTS[(rest as usize).min(RESTS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;

    /// Returns the lengths of all rests, minutes, when each round takes `round`.
    fn rests(longest: Duration, round: Duration) -> Vec<u64> {
        let mut now = Duration::from_secs(1_767_323_045);
        let mut resting = Resting::default();
        let mut lengths = Vec::new();
        while let Some(rest) = resting.next(now, longest) {
            lengths.push(rest.length.as_secs() / 60);
            now += rest.length + round;
            resting = Resting {
                rests: resting.rests + 1,
                since: Some(rest.since),
            };
        }
        lengths
    }

    /// With a clock that stands still, or that was set back, the slice would rest for ever.
    #[test]
    fn rests_end_whatever_the_clock_shows() {
        let since = Duration::from_secs(1_767_323_045);
        for now in [since, since.saturating_sub(Duration::from_hours(50))] {
            let rest = |rests| {
                let since = Some(since);
                Resting { rests, since }.next(now, Duration::from_hours(6))
            };
            let lengths: Vec<u64> = (0..9)
                .map_while(rest)
                .map(|rest| rest.length.as_secs() / 60)
                .collect();
            assert_eq!(lengths, [5, 30, 120, 120, 85]);
        }
    }

    #[test]
    fn rests_grow_from_minutes_to_hours_and_the_last_one_ends_with_the_time() {
        let hours = |hours| Duration::from_secs(hours * HOUR);
        assert_eq!(rests(hours(6), Duration::ZERO), [5, 30, 120, 120, 85]);
        assert_eq!(rests(hours(24), Duration::ZERO).len(), 14);
        assert_eq!(rests(hours(24), hours(24)), [5]);
        assert!(rests(hours(0), Duration::ZERO).is_empty());
    }
}
