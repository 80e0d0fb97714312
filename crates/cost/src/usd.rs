//! An amount of US dollars.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// An amount of US dollars, exact to 10⁻¹² USD. That is a price per million tokens with six decimals,
/// for one token. In JSON it is a text such as `"6.330000"`, with at least six decimals, so that no
/// reader rounds it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Usd(u128);

/// A text that is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an amount of USD: write it in digits, with at most 12 decimals, such as 6.33 or 0.000000001"
)]
pub struct NotUsd(String);

/// The parts of a dollar.
const DOLLAR: u128 = 1_000_000_000_000;
const DECIMALS: usize = 12;
/// The decimals of a cent.
const CENTS: usize = 2;
const SHOWN_DECIMALS: usize = 6;
/// The most digits of whole dollars, so that a price can be multiplied with any number of tokens.
const MOST_DIGITS: usize = 12;

impl Usd {
    /// The amount of this number of dollars.
    pub const fn whole(dollars: u32) -> Self {
        Self(dollars as u128 * DOLLAR)
    }

    /// The amount of this number of 10⁻¹² USD.
    pub const fn of_parts(parts: u128) -> Self {
        Self(parts)
    }

    /// The number of 10⁻¹² USD.
    pub const fn parts(self) -> u128 {
        self.0
    }

    /// The amount nearest to `usd` with six decimals; `None` if it is negative, not finite or above a
    /// thousand million USD.
    pub fn of_float(usd: f64) -> Option<Self> {
        if !(0.0..=1e9).contains(&usd) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 10^15"
        )]
        let millionths = (usd * 1e6).round() as u128;
        Some(Self(millionths * (DOLLAR / 1_000_000)))
    }

    /// An equal share, to the nearest 10⁻¹² USD; `None` without shares.
    pub fn shared_by(self, shares: u64) -> Option<Self> {
        let shares = u128::from(shares);
        (shares > 0).then(|| Self((self.0 + shares / 2) / shares))
    }

    /// The amount, this number of times.
    #[must_use]
    pub fn times(self, number: u64) -> Self {
        Self(self.0 * u128::from(number))
    }

    /// Half of the amount, to the nearest 10⁻¹² USD.
    #[must_use]
    pub fn half(self) -> Self {
        Self(self.0.div_ceil(2))
    }

    /// For people: `6.33 USD`, and two digits that say something for an amount below one USD. An amount that
    /// a person gave is shown by [`as_given`](Self::as_given), and one that is compared with another by
    /// [`shown_beside`](Self::shown_beside).
    pub fn shown(self) -> String {
        self.rounded_to(self.usual_decimals()).as_given()
    }

    /// For people: the whole amount, with at least two decimals, such as `0.035 USD`.
    pub fn as_given(self) -> String {
        let fraction = format!("{:0DECIMALS$}", self.0 % DOLLAR);
        let (cents, rest) = fraction.split_at(CENTS);
        format!(
            "{}.{cents}{} USD",
            self.0 / DOLLAR,
            rest.trim_end_matches('0')
        )
    }

    /// For people, beside an amount that is shown as it was given: as [`shown`](Self::shown), with as many more
    /// digits as show which of the two is more.
    pub fn shown_beside(self, given: Self) -> String {
        let truth = self.cmp(&given);
        self.shown_when(|shown| shown.cmp(&given) == truth)
    }

    /// For people: both amounts, with as many more digits as show which of the two is more.
    pub fn shown_apart(self, other: Self) -> [String; 2] {
        let truth = self.cmp(&other);
        let rounded = |amount: Self, more: usize| amount.rounded_to(amount.usual_decimals() + more);
        let both = |more| (rounded(self, more), rounded(other, more));
        let (one, other) = (0..=DECIMALS)
            .map(both)
            .find(|(one, other)| one.cmp(other) == truth)
            .unwrap_or((self, other));
        [one.as_given(), other.as_given()]
    }

    /// Rounds to the fewest decimals, at least the usual ones, with which the amount is as it has to be.
    fn shown_when(self, is_so: impl Fn(Self) -> bool) -> String {
        let usual = self.usual_decimals();
        let mut rounded = (usual..=DECIMALS).map(|decimals| self.rounded_to(decimals));
        rounded
            .find(|shown| is_so(*shown))
            .unwrap_or(self)
            .as_given()
    }

    /// Cents, or the decimals of the first two digits that are not 0.
    fn usual_decimals(self) -> usize {
        if self.0 == 0 || self.0 >= DOLLAR {
            return CENTS;
        }
        let digits = self.0.ilog10() as usize + 1;
        (DECIMALS + 2 - digits).clamp(CENTS, DECIMALS)
    }

    /// The nearest amount with this number of decimals.
    fn rounded_to(self, decimals: usize) -> Self {
        let zeros = DECIMALS.saturating_sub(decimals);
        let unit = 10_u128.pow(u32::try_from(zeros).unwrap_or(0));
        Self((self.0 + unit / 2) / unit * unit)
    }

    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > MOST_DIGITS || fraction.len() > DECIMALS {
            return None;
        }
        if !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let whole: u128 = whole.parse().ok()?;
        let parts: u128 = format!("{fraction:0<DECIMALS$}").parse().ok()?;
        Some(Self(whole * DOLLAR + parts))
    }
}

