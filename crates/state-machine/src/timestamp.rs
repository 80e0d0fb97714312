//! Instants in the form that the context object shows.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the instant in ISO 8601, in UTC with milliseconds, such as `2026-11-22T08:30:00.000Z`.
/// Instants before 1970 are shown as the beginning of 1970.
pub(crate) fn iso_8601(instant: SystemTime) -> String {
    let since_epoch = instant.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since_epoch.as_secs();
    let (year, month, day) = civil_date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let millis = since_epoch.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Returns the date of a day counted from 1970-01-01, in the Gregorian calendar (Howard Hinnant,
/// "chrono-compatible low-level date algorithms": years begin in March, so that the leap day is the
/// last day of its year).
fn civil_date(days_since_epoch: u64) -> (u64, u64, u64) {
    let days = days_since_epoch + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
