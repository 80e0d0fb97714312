//! The cap on the cost of a run: what is expected to cost more is refused.

use quarry_asking::Asking;
use quarry_contract::settings::{MAX_COST, PRICES, Settings};
use quarry_cost::RunRates;
use quarry_cost::estimate::RunEstimate;
use quarry_edge::error::StepError;

/// Refuses a cap on the cost of models whose price is not known.
pub(crate) fn check_prices(settings: &Settings, rates: &RunRates) -> Result<(), StepError> {
    if settings.max_cost.is_none() {
        return Ok(());
    }
    let mut models = std::iter::once(&rates.primary).chain(&rates.fallback);
    // All ways have a price if calls have one.
    match models.find(|model| model.on_demand.is_none()) {
        None => Ok(()),
        Some(unknown) => Err(StepError::bad_request(format!(
            "{MAX_COST} is set, and no price is known for {}, so nothing can say what the run costs; set its \
             price on demand with {} and {} (USD for a million tokens), or name a model with a price (`quarry models` lists \
             them; in place of an application inference profile, its model or AWS's profile of that model)",
            unknown.model, PRICES[0], PRICES[1]
        ))),
    }
}

/// Refuses a run whose first round is expected to cost more than the cap. Returns a note if it may cost
/// more.
pub(crate) fn check(
    asking: &Asking,
    rates: &RunRates,
    estimate: &RunEstimate,
) -> Result<Option<String>, StepError> {
    let settings = asking.settings();
    let Some(cap) = settings.max_cost else {
        return Ok(None);
    };
    let cost = estimate.cost(&rates.primary, asking.way_of_calls());
    let cost = cost.unwrap_or_default();
    if cost.expected > cap {
        return Err(StepError::bad_request(format!(
            "the run is expected to cost {}, more than {MAX_COST}, {}; send fewer rows, make the prompt or the answers \
             shorter (BEDROCK_MAX_TOKENS, `maxLength` in the schema), or raise {MAX_COST} where it is set: in --set, in \
             the request, or in the deployment; a run over a sample of the rows says what they really cost",
            cost.shown_beside(cap),
            cap.as_given()
        )));
    }
    Ok((cost.high > cap).then(|| {
        format!(
            "the run may cost more than {MAX_COST}, {}: it is expected to cost {}. The first round of each slice is sent \
             whole, and further rounds only as far as the cap allows",
            cap.as_given(),
            cost.shown_beside(cap)
        )
    }))
}
