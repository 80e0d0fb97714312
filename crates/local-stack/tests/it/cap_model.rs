//! A plain model of the cap on the cost: after each round, a slice goes on exactly if what it has spent and what
//! another round would cost fit into its share.

use crate::random_run::RandomRun;
use crate::support::{Case, place};
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::{Mode, Plan, Slice, Todo};
use quarry_cost::{RunRates, Usd, Way};
use quarry_edge::documents;
use quarry_result::receipt::{Receipt, Round};
use serde::de::DeserializeOwned;

/// What was compared.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CapDecisions {
    /// Further rounds that the cap allowed or stopped.
    pub(crate) made: u64,
    /// Further rounds that it stopped.
    pub(crate) stopped: u64,
    /// What all rounds cost, if the tokens of all answers are known.
    pub(crate) spent: Option<Usd>,
    /// The rounds.
    pub(crate) rounds: u64,
}

async fn read<T: DeserializeOwned>(case: &Case, at: &S3Uri) -> Result<T, String> {
    let found = documents::read(&**case.stack.store(), at).await;
    found.map_err(|error| error.to_string())
}

/// What the answers of a round would cost in one way.
fn price(round: &Round, rates: &RunRates, way: Option<Way>) -> Usd {
    let mut price = Usd::default();
    for spent in round.spent() {
        let rate = rates.primary.of(way.unwrap_or(spent.way)).unwrap().rate;
        let (input, output) = rate.cost(spent.tokens);
        price += input + output;
    }
    price
}

/// What came of a round: answers whose tokens are known, and those whose are not.
fn answers(round: &Round, rates: &RunRates) -> (u64, u64) {
    let came = round.counts.answered + round.counts.contradicted;
    let lost = round.answers_counted.saturating_sub(came);
    if price(round, rates, None) == Usd::default() {
        return (0, lost + came);
    }
    (came, lost)
}

/// Compares all decisions of a run that succeeded with the cap.
pub(crate) async fn check(case: &Case, run: &RandomRun, cap: Usd) -> Result<CapDecisions, String> {
    let folder = RunFolder::new(&place("work"), "run");
    let plan: Plan = read(case, &folder.plan()).await?;
    let (Some(rates), Some(estimate)) = (&plan.rates, &plan.estimate) else {
        return Err("the plan has no prices".to_owned());
    };
    let expected = |way, part| {
        let cost = estimate.tokens_of(part).cost(&rates.primary, way);
        cost.unwrap().expected
    };
    let all = expected(Way::Job, estimate.in_jobs) + expected(Way::OnDemand, estimate.on_demand);
    let fewest = run.setting("BEDROCK_MIN_RECORDS_PER_JOB").unwrap_or(1);
    let mut found = CapDecisions {
        spent: Some(Usd::default()),
        ..CapDecisions::default()
    };
    for number in 0..plan.slices {
        let slice = folder.slice(number);
        let spec: Slice = read(case, &slice.spec()).await?;
        let receipt: Receipt = read(case, &slice.receipt()).await?;
        let usual = match spec.mode {
            Mode::Batch => Way::Job,
            Mode::OnDemand => Way::OnDemand,
        };
        let own = expected(usual, spec.sums());
        let share = (cap.parts() * own.parts())
            .checked_div(all.parts())
            .map_or(cap, Usd::of_parts);
        let of_usual = |way| {
            expected(way, spec.sums())
                .shared_by(spec.records)
                .unwrap_or_default()
        };
        let (mut spent, mut before) = (Usd::default(), Vec::new());
        found.rounds += receipt.rounds.len() as u64;
        for (index, round) in receipt.rounds.iter().enumerate() {
            before.push(round);
            let (_, unknown) = answers(round, rates);
            spent += price(round, rates, None) + of_usual(usual).times(unknown);
            if unknown > 0 {
                found.spent = None;
            }
            let is_last = index + 1 == receipt.rounds.len();
            let next = u32::try_from(index + 1).unwrap();
            let rows = if is_last {
                receipt.stopped_by_max_cost
            } else {
                let todo: Todo = read(case, &slice.round(next).todo()).await?;
                todo.rows.len() as u64
            };
            if rows == 0 {
                continue;
            }
            let way = if rows < fewest { Way::OnDemand } else { usual };
            let as_next = |rounds: &[&Round]| {
                let all = rounds.iter().map(|round| price(round, rates, Some(way)));
                let cost = all.fold(Usd::default(), |sum, one| sum + one);
                cost.shared_by(rounds.iter().map(|round| answers(round, rates).0).sum())
            };
            let of_one = as_next(&before)
                .max(as_next(&[round]))
                .unwrap_or_else(|| of_usual(way));
            let fits = spent == Usd::default() || spent + of_one.times(rows) <= share;
            if fits == is_last {
                return Err(format!(
                    "slice {number} has spent {spent} of {share} after round {index}, and another round of {rows} rows \
                     costs {of_one} each: it was {}",
                    if is_last { "not sent" } else { "sent" }
                ));
            }
            found.made += 1;
            found.stopped += u64::from(is_last);
        }
        found.spent = found.spent.map(|sum| sum + spent);
    }
    Ok(found)
}
