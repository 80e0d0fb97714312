//! Reads the texts of settings as numbers, words and lists.

use super::error::SettingError;
use super::values::Effort;
use quarry_cost::Usd;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Reads settings of each type. An empty value counts as not set.
pub(super) struct Source<'a>(&'a BTreeMap<String, String>);

impl<'a> Source<'a> {
    pub(super) fn new(values: &'a BTreeMap<String, String>) -> Self {
        Self(values)
    }

    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.raw(name).map(str::to_owned)
    }

    pub(super) fn number<N>(
        &self,
        name: &'static str,
        default: N,
        least: N,
        most: N,
    ) -> Result<N, SettingError>
    where
        N: FromStr + PartialOrd + Display + Copy,
    {
        Ok(self.optional_number(name, least, most)?.unwrap_or(default))
    }

    pub(super) fn optional_number<N>(
        &self,
        name: &'static str,
        least: N,
        most: N,
    ) -> Result<Option<N>, SettingError>
    where
        N: FromStr + PartialOrd + Display + Copy,
    {
        match self.any_number(name) {
            Ok(Some(value)) if value >= least && value <= most => Ok(Some(value)),
            Ok(None) => Ok(None),
            _ => Err(SettingError::Value {
                name,
                value: self.raw(name).unwrap_or_default().to_owned(),
                allowed: format!("{least} to {most}"),
            }),
        }
    }

    /// Returns a number of any size.
    pub(super) fn any_number<N: FromStr>(
        &self,
        name: &'static str,
    ) -> Result<Option<N>, SettingError> {
        let Some(text) = self.raw(name) else {
            return Ok(None);
        };
        let number = without_underscores(text).parse().ok();
        number.map(Some).ok_or_else(|| SettingError::Value {
            name,
            value: text.to_owned(),
            allowed: "a number".to_owned(),
        })
    }

    /// Returns an amount of USD.
    pub(super) fn cost(&self, name: &'static str) -> Result<Option<Usd>, SettingError> {
        const LEAST: Usd = Usd::of_parts(1_000_000);
        const MOST: Usd = Usd::whole(1_000_000);
        self.amount(
            name,
            LEAST..=MOST,
            "0.000001 to 1000000 USD, such as 25 or 0.50",
        )
    }

    pub(super) fn amount(
        &self,
        name: &'static str,
        range: RangeInclusive<Usd>,
        allowed: &str,
    ) -> Result<Option<Usd>, SettingError> {
        match self.any_number(name) {
            Ok(None) => Ok(None),
            Ok(Some(amount)) if range.contains(&amount) => Ok(Some(amount)),
            _ => Err(SettingError::Value {
                name,
                value: self.raw(name).unwrap_or_default().to_owned(),
                allowed: allowed.to_owned(),
            }),
        }
    }

    pub(super) fn effort(&self) -> Result<Option<Effort>, SettingError> {
        const NAME: &str = "BEDROCK_EFFORT";
        if self.raw(NAME).is_none() {
            return Ok(None);
        }
        let names = Effort::ALL.map(Effort::as_str);
        Ok(Some(Effort::ALL[self.choice(NAME, names[0], &names)?]))
    }

    pub(super) fn flag(&self, name: &'static str, default: bool) -> Result<bool, SettingError> {
        Ok(self.choice(
            name,
            if default { "true" } else { "false" },
            &["false", "true"],
        )? == 1)
    }

    pub(super) fn choice(
        &self,
        name: &'static str,
        default: &str,
        allowed: &[&str],
    ) -> Result<usize, SettingError> {
        let text = self.raw(name).unwrap_or(default);
        allowed
            .iter()
            .position(|one| one.eq_ignore_ascii_case(text))
            .ok_or_else(|| SettingError::Value {
                name,
                value: text.to_owned(),
                allowed: allowed.join(", "),
            })
    }

    pub(super) fn list(&self, name: &'static str) -> Result<Vec<String>, SettingError> {
        let Some(text) = self.raw(name) else {
            return Ok(Vec::new());
        };
        serde_json::from_str(text).map_err(|_| SettingError::Value {
            name,
            value: text.to_owned(),
            allowed: "a JSON list of model ids, e.g. [\"anthropic.claude-…\"]".to_owned(),
        })
    }
}

/// `45_000` is 45000, as in Python.
fn without_underscores(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let digit = |place: Option<usize>| {
        place
            .and_then(|place| bytes.get(place))
            .is_some_and(u8::is_ascii_digit)
    };
    let separates = |(place, byte): (usize, &u8)| {
        *byte != b'_' || digit(place.checked_sub(1)) && digit(Some(place + 1))
    };
    if bytes.contains(&b'_') && bytes.iter().enumerate().all(separates) {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    }
}
