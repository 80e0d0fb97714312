//! Writes days, times and durations as ISO 8601 text, for all 64-bit values.

use arrow_schema::TimeUnit;
use std::fmt::{self, Write};

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// The Julian day number of 1970-01-01.
const EPOCH_JULIAN_DAY: i64 = 2_440_588;

/// How a timestamp relates to UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// A local time without a known zone, written without a zone.
    None,
    /// An instant, written in UTC with `Z`.
    Utc,
    /// An instant, written in local time with this offset from UTC in seconds.
    Offset(i32),
}

impl Zone {
    /// Returns the zone of an Arrow timestamp. Instants in a named zone (`Europe/Berlin`) are
    /// written in UTC, because the zone's offsets are not known here.
    pub(crate) fn named(name: &str) -> Self {
        match fixed_offset(name) {
            None | Some(0) => Self::Utc,
            Some(seconds) => Self::Offset(seconds),
        }
    }
}

/// Returns the seconds of an offset such as `+05:30`, `-0800` or `+09`.
fn fixed_offset(name: &str) -> Option<i32> {
    let (sign, digits) = match name.as_bytes().first()? {
        b'+' => (1, &name[1..]),
        b'-' => (-1, &name[1..]),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|&c| c != ':').collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    Some(sign * (hours.parse::<i32>().ok()? * 3_600 + minutes.parse::<i32>().ok()? * 60))
}

/// Returns the number of units in a second.
fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Writes a day such as `2024-01-02`, given in days since 1970-01-01. Years of more than four
/// digits have a sign: `+12024-01-02`.
pub(crate) fn write_date(out: &mut impl Write, days: i64) -> fmt::Result {
    // Days are counted in eras of 400 years that begin on 1 March, so that a leap day is the last
    // day of its year.
    let shifted = i128::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + i128::from(month <= 2);
    if (0..=9_999).contains(&year) {
        write!(out, "{year:04}-{month:02}-{day:02}")
    } else {
        write!(out, "{year:+05}-{month:02}-{day:02}")
    }
}

/// Writes a time such as `03:04:05`, with three, six or nine decimals if the value needs them. It
/// may exceed a day: `25:00:00`.
fn write_clock(out: &mut impl Write, seconds: u64, nanos: u64) -> fmt::Result {
    let (minutes, second) = (seconds / 60, seconds % 60);
    write!(out, "{:02}:{:02}:{second:02}", minutes / 60, minutes % 60)?;
    if nanos == 0 {
        Ok(())
    } else if nanos.is_multiple_of(1_000_000) {
        write!(out, ".{:03}", nanos / 1_000_000)
    } else if nanos.is_multiple_of(1_000) {
        write!(out, ".{:06}", nanos / 1_000)
    } else {
        write!(out, ".{nanos:09}")
    }
}

/// Writes a time of day, given in units since midnight.
pub(crate) fn write_time(out: &mut impl Write, value: i64, unit: TimeUnit) -> fmt::Result {
    let (seconds, nanos) = split(value.unsigned_abs(), unit);
    if value < 0 {
        out.write_char('-')?;
    }
    write_clock(out, seconds, nanos)
}

/// Writes a timestamp such as `2024-01-02T03:04:05`, given in units since 1970-01-01T00:00:00, in
/// UTC if there is a zone.
pub(crate) fn write_timestamp(
    out: &mut impl Write,
    value: i64,
    unit: TimeUnit,
    zone: Zone,
) -> fmt::Result {
    let per_second = per_second(unit);
    let nanos = value.rem_euclid(per_second).unsigned_abs()
        * (NANOS_PER_SECOND / per_second.unsigned_abs());
    write_seconds(out, value.div_euclid(per_second), nanos, zone)
}

