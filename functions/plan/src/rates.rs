//! The prices of the run's models, from the table of models, and from the settings where the table has
//! none. This function is the only one that contains that table's prices, so it writes those of the
//! run into the plan.

use quarry_contract::settings::{Settings, nearest_model};
use quarry_cost::{ModelRates, RunRates, TokenRate, Usd};
use quarry_model::{FactGroup, KnownModel, TokenPrice};

/// Where prices of the settings come from.
const SETTINGS: &str = "BEDROCK_PRICE_IN and BEDROCK_PRICE_OUT";

/// Returns the prices of the run's models, as they are known.
pub(crate) fn of(settings: &Settings) -> RunRates {
    let priced = |model| or_given(of_model(model), settings.price);
    RunRates {
        primary: priced(settings.effective_model_id()),
        fallback: settings.fallback_model_id.clone().map(priced),
    }
}

/// Returns the prices of a model, or the one of the settings if it has none.
fn or_given(known: ModelRates, given: Option<TokenRate>) -> ModelRates {
    if known.has_price() || given.is_none() {
        return known;
    }
    ModelRates {
        on_demand: given,
        source: SETTINGS.to_owned(),
        checked: String::new(),
        ..known
    }
}

/// Says for which models the summary can have no cost, and of a price that has no effect.
pub(crate) fn notes(settings: &Settings, rates: &RunRates) -> Vec<String> {
    let mut notes = Vec::new();
    let mut models = std::iter::once(&rates.primary).chain(&rates.fallback);
    if settings.price.is_some() && models.all(|model| model.source != SETTINGS) {
        notes.push(format!(
            "{SETTINGS} have no effect: the price of {} is known",
            rates.primary.model
        ));
    }
    if !rates.primary.has_price() {
        notes.push(format!(
            "no price is known for {}{}, so the summary has no cost; {SETTINGS} set one",
            rates.primary.model,
            did_you_mean(&rates.primary.model)
        ));
    }
    if let Some(fallback) = rates.fallback.as_ref().filter(|rates| !rates.has_price()) {
        notes.push(format!(
            "no price is known for {}{}; if this fallback model answers, the summary has no cost",
            fallback.model,
            did_you_mean(&fallback.model)
        ));
    }
    notes
}

/// Names the listed model of nearly the same id, if there is one.
fn did_you_mean(model: &str) -> String {
    nearest_model(model).map_or_else(String::new, |id| format!(" (did you mean `{id}`?)"))
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
