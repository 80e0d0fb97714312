//! The estimate of a planned run.

use crate::failure::Failure;
use crate::plan_total::PlanTotal;
use crate::staging::LocalJob;
use quarry_asking::Asking;
use quarry_contract::plan::{Mode, Plan, Slice};
use quarry_contract::settings::{ServiceTier, Settings, ThinkingSetting};
use quarry_cost::estimate::{
    AnswerLength, AskedSlices, Estimated, ExpectedTokens, Overhead, RequestTexts, TextClasses,
    TokenFamily,
};
use quarry_cost::{ModelRates, TokenRate, Usd, Way};
use quarry_local_stack::SingleSteps;
use quarry_model::Thinking;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// The most slices whose records are read for the texts of all.
const SLICES_READ: usize = 8;
/// The most records whose texts are counted.
const RECORDS_COUNTED: u64 = 5_000;

/// What a run would cost.
#[derive(Debug)]
pub(crate) struct PlannedCost {
    pub(super) model: String,
    pub(super) total: PlanTotal,
    /// Records whose texts were counted.
    pub(super) counted: u64,
    pub(super) tokens: ExpectedTokens,
    pub(super) max_tokens: u64,
    pub(super) reaches_limit: bool,
    /// As planned: in jobs and on demand.
    pub(super) planned: Estimated<Usd>,
    /// All records in one way each, for comparison.
    pub(super) ways: Vec<WayEstimate>,
    pub(super) rates: ModelRates,
    pub(super) overhead: Overhead,
    pub(super) notes: Vec<String>,
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

    /// Estimates the cost of a job that is planned. `rate` replaces the prices of the table of
    /// models.
    pub(crate) async fn of(
        steps: &SingleSteps<'_>,
        job: &LocalJob,
        rate: Option<TokenRate>,
    ) -> Result<Result<Self, MissingPrice>, Failure> {
        let plan = steps.plan();
        match rates(plan, rate)? {
            Ok(rates) => estimate(steps, job, rates).await.map(Ok),
            Err(no_price) => Ok(Err(no_price)),
        }
    }
}

/// A model whose price is not known.
#[derive(Debug)]
pub(crate) struct MissingPrice {
    model: String,
}

impl fmt::Display for MissingPrice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = &self.model;
        write!(
            out,
            "no price is known for {model}; give it with --price-in and --price-out"
        )
    }
}

async fn estimate(
    steps: &SingleSteps<'_>,
    job: &LocalJob,
    rates: ModelRates,
) -> Result<PlannedCost, Failure> {
    let plan = steps.plan();
    let asking = Asking::of_plan(plan).map_err(|error| Failure::input(error.to_string()))?;
    let family = TokenFamily::of(&rates.model);
    let total = PlanTotal::of(steps.slices());
    let texts = read_texts(steps).await?;
    let input = texts.of_all(&family, &total);
    let length = answer_length(&asking, plan, &family);
    let tokens = ExpectedTokens {
        input,
        output: length.tokens.times(total.records),
    };
    let settings = asking.settings();
    let names = job.names();
    let mut notes: Vec<String> = plan.notes.iter().map(|note| names.in_text(note)).collect();
    if plan
        .rates
        .as_ref()
        .is_some_and(|rates| rates.fallback.is_some())
    {
        notes.push("the fallback model's answers are not in the estimate".to_owned());
    }
    Ok(PlannedCost {
        counted: texts.records,
        planned: planned(&rates, &tokens, &total, tier(settings.service_tier)),
        ways: ways(&asking, &rates, &tokens),
        overhead: Overhead::of(&asked(settings, steps.slices(), &total, &length)),
        model: rates.model.clone(),
        max_tokens: asking.model().max_tokens(settings),
        reaches_limit: length.reaches_limit,
        total,
        tokens,
        rates,
        notes,
    })
}

/// Returns the prices of the run's model.
fn rates(
    plan: &Plan,
    rate: Option<TokenRate>,
) -> Result<Result<ModelRates, MissingPrice>, Failure> {
    let known = plan.rates.as_ref().map(|rates| rates.primary.clone());
    let known = known.ok_or_else(|| Failure::run("the plan has no prices"))?;
    if let Some(rate) = rate {
        return Ok(Ok(ModelRates {
            on_demand: Some(rate),
            batch: Some(rate),
            flex: Some(rate),
            priority: Some(rate),
            source: "--price-in and --price-out".to_owned(),
            checked: String::new(),
            ..known
        }));
    }
    Ok(match known.on_demand {
        Some(_) => Ok(known),
        None => Err(MissingPrice { model: known.model }),
    })
}