/// Writes the timestamp of an `INT96` value: eight bytes with the nanoseconds of the day, then four
/// with the Julian day, lowest byte first.
pub(crate) fn write_int96(out: &mut impl Write, bytes: [u8; 12], zone: Zone) -> fmt::Result {
    let [n0, n1, n2, n3, n4, n5, n6, n7, d0, d1, d2, d3] = bytes;
    let nanos = i64::from_le_bytes([n0, n1, n2, n3, n4, n5, n6, n7]);
    let day = i64::from(i32::from_le_bytes([d0, d1, d2, d3])) - EPOCH_JULIAN_DAY;
    let in_a_second = NANOS_PER_SECOND.cast_signed();
    write_seconds(
        out,
        day * SECONDS_PER_DAY + nanos.div_euclid(in_a_second),
        nanos.rem_euclid(in_a_second).unsigned_abs(),
        zone,
    )
}

fn write_seconds(out: &mut impl Write, seconds: i64, nanos: u64, zone: Zone) -> fmt::Result {
    let offset = match zone {
        Zone::Offset(offset) => offset,
        Zone::None | Zone::Utc => 0,
    };
    let local = seconds.saturating_add(i64::from(offset));
    write_date(out, local.div_euclid(SECONDS_PER_DAY))?;
    out.write_char('T')?;
    write_clock(out, local.rem_euclid(SECONDS_PER_DAY).unsigned_abs(), nanos)?;
    match zone {
        Zone::None => Ok(()),
        Zone::Utc => out.write_char('Z'),
        Zone::Offset(offset) => {
            let minutes = offset.unsigned_abs() / 60;
            let sign = if offset < 0 { '-' } else { '+' };
            write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    }
}

/// Writes a duration in seconds, such as `PT1.5S` or `-PT3600S`.
pub(crate) fn write_duration(out: &mut impl Write, value: i64, unit: TimeUnit) -> fmt::Result {
    let (seconds, nanos) = split(value.unsigned_abs(), unit);
    out.write_str(if value < 0 { "-PT" } else { "PT" })?;
    write_fraction(out, seconds, nanos)?;
    out.write_char('S')
}

/// Writes an interval such as `P1M2DT3.004S`, given in four bytes each for months, days and
/// milliseconds, lowest byte first.
pub(crate) fn write_interval(out: &mut impl Write, bytes: [u8; 12]) -> fmt::Result {
    let [m0, m1, m2, m3, d0, d1, d2, d3, s0, s1, s2, s3] = bytes;
    let months = u32::from_le_bytes([m0, m1, m2, m3]);
    let days = u32::from_le_bytes([d0, d1, d2, d3]);
    let millis = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
    out.write_char('P')?;
    if months > 0 {
        write!(out, "{months}M")?;
    }
    if days > 0 {
        write!(out, "{days}D")?;
    }
    if millis > 0 || (months == 0 && days == 0) {
        out.write_char('T')?;
        write_fraction(out, millis / 1_000, millis % 1_000 * 1_000_000)?;
        out.write_char('S')?;
    }
    Ok(())
}

fn write_fraction(out: &mut impl Write, seconds: u64, nanos: u64) -> fmt::Result {
    write!(out, "{seconds}")?;
    if nanos > 0 {
        let digits = format!("{nanos:09}");
        write!(out, ".{}", digits.trim_end_matches('0'))?;
    }
    Ok(())
}

fn split(value: u64, unit: TimeUnit) -> (u64, u64) {
    let per_second = per_second(unit).unsigned_abs();
    (
        value / per_second,
        value % per_second * (NANOS_PER_SECOND / per_second),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};

    fn date(days: i64) -> String {
        let mut out = String::new();
        write_date(&mut out, days).unwrap();
        out
    }

    fn timestamp(value: i64, unit: TimeUnit, zone: Zone) -> String {
        let mut out = String::new();
        write_timestamp(&mut out, value, unit, zone).unwrap();
        out
    }

    #[test]
    fn dates_are_the_calendar_s_days() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (19_782, "2024-02-29"),
            (19_783, "2024-03-01"),
            (11_016, "2000-02-29"),
            (-25_509, "1900-02-28"),
            (-25_508, "1900-03-01"),
            (-719_162, "0001-01-01"),
            (-719_528, "0000-01-01"),
            (-719_529, "-0001-12-31"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
        ] {
            assert_eq!(date(days), text, "{days}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut year_month_day = (1599, 12, 31);
        for days in -135_140..110_000 {
            let (year, month, day) = year_month_day;
            let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            let length = match month {
                2 => 28 + i32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            year_month_day = if day < length {
                (year, month, day + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
            let (year, month, day) = year_month_day;
            assert_eq!(date(days), format!("{year:04}-{month:02}-{day:02}"));
        }
    }

    #[test]
    fn timestamps_have_as_many_digits_as_they_need_and_their_zone() {
        let seconds = 1_704_164_645;
        for (value, unit, zone, text) in [
            (seconds, Second, Zone::None, "2024-01-02T03:04:05"),
            (
                seconds * 1_000,
                Millisecond,
                Zone::None,
                "2024-01-02T03:04:05",
            ),
            (
                seconds * 1_000_000 + 120_000,
                Microsecond,
                Zone::Utc,
                "2024-01-02T03:04:05.120Z",
            ),
            (
                seconds * 1_000_000 + 1,
                Microsecond,
                Zone::Offset(19_800),
                "2024-01-02T08:34:05.000001+05:30",
            ),
            (
                seconds * 1_000_000_000 + 7,
                Nanosecond,
                Zone::Offset(-12_600),
                "2024-01-01T23:34:05.000000007-03:30",
            ),
            (-1, Millisecond, Zone::Utc, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(timestamp(value, unit, zone), text);
        }
    }

    #[test]
    fn no_value_is_out_of_range() {
        for value in [i64::MIN, i64::MAX, 0, -1] {
            for unit in [Second, Millisecond, Microsecond, Nanosecond] {
                for zone in [Zone::None, Zone::Offset(86_340), Zone::Offset(-86_340)] {
                    timestamp(value, unit, zone);
                }
                let mut out = String::new();
                write_time(&mut out, value, unit).unwrap();
                write_duration(&mut out, value, unit).unwrap();
            }
            date(value);
        }
        let mut out = String::new();
        write_int96(&mut out, [0xff; 12], Zone::Utc).unwrap();
        write_int96(&mut out, [0x7f; 12], Zone::Utc).unwrap();
    }

    #[test]
    fn zones_are_read_from_their_names() {
        for (name, zone) in [
            ("UTC", Zone::Utc),
            ("Z", Zone::Utc),
            ("+00:00", Zone::Utc),
            ("Europe/Berlin", Zone::Utc),
            ("+05:30", Zone::Offset(19_800)),
            ("-0800", Zone::Offset(-28_800)),
            ("+09", Zone::Offset(32_400)),
            ("+é9", Zone::Utc),
            ("", Zone::Utc),
        ] {
            assert_eq!(Zone::named(name), zone, "{name}");
        }
    }

    #[test]
    fn durations_and_intervals_are_iso_8601() {
        let mut out = String::new();
        write_duration(&mut out, -1_500, Millisecond).unwrap();
        out.push(' ');
        write_duration(&mut out, 0, Nanosecond).unwrap();
        out.push(' ');
        write_interval(&mut out, [1, 0, 0, 0, 2, 0, 0, 0, 0xbc, 0x0b, 0, 0]).unwrap();
        out.push(' ');
        write_interval(&mut out, [0; 12]).unwrap();
        assert_eq!(out, "-PT1.5S PT0S P1M2DT3.004S PT0S");
    }

    #[test]
    fn int96_counts_days_from_noon_of_long_ago() {
        let mut out = String::new();
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&11_045_000_000_001_i64.to_le_bytes());
        bytes[8..].copy_from_slice(&2_460_312_i32.to_le_bytes());
        write_int96(&mut out, bytes, Zone::Utc).unwrap();
        assert_eq!(out, "2024-01-02T03:04:05.000000001Z");
    }
}
