//! What AWS charges for the services that a run uses besides its models. No other place has these prices.
//!
//! They are those of us-east-1 without free tiers, and of the first, dearest step where a price falls with the
//! number. Functions are priced for x86-64, which the template uses by default; arm64 costs a fifth less.

use crate::usd::Usd;

/// The day on which the prices were read.
pub(crate) const CHECKED: &str = "2026-11-28";

/// Where the prices were read.
pub(crate) const SOURCES: [&str; 3] = [
    "https://aws.amazon.com/step-functions/pricing/",
    "https://aws.amazon.com/lambda/pricing/",
    "https://aws.amazon.com/s3/pricing/",
];

/// A state transition of a Standard workflow: 0.025 USD for 1,000. A retry is one too.
pub(crate) const TRANSITION: Usd = Usd::of_parts(25_000_000);

/// A call of a function: 0.20 USD for a million.
pub(crate) const CALL: Usd = Usd::of_parts(200_000);

/// 10⁻¹² USD for a second with 1 GB: 0.0000166667 USD.
const GB_SECOND: u128 = 16_666_700;

/// A request to S3 of the class PUT, COPY, POST, LIST: 0.005 USD for 1,000.
pub(crate) const WRITE: Usd = Usd::of_parts(5_000_000);

/// A request to S3 of the class GET, SELECT and all others: 0.0004 USD for 1,000.
pub(crate) const READ: Usd = Usd::of_parts(400_000);

/// 10⁻¹² USD for a byte in S3 Standard for a month: 0.023 USD for a GB.
const BYTE_MONTH: u128 = 23;

/// Returns what functions cost while they work, without their calls.
pub(crate) fn of_function_time(mb_ms: u128) -> Usd {
    Usd::of_parts(mb_ms * GB_SECOND / 1_024 / 1_000)
}

/// Returns what bytes in S3 cost for a number of days.
pub(crate) fn of_storage(bytes: u64, days: u64) -> Usd {
    Usd::of_parts(u128::from(bytes) * BYTE_MONTH * u128::from(days) / 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn the_prices_are_those_of_the_lists() {
        assert_eq!(TRANSITION.times(1_000), usd("0.025"));
        assert_eq!(CALL.times(1_000_000), usd("0.20"));
        assert_eq!(WRITE.times(1_000), usd("0.005"));
        assert_eq!(READ.times(1_000), usd("0.0004"));
        assert_eq!(of_function_time(1_024 * 1_000), usd("0.0000166667"));
        assert_eq!(of_storage(1_000_000_000, 30), usd("0.023"));
    }
}
