//! Numbers, times and states in words.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use quarry_contract::execution_status::ExecutionStatus;
use quarry_result::digits::grouped;
use std::time::Duration;

/// Returns a run's state in one word.
pub fn state(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Running => "running",
        ExecutionStatus::Succeeded => "succeeded",
        ExecutionStatus::Failed => "failed",
        ExecutionStatus::TimedOut => "timed out",
        ExecutionStatus::Aborted => "stopped",
    }
}

/// Returns a text such as `1 job` or `2,000 jobs`.
pub fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(count))
}

/// Returns a size in the largest unit (a power of 1,000 bytes) that is not larger than it.
pub fn size(bytes: u64) -> String {
    let units = [
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000_u64),
    ];
    // A size that would be rounded to 1000.0 gets the next unit.
    let Some((unit, of)) = units
        .into_iter()
        .rev()
        .find(|(_, of)| bytes >= of - of / 20_000 && bytes >= 1_000)
    else {
        return counted(bytes, "byte");
    };
    let tenths = (u128::from(bytes) * 10 + u128::from(of) / 2) / u128::from(of);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Returns a time in UTC, such as `2026-11-28 15:58:01`.
pub fn time(at: Duration) -> String {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    match Timestamp::from_second(seconds) {
        Ok(at) => at
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => String::new(),
    }
}

/// Returns a time as RFC 3339.
pub(crate) fn rfc3339(at: Duration) -> String {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or(String::new(), |at| at.to_string())
}

/// Returns how long something takes, in its two largest units.
pub(crate) fn long(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{} {hours} h", counted(days, "day")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!(counted(1, "job"), "1 job");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1_500), "1.5 kB");
        assert_eq!(size(999_999), "1.0 MB");
        assert_eq!(size(16_300_000), "16.3 MB");
        assert_eq!(
            time(Duration::from_secs(1_795_881_481)),
            "2026-11-28 15:58:01"
        );
        assert_eq!(long(Duration::from_secs(59)), "59 s");
        assert_eq!(long(Duration::from_secs(41 * 60 + 7)), "41 min");
        assert_eq!(long(Duration::from_hours(1)), "1 h 0 min");
        assert_eq!(long(Duration::from_hours(49)), "2 days 1 h");
    }
}
