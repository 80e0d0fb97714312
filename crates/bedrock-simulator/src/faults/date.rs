//! The day of a script, which decides which models have ended.

use serde::{Deserialize, Serialize};

/// A day, as in ISO 8601: `2026-11-28`. Days compare like their texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultDate(String);

impl FaultDate {
    /// Reads a day; `None` if the text is not one.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut number = |length: usize, most: u32| {
            let part = parts.next().filter(|part| part.len() == length)?;
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            let number: u32 = part.parse().ok().filter(|_| digits)?;
            (number >= 1 && number <= most).then_some(())
        };
        number(4, 9_999)?;
        number(2, 12)?;
        number(2, 31)?;
        parts.next().is_none().then(|| Self(text.to_owned()))
    }

    /// Whether this day is `other` or a later one.
    pub(crate) fn has_reached(&self, other: &str) -> bool {
        self.0.as_str() >= other
    }
}

impl TryFrom<String> for FaultDate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::read(&text).ok_or_else(|| format!("`{text}` is not a day; write it as 2026-11-28"))
    }
}

impl From<FaultDate> for String {
    fn from(date: FaultDate) -> Self {
        date.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_distinguished_from_other_texts() {
        let day = FaultDate::read("2026-11-28").unwrap();
        assert!(day.has_reached("2026-11-28") && day.has_reached("2026-10-14"));
        assert!(!day.has_reached("2027-01-08"));
        for other in [
            "",
            "2026",
            "2026-11",
            "28.11.2026",
            "2026-13-01",
            "2026-11-32",
            "2026-11-+1",
        ] {
            assert_eq!(FaultDate::read(other), None, "{other}");
        }
    }
}
