//! The price of a model whose price is not known.

use super::error::SettingError;
use super::source::Source;
use quarry_cost::{TokenRate, Usd};

/// The settings that price a model whose price is not known: what it reads, and what it writes.
pub const PRICES: [&str; 2] = ["BEDROCK_PRICE_IN", "BEDROCK_PRICE_OUT"];

/// Returns a price in USD for a million tokens. Both parts of it are set, or none.
pub(super) fn token_rate(source: &Source<'_>) -> Result<Option<TokenRate>, SettingError> {
    const MOST: Usd = Usd::whole(1_000_000);
    let price = |name| {
        let allowed = "0 to 1000000 USD for a million tokens, such as 3 or 0.25";
        source.amount(name, Usd::default()..=MOST, allowed)
    };
    let missing = |name, remedy| Err(SettingError::Missing { name, remedy });
    let [name_in, name_out] = PRICES;
    match (price(name_in)?, price(name_out)?) {
        (Some(input), Some(output)) => Ok(Some(TokenRate { input, output })),
        (None, None) => Ok(None),
        (None, Some(_)) => missing(
            name_in,
            "a price needs both: set it beside BEDROCK_PRICE_OUT",
        ),
        (Some(_), None) => missing(
            name_out,
            "a price needs both: set it beside BEDROCK_PRICE_IN",
        ),
    }
}
