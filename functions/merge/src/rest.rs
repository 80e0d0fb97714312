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
    /// Rests since the slice's last answer.
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
        let left = (since + longest).saturating_sub(now);
        let length = RESTS[(self.rests as usize).min(RESTS.len() - 1)].min(left);
        (length > Duration::ZERO).then_some(SliceRest { length, since })
    }
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

    #[test]
    fn rests_grow_from_minutes_to_hours_and_the_last_one_ends_with_the_time() {
        let hours = |hours| Duration::from_secs(hours * HOUR);
        assert_eq!(rests(hours(6), Duration::ZERO), [5, 30, 120, 120, 85]);
        assert_eq!(rests(hours(24), Duration::ZERO).len(), 14);
        assert_eq!(rests(hours(24), hours(24)), [5]);
        assert!(rests(hours(0), Duration::ZERO).is_empty());
    }
}
