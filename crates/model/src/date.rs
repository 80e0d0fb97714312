//! Days of the calendar, for the release and the end of a model.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A day. Its text form is `2026-11-28` (ISO 8601).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    pub(crate) const fn new(year: u16, month: u8, day: u8) -> Self {
        Self { year, month, day }
    }

    /// Reads a date, or the date at the start of a time such as `2026-11-28T05:10:00Z`. `None` for
    /// anything else, including days that are not in the calendar.
    pub fn parse(text: &str) -> Option<Self> {
        let date = match text.split_once('T') {
            Some((date, _)) => date,
            None => text,
        };
        let bytes = date.as_bytes();
        let shaped = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shaped {
            return None;
        }
        let date = Self::new(
            date[..4].parse().ok()?,
            date[5..7].parse().ok()?,
            date[8..].parse().ok()?,
        );
        (1..=date.days_of_month()?)
            .contains(&date.day)
            .then_some(date)
    }

    fn days_of_month(self) -> Option<u8> {
        let leap = self.year.is_multiple_of(4)
            && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        match self.month {
            2 if leap => Some(29),
            2 => Some(28),
            4 | 6 | 9 | 11 => Some(30),
            1..=12 => Some(31),
            _ => None,
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:04}-{:02}-{:02}",
            self.year, self.month, self.day
        )
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .filter(|date| date.to_string() == text)
            .ok_or_else(|| {
                serde::de::Error::custom(format!("`{text}` is not a date such as 2027-01-31"))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_from_dates_and_times_and_nothing_else() {
        let date = Date::new(2026, 11, 28);
        for text in [
            "2026-11-28",
            "2026-11-28T05:10:00Z",
            "2026-11-28T05:10:00.123+01:00",
        ] {
            assert_eq!(Date::parse(text), Some(date), "{text}");
        }
        assert_eq!(Date::parse("2028-02-29"), Some(Date::new(2028, 2, 29)));
        for text in [
            "",
            "2026-11",
            "2026-11-31",
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "26-11-28",
            "2026/11/28",
            "2026-1-028",
            "+026-11-28",
            "２026-11-28",
            "2026-11-28 05:10",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_in_the_order_of_the_calendar_and_written_as_they_are_read() {
        assert!(Date::new(2026, 12, 31) < Date::new(2027, 1, 1));
        assert!(Date::new(2026, 9, 30) < Date::new(2026, 10, 1));
        let json = serde_json::to_string(&Date::new(2026, 1, 2)).unwrap();
        assert_eq!(json, "\"2026-01-02\"");
        assert_eq!(
            serde_json::from_str::<Date>(&json).unwrap(),
            Date::new(2026, 1, 2)
        );
        assert!(serde_json::from_str::<Date>("\"2026-01-02T00:00:00Z\"").is_err());
    }
}
