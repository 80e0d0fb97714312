//! The caps of a run: how much it may read and send, and so what it may cost at most.
//!
//! A pipeline may lower the caps of its deployment, but not raise them, and a request in the inbox
//! or in the queue changes none. A cap on the cost holds by the prices: whoever could say that a model
//! costs nothing could pass it. So the prices belong to whoever sets the cap.

use super::prices::PRICES;
use super::source::Source;
use super::{SettingError, Settings};
use quarry_cost::Usd;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// The cap on the cost.
pub const MAX_COST: &str = "BEDROCK_MAX_COST";

/// The caps that are whole numbers.
const NUMBERS: [&str; 2] = ["BEDROCK_MAX_ROWS", "BEDROCK_MAX_DATA_BYTES"];

/// The names of the caps.
pub const CAPS: [&str; 3] = [NUMBERS[0], NUMBERS[1], MAX_COST];

/// How often every row of a run of `BEDROCK_MAX_ROWS` rows may be sent: once, and in the three
/// further rounds of the default. With more rounds, a run may have fewer rows.
pub const SENDS_OF_MOST_ROWS: u64 = 4;

impl Settings {
    /// Returns the most rows of a run: `BEDROCK_MAX_ROWS`, or less if `BEDROCK_MAX_RETRIES` allows
    /// more rounds than usual.
    pub fn most_rows(&self) -> u64 {
        let sends = 1 + u64::from(self.max_retries);
        self.max_rows
            .min(self.max_rows.saturating_mul(SENDS_OF_MOST_ROWS) / sends)
    }
}