/// As in JSON, without a unit.
impl fmt::Display for Usd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:0DECIMALS$}", self.0 % DOLLAR);
        let (first, rest) = fraction.split_at(SHOWN_DECIMALS);
        let rest = rest.trim_end_matches('0');
        write!(formatter, "{}.{first}{rest}", self.0 / DOLLAR)
    }
}

impl From<Usd> for String {
    fn from(usd: Usd) -> Self {
        usd.to_string()
    }
}

impl TryFrom<String> for Usd {
    type Error = NotUsd;

    fn try_from(text: String) -> Result<Self, NotUsd> {
        Self::parse(&text).ok_or(NotUsd(text))
    }
}

impl std::str::FromStr for Usd {
    type Err = NotUsd;

    fn from_str(text: &str) -> Result<Self, NotUsd> {
        Self::parse(text).ok_or_else(|| NotUsd(text.to_owned()))
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_every_decimal_in_json() {
        for (text, written) in [
            ("0", "0.000000"),
            ("6.33", "6.330000"),
            ("0.000000035", "0.000000035"),
            ("0.000000000001", "0.000000000001"),
            ("123456789.5", "123456789.500000"),
        ] {
            let amount: Usd = text.parse().unwrap();
            let json = serde_json::to_string(&amount).unwrap();
            assert_eq!(json, format!("\"{written}\""));
            assert_eq!(serde_json::from_str::<Usd>(&json).unwrap(), amount);
        }
        for bad in [
            "",
            "-1",
            ".5",
            "1e3",
            "1,5",
            "0.0000000000001",
            "one",
            "1000000000000",
        ] {
            assert!(bad.parse::<Usd>().is_err(), "{bad}");
        }
    }

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn people_see_cents_and_of_less_than_a_dollar_two_digits() {
        for (text, shown) in [
            ("0", "0.00 USD"),
            ("6.325", "6.33 USD"),
            ("1234.5", "1234.50 USD"),
            ("0.999", "1.00 USD"),
            ("0.5", "0.50 USD"),
            ("0.354", "0.35 USD"),
            ("0.0138", "0.014 USD"),
            ("0.01", "0.01 USD"),
            ("0.00416", "0.0042 USD"),
            ("0.00999", "0.01 USD"),
            ("0.000000035", "0.000000035 USD"),
            ("0.000000000001", "0.000000000001 USD"),
        ] {
            assert_eq!(usd(text).shown(), shown, "{text}");
        }
    }

    #[test]
    fn an_amount_that_a_person_gave_is_shown_as_given() {
        for (text, shown) in [
            ("0.035", "0.035 USD"),
            ("20", "20.00 USD"),
            ("0.0123456789", "0.0123456789 USD"),
            ("1.5", "1.50 USD"),
        ] {
            assert_eq!(usd(text).as_given(), shown);
        }
    }

    #[test]
    fn amounts_that_differ_are_shown_with_digits_that_differ() {
        for (amount, given, shown) in [
            ("0.03512", "0.035", "0.0351 USD"),
            ("0.0354", "0.0352", "0.0354 USD"),
            ("0.0367", "0.037", "0.0367 USD"),
            ("0.051", "0.035", "0.051 USD"),
            ("5.0004", "5", "5.0004 USD"),
            ("5", "5", "5.00 USD"),
            ("0.000000000002", "0.000000000001", "0.000000000002 USD"),
        ] {
            assert_eq!(
                usd(amount).shown_beside(usd(given)),
                shown,
                "{amount} {given}"
            );
        }
        for (one, other, shown) in [
            ("0.0528", "0.0532", ["0.0528 USD", "0.0532 USD"]),
            ("0.05", "0.1", ["0.05 USD", "0.10 USD"]),
            ("7.001", "7.0049", ["7.001 USD", "7.005 USD"]),
            ("0.9999", "1.001", ["1.00 USD", "1.001 USD"]),
            ("0.0351", "0.0351", ["0.035 USD", "0.035 USD"]),
        ] {
            assert_eq!(usd(one).shown_apart(usd(other)), shown, "{one} {other}");
        }
    }

    #[test]
    fn a_float_is_read_to_six_decimals() {
        assert_eq!(Usd::of_float(1.1), "1.1".parse().ok());
        assert_eq!(Usd::of_float(0.000_035), "0.000035".parse().ok());
        assert_eq!(Usd::of_float(-0.1), None);
        assert_eq!(Usd::of_float(f64::NAN), None);
    }

    #[test]
    fn a_share_is_rounded_to_the_nearest_part() {
        let amount = Usd::of_parts(10);
        assert_eq!(amount.shared_by(4), Some(Usd::of_parts(3)));
        assert_eq!(amount.shared_by(3), Some(Usd::of_parts(3)));
        assert_eq!(amount.shared_by(0), None);
    }
}