/// The texts of the records that were read.
#[derive(Debug, Default)]
struct TextsRead {
    classes: TextClasses,
    records: u64,
    with_tool: u64,
    /// Their bytes as lines.
    bytes: u64,
}

impl TextsRead {
    /// Returns the tokens of all records, by the share of their bytes that was read.
    fn of_all(&self, family: &TokenFamily, total: &PlanTotal) -> Estimated<u64> {
        let read = family.input(&self.classes, self.records, self.with_tool);
        let all = |tokens: u64| {
            let tokens =
                u128::from(tokens) * u128::from(total.bytes) / u128::from(self.bytes.max(1));
            u64::try_from(tokens).unwrap_or(u64::MAX)
        };
        // What was not read may differ from what was.
        let margin = if self.records == total.records { 0 } else { 3 };
        Estimated {
            low: all(read.low) * (100 - margin) / 100,
            expected: all(read.expected),
            high: all(read.high) * (100 + margin) / 100,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SampledRecord {
    model_input: Value,
}

/// Reads records of slices that are spread over the table.
async fn read_texts(steps: &SingleSteps<'_>) -> Result<TextsRead, Failure> {
    let slices: Vec<&Slice> = steps
        .slices()
        .iter()
        .filter(|slice| slice.records > 0)
        .collect();
    let apart = slices.len().div_ceil(SLICES_READ).max(1);
    let chosen: Vec<&Slice> = slices.into_iter().step_by(apart).collect();
    let records: u64 = chosen.iter().map(|slice| slice.records).sum();
    let every = records.div_ceil(RECORDS_COUNTED).max(1);
    let mut texts = TextsRead::default();
    let mut number = 0;
    for slice in chosen {
        let state = steps.split(slice.slice).await?;
        let Some(mut lines) = steps.records(&state).await? else {
            continue;
        };
        while let Some(line) = lines
            .next()
            .await
            .map_err(|error| Failure::run(format!("the records cannot be read: {error}")))?
        {
            number += 1;
            if number % every != 0 {
                continue;
            }
            let record: SampledRecord = serde_json::from_slice(&line)
                .map_err(|error| Failure::run(format!("a record is not JSON: {error}")))?;
            let read = RequestTexts::of(&record.model_input);
            texts.classes += read.classes;
            texts.records += 1;
            texts.with_tool += u64::from(read.has_tool);
            // With the line break, as the plan counts.
            texts.bytes += line.len() as u64 + u64::from(!line.ends_with(b"\n"));
        }
    }
    Ok(texts)
}

fn answer_length(asking: &Asking, plan: &Plan, family: &TokenFamily) -> AnswerLength {
    let capabilities = asking.model().capabilities();
    if capabilities.body.is_embedding() {
        return AnswerLength {
            tokens: Estimated::default(),
            reaches_limit: false,
        };
    }
    let settings = asking.settings();
    let thinks = match capabilities.thinking {
        Thinking::Always => true,
        Thinking::OnByDefault => settings.thinking != ThinkingSetting::Off,
        Thinking::OffByDefault | Thinking::None => false,
    };
    let limit = asking.model().max_tokens(settings);
    AnswerLength::of(plan.schema.as_ref(), family, limit, thinks)
}

fn tier(tier: ServiceTier) -> Way {
    Way::of_tier(Some(tier.as_str()))
}

/// Returns the cost of the records in jobs and of those on demand.
fn planned(
    rates: &ModelRates,
    tokens: &ExpectedTokens,
    total: &PlanTotal,
    tier: Way,
) -> Estimated<Usd> {
    let part = |records, way| {
        let tokens = tokens.share(records, total.records);
        tokens.cost(rates, way).unwrap_or_default()
    };
    let in_jobs = total.records - total.on_demand;
    part(in_jobs, Way::Job).plus(part(total.on_demand, tier))
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

fn asked(
    settings: &Settings,
    slices: &[Slice],
    total: &PlanTotal,
    length: &AnswerLength,
) -> AskedSlices {
    let number = |mode| {
        let slices = slices
            .iter()
            .filter(|slice| slice.mode == mode && slice.records > 0);
        slices.count() as u64
    };
    AskedSlices {
        job_slices: number(Mode::Batch),
        call_slices: number(Mode::OnDemand),
        records: total.records,
        bytes: total.bytes,
        calls: total.on_demand,
        workers: u64::from(settings.workers()),
        answer_tokens: length.tokens.expected,
        job_hours: u64::try_from(settings.batch_timeout_hours).unwrap_or(24),
    }
}