/// Returns the settings of a run: those of its request over those of the deployment. Caps of the
/// deployment hold also if the request leaves them empty, and beside a cap on the cost so do its prices.
///
/// # Errors
///
/// [`SettingError::Value`] if the request raises a cap of the deployment, or sets a price below that of
/// a deployment that caps the cost.
pub fn over_deployment(
    deployment: &BTreeMap<String, String>,
    request: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, SettingError> {
    let mut values = deployment.clone();
    values.extend(request.clone());
    for name in NUMBERS {
        hold::<u64>(name, Freedom::Lower, deployment, request, &mut values)?;
    }
    hold::<Usd>(MAX_COST, Freedom::Lower, deployment, request, &mut values)?;
    if Source::new(deployment).raw(MAX_COST).is_some() {
        for name in PRICES {
            hold_price(name, deployment, request, &mut values)?;
        }
    }
    Ok(values)
}

/// The direction in which a request may leave a value of its deployment.
#[derive(Clone, Copy)]
enum Freedom {
    Lower,
    Raise,
}

/// Sets a price of a deployment that caps the cost, unless the request raises it. If the deployment has none, the
/// request may not have one either.
fn hold_price(
    name: &'static str,
    deployment: &BTreeMap<String, String>,
    request: &BTreeMap<String, String>,
    values: &mut BTreeMap<String, String>,
) -> Result<(), SettingError> {
    let price = |of| Source::new(of).any_number::<Usd>(name);
    match (price(deployment)?, price(request)?) {
        (None, Some(asked)) => Err(SettingError::Value {
            name,
            value: asked.to_string(),
            allowed: format!(
                "no value in a request, because the deployment sets {MAX_COST} and so the prices too (its parameters \
                 PriceIn and PriceOut)"
            ),
        }),
        _ => hold::<Usd>(name, Freedom::Raise, deployment, request, values),
    }
}

/// Sets a value of the deployment, unless the request changes it in the direction that is free.
fn hold<N: FromStr + PartialOrd + Display + Copy>(
    name: &'static str,
    freedom: Freedom,
    deployment: &BTreeMap<String, String>,
    request: &BTreeMap<String, String>,
    values: &mut BTreeMap<String, String>,
) -> Result<(), SettingError> {
    let value = |of| Source::new(of).any_number::<N>(name);
    let Some(held) = value(deployment)? else {
        return Ok(());
    };
    let Some(asked) = value(request)? else {
        values.insert(name.to_owned(), held.to_string());
        return Ok(());
    };
    let (is_free, allowed) = match freedom {
        Freedom::Lower => (
            asked <= held,
            format!("at most {held}, as the deployment says"),
        ),
        Freedom::Raise => (
            asked >= held,
            format!("at least {held}, as the deployment says, which sets {MAX_COST}"),
        ),
    };
    if is_free {
        return Ok(());
    }
    Err(SettingError::Value {
        name,
        value: asked.to_string(),
        allowed,
    })
}

/// Returns the cap on the cost that these values set.
///
/// # Errors
///
/// [`SettingError::Value`] if it is not an amount, or out of range.
pub fn cost_cap(values: &BTreeMap<String, String>) -> Result<Option<Usd>, SettingError> {
    Source::new(values).cost(MAX_COST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        values.iter().map(owned).collect()
    }

    #[test]
    fn a_request_may_lower_a_cap_of_the_deployment_and_not_raise_it() {
        let deployment = of(&[("BEDROCK_MAX_ROWS", "1_000"), ("BEDROCK_TOP_P", "0.5")]);
        for (asked, rows) in [("10", "10"), ("1000", "1000"), ("", "1000")] {
            let request = of(&[("BEDROCK_MAX_ROWS", asked), ("BEDROCK_TOP_P", "")]);
            let values = over_deployment(&deployment, &request).unwrap();
            assert_eq!(values["BEDROCK_MAX_ROWS"], rows, "{asked}");
            assert_eq!(values["BEDROCK_TOP_P"], "", "other settings are replaced");
        }
        let request = of(&[("BEDROCK_MAX_ROWS", "1001")]);
        assert_eq!(
            over_deployment(&deployment, &request)
                .unwrap_err()
                .to_string(),
            "BEDROCK_MAX_ROWS is `1001`; allowed: at most 1000, as the deployment says"
        );
        let values = over_deployment(&BTreeMap::new(), &request).unwrap();
        assert_eq!(values["BEDROCK_MAX_ROWS"], "1001");
    }

    #[test]
    fn the_cap_on_the_cost_is_an_amount_and_is_not_raised_either() {
        let deployment = of(&[("BEDROCK_MAX_COST", "2.50")]);
        let held = |asked: &str| {
            let request = of(&[
                ("BEDROCK_MAX_COST", asked),
                ("BEDROCK_PRIMARY_MODEL_ID", "m"),
            ]);
            let values = over_deployment(&deployment, &request)?;
            Ok::<_, SettingError>(Settings::read(&values)?.max_cost)
        };
        let usd = |text: &str| Some(text.parse::<Usd>().unwrap());
        for (asked, cost) in [("2.5", "2.5"), ("0.1", "0.1"), ("", "2.5")] {
            assert_eq!(held(asked).unwrap(), usd(cost), "{asked}");
        }
        assert_eq!(
            held("2.51").unwrap_err().to_string(),
            "BEDROCK_MAX_COST is `2.510000`; allowed: at most 2.500000, as the deployment says"
        );
        assert!(held("much").is_err());
        assert_eq!(cost_cap(&BTreeMap::new()).unwrap(), None);
    }

    #[test]
    fn a_request_cannot_cheapen_a_model_under_the_cap_of_its_deployment() {
        let held = |deployment: &[(&str, &str)], asked: &str| {
            let request = of(&[
                ("BEDROCK_PRICE_IN", asked),
                ("BEDROCK_PRICE_OUT", asked),
                ("BEDROCK_PRIMARY_MODEL_ID", "m"),
            ]);
            let values = over_deployment(&of(deployment), &request)?;
            let price = Settings::read(&values)?.price;
            Ok::<_, SettingError>(price.map(|price| price.input.to_string()))
        };
        let price = [("BEDROCK_PRICE_IN", "3"), ("BEDROCK_PRICE_OUT", "3")];
        let cap = ("BEDROCK_MAX_COST", "10");
        assert_eq!(held(&price, "1").unwrap().unwrap(), "1.000000", "no cap");
        assert_eq!(held(&[], "1").unwrap().unwrap(), "1.000000");
        let both = [price[0], price[1], cap];
        assert_eq!(held(&both, "3.5").unwrap().unwrap(), "3.500000");
        assert_eq!(held(&both, "").unwrap().unwrap(), "3.000000");
        assert_eq!(
            held(&both, "2.9").unwrap_err().to_string(),
            "BEDROCK_PRICE_IN is `2.900000`; allowed: at least 3.000000, as the deployment says, which sets \
             BEDROCK_MAX_COST"
        );
        let text = held(&[cap], "1").unwrap_err().to_string();
        assert!(
            text.contains("no value in a request") && text.contains("PriceIn and PriceOut"),
            "{text}"
        );
        assert_eq!(held(&[cap], "").unwrap(), None);
    }

    #[test]
    fn a_price_has_both_parts_or_none() {
        for (name, other) in [(PRICES[0], PRICES[1]), (PRICES[1], PRICES[0])] {
            let values = of(&[(name, "0.25"), ("BEDROCK_PRIMARY_MODEL_ID", "m")]);
            let text = Settings::read(&values).unwrap_err().to_string();
            assert!(
                text.starts_with(&format!("{other} is not set")) && text.contains(name),
                "{text}"
            );
        }
        let values = of(&[
            (PRICES[0], "0.25"),
            (PRICES[1], "0"),
            ("BEDROCK_PRIMARY_MODEL_ID", "m"),
        ]);
        let price = Settings::read(&values).unwrap().price.unwrap();
        assert_eq!(price.output, Usd::default());
    }

    #[test]
    fn more_rounds_leave_fewer_rows() {
        let most = |retries: &str| {
            let values = of(&[
                ("BEDROCK_PRIMARY_MODEL_ID", "m"),
                ("BEDROCK_MAX_ROWS", "1000"),
                ("BEDROCK_MAX_RETRIES", retries),
            ]);
            Settings::read(&values).unwrap().most_rows()
        };
        assert_eq!(
            ["0", "3", "4", "7", "10"].map(most),
            [1_000, 1_000, 800, 500, 363]
        );
    }
}
