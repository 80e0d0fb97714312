//! The estimate of a planned run.

use crate::failure::Failure;
use crate::plan_total::PlanTotal;
use crate::staging::LocalJob;
use quarry_asking::Asking;
use quarry_contract::plan::{Plan, Slice};
use quarry_contract::settings::{ServiceTier, nearest_model};
use quarry_cost::estimate::{Estimated, ExpectedTokens, Overhead};
use quarry_cost::{ModelRates, TokenRate, Usd, Way};
use std::fmt;

/// What a run would ask, which does not depend on prices.
#[derive(Debug)]
pub(super) struct ExpectedWork {
    pub(super) model: String,
    pub(super) total: PlanTotal,
    /// Records whose texts were counted.
    pub(super) counted: u64,
    /// Whether Bedrock counted the tokens of these records.
    pub(super) is_counted: bool,
    pub(super) tokens: ExpectedTokens,
    pub(super) max_tokens: u64,
    pub(super) reaches_limit: bool,
    pub(super) overhead: Overhead,
    pub(super) notes: Vec<String>,
}

/// What a run would cost.
#[derive(Debug)]
pub(crate) struct PlannedCost {
    pub(super) work: ExpectedWork,
    /// As planned: in jobs and on demand.
    pub(super) planned: Estimated<Usd>,
    /// All records in one way each, for comparison.
    pub(super) ways: Vec<WayEstimate>,
    pub(super) rates: ModelRates,
}

/// What all records would cost in one way.
#[derive(Debug)]
pub(super) struct WayEstimate {
    pub(super) way: Way,
    pub(super) assumed: Option<&'static str>,
    pub(super) cost: Estimated<Usd>,
}

impl PlannedCost {
    /// What the model is expected to cost.
    pub(crate) fn expected(&self) -> Usd {
        self.planned.expected
    }

    /// What the model would cost.
    pub(crate) fn estimated(&self) -> Estimated<Usd> {
        self.planned
    }

    /// Returns the cost of a job that is planned. `rate` replaces the prices of the table of models.
    pub(crate) fn of(
        plan: &Plan,
        slices: &[Slice],
        job: &LocalJob,
        rate: Option<TokenRate>,
    ) -> Result<Result<Self, MissingPrice>, Failure> {
        let asking = Asking::of_plan(plan).map_err(|error| Failure::input(error.to_string()))?;
        let estimate = plan.estimate;
        let estimate = estimate.ok_or_else(|| Failure::run("the plan has no estimate"))?;
        let known = plan.rates.as_ref().map(|rates| rates.primary.clone());
        let known = known.ok_or_else(|| Failure::run("the plan has no prices"))?;
        let work = ExpectedWork {
            counted: estimate.counted,
            is_counted: false,
            overhead: Overhead::of(&asking.asked_slices(plan, slices, &estimate)),
            model: known.model.clone(),
            max_tokens: asking.model().max_tokens(asking.settings()),
            reaches_limit: estimate.reaches_limit,
            total: PlanTotal::of(slices),
            tokens: estimate.tokens(),
            notes: notes(plan, job),
        };
        let rates = match rate {
            Some(rate) => given_rates(known, rate),
            None if known.on_demand.is_some() => known,
            None => return Ok(Err(MissingPrice(Box::new(work)))),
        };
        let planned = estimate.cost(&rates, asking.way_of_calls());
        Ok(Ok(Self {
            planned: planned.unwrap_or_default(),
            ways: ways(&asking, &rates, &work.tokens),
            rates,
            work,
        }))
    }
}

/// What a run would ask of a model whose price is not known.
#[derive(Debug)]
pub(crate) struct MissingPrice(pub(super) Box<ExpectedWork>);

impl fmt::Display for MissingPrice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = &self.0.model;
        let near =
            nearest_model(model).map_or_else(String::new, |id| format!("; did you mean `{id}`?"));
        write!(
            out,
            "no price is known for {model}{near}; give it with --price-in and --price-out, or set BEDROCK_PRICE_IN and \
             BEDROCK_PRICE_OUT"
        )
    }
}

fn notes(plan: &Plan, job: &LocalJob) -> Vec<String> {
    let names = job.names();
    let mut notes: Vec<String> = plan.notes.iter().map(|note| names.in_text(note)).collect();
    let rates = plan.rates.as_ref();
    if rates.is_some_and(|rates| rates.fallback.is_some()) {
        notes.push("the fallback model's answers are not in the estimate".to_owned());
    }
    notes
}

/// Returns the prices that the arguments give for every way.
fn given_rates(known: ModelRates, rate: TokenRate) -> ModelRates {
    ModelRates {
        on_demand: Some(rate),
        batch: Some(rate),
        flex: Some(rate),
        priority: Some(rate),
        source: "--price-in and --price-out".to_owned(),
        checked: String::new(),
        ..known
    }
}

/// Returns the ways that the model offers.
fn ways(asking: &Asking, rates: &ModelRates, tokens: &ExpectedTokens) -> Vec<WayEstimate> {
    let model = asking.model();
    let offered = [
        (Way::Job, model.capabilities().batch),
        (Way::OnDemand, true),
        (Way::Flex, model.has_tier(ServiceTier::Flex)),
    ];
    let offered = offered.into_iter().filter(|(_, is_offered)| *is_offered);
    offered
        .filter_map(|(way, _)| {
            Some(WayEstimate {
                way,
                assumed: rates.of(way)?.assumed,
                cost: tokens.cost(rates, way)?,
            })
        })
        .collect()
}
