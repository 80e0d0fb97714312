//! The prices of the run's models, from the table of models. This function is the only one that
//! contains that table's prices, so it writes those of the run into the plan.

use quarry_contract::settings::Settings;
use quarry_cost::{ModelRates, RunRates, TokenRate, Usd};
use quarry_model::{FactGroup, KnownModel, TokenPrice};

/// Returns the prices of the run's models, as they are known.
pub(crate) fn of(settings: &Settings) -> RunRates {
    RunRates {
        primary: of_model(settings.effective_model_id()),
        fallback: settings.fallback_model_id.clone().map(of_model),
    }
}

/// Says for which models the summary can have no cost.
pub(crate) fn notes(rates: &RunRates) -> Vec<String> {
    let mut notes = Vec::new();
    if !rates.primary.has_price() {
        notes.push(format!(
            "no price is known for {}, so the summary has no cost",
            rates.primary.model
        ));
    }
    if let Some(fallback) = rates.fallback.as_ref().filter(|rates| !rates.has_price()) {
        notes.push(format!(
            "no price is known for {}; if this fallback model answers, the summary has no cost",
            fallback.model
        ));
    }
    notes
}

fn of_model(model: String) -> ModelRates {
    let known = KnownModel::of(&model);
    let source = known.model().listing().source(FactGroup::Prices);
    let price = known.price();
    ModelRates {
        model,
        on_demand: price.and_then(|price| rate(price.on_demand)),
        batch: price.and_then(|price| rate(price.batch)),
        flex: price.and_then(|price| rate(price.flex)),
        priority: price.and_then(|price| rate(price.priority)),
        source: source.what.to_owned(),
        checked: source.checked.to_string(),
    }
}

fn rate(price: Option<TokenPrice>) -> Option<TokenRate> {
    let price = price?;
    Some(TokenRate {
        input: Usd::of_float(price.input)?,
        output: Usd::of_float(price.output)?,
    })
}
