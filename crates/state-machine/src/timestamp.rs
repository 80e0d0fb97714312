//! Writes instants in the form that the context object shows.

use jiff::Timestamp;
use std::time::SystemTime;

/// Returns the instant in ISO 8601, in UTC with milliseconds, such as `2026-11-22T08:30:00.000Z`.
/// Instants beyond the year 9999 are shown as the beginning of 1970.
pub(crate) fn iso_8601(instant: SystemTime) -> String {
    let instant = Timestamp::try_from(instant).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{instant:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    /// Known instants, including both kinds of leap-year rule and the last second of a year.
    #[test]
    fn instants_are_shown_in_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_164_800, "2024-02-29T00:00:00.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(
                iso_8601(UNIX_EPOCH + Duration::from_secs(seconds)),
                expected
            );
        }
        let with_millis = UNIX_EPOCH + Duration::from_millis(1_234);
        assert_eq!(iso_8601(with_millis), "1970-01-01T00:00:01.234Z");
    }
}
