//! The cap on the cost of a run (`BEDROCK_MAX_COST`): no further round is sent that would pass the
//! slice's share of it.
//!
//! A slice's share is the cap times the slice's part of what the first rounds of all slices are
//! expected to cost, so slices need to know nothing of each other. The next round is estimated at what
//! an answer of the slice has cost, on average over all its rounds or in the last one, whichever is
//! more. Until an answer is paid for, nothing is stopped: a round that the service did not work on
//! costs nothing.

use crate::round::SliceRound;
use quarry_contract::plan::Mode;
use quarry_cost::estimate::{RecordSums, RunEstimate};
use quarry_cost::{RunRates, Usd, Way};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_result::receipt::Round;

/// Rows that are not sent again.
pub(crate) struct CappedRows {
    /// Their numbers in the table, ascending.
    pub(crate) rows: Vec<u64>,
    /// The reason, for their error column.
    pub(crate) why: String,
}

impl CappedRows {
    /// Returns the error of a row with this last error.
    pub(crate) fn error(&self, last: Option<String>) -> String {
        match last {
            Some(last) => last + "; " + &self.why,
            None => self.why.clone(),
        }
    }
}

/// What some answers of a slice have cost.
#[derive(Clone, Copy, Default)]
struct Paid {
    /// Answers whose tokens are known.
    answers: u64,
    /// What they have cost.
    cost: Usd,
    /// What their tokens would cost in the next round.
    as_next: Usd,
    /// Answers whose tokens are not known.
    unknown: u64,
}

impl SliceRound {
    /// Returns these rows if a round of them would pass the slice's share of the cap.
    pub(crate) async fn stopped(
        &self,
        last: &Round,
        rows: &[u64],
    ) -> Result<Option<CappedRows>, StepError> {
        let (Some(cap), Some(rates), Some(estimate)) = (
            self.asking.settings().max_cost,
            &self.plan.rates,
            &self.plan.estimate,
        ) else {
            return Ok(None);
        };
        let next = self.next_way(rows.len() as u64);
        let mut all = Paid::default();
        for number in 0..self.number {
            let counts = self.slice_folder.round(number).counts();
            let round: Round = documents::read(&*self.store, &counts).await?;
            all.add(&paid(&round, rates, next));
        }
        let of_last = paid(last, rates, next);
        all.add(&of_last);
        let usual = |way| self.usual(estimate, rates, way);
        let spent = all.cost + usual(self.way()).times(all.unknown);
        if spent == Usd::default() {
            return Ok(None);
        }
        let of_one = all.average().max(of_last.average());
        let of_one = of_one.unwrap_or_else(|| usual(next));
        let more = of_one.times(rows.len() as u64);
        let share = self.share(cap, estimate, rates);
        if spent + more <= share {
            return Ok(None);
        }
        let [shown_spent, shown_share] = spent.shown_apart(share);
        let why = format!(
            "not sent again because of BEDROCK_MAX_COST: the slice has spent {shown_spent} of its share, {shown_share}, and \
             another round would cost about {} more",
            more.shown()
        );
        tracing::warn!(rows = rows.len(), why, "no further round");
        Ok(Some(CappedRows {
            rows: rows.to_vec(),
            why,
        }))
    }

    /// How the first round was sent.
    fn way(&self) -> Way {
        match self.slice.mode {
            Mode::Batch => Way::Job,
            Mode::OnDemand => self.asking.way_of_calls(),
        }
    }

    /// How a round of this many records is sent, as `split` decides.
    fn next_way(&self, records: u64) -> Way {
        if records < self.asking.settings().min_records_per_job {
            self.asking.way_of_calls()
        } else {
            self.way()
        }
    }

    /// What an answer of the slice was expected to cost.
    fn usual(&self, estimate: &RunEstimate, rates: &RunRates, way: Way) -> Usd {
        let all = expected(estimate, rates, way, self.slice.sums());
        all.shared_by(self.slice.records).unwrap_or_default()
    }

    /// The slice's share of the cap.
    fn share(&self, cap: Usd, estimate: &RunEstimate, rates: &RunRates) -> Usd {
        let own = expected(estimate, rates, self.way(), self.slice.sums());
        let jobs = expected(estimate, rates, Way::Job, estimate.in_jobs);
        let calls = self.asking.way_of_calls();
        let all = jobs + expected(estimate, rates, calls, estimate.on_demand);
        match cap
            .parts()
            .saturating_mul(own.parts())
            .checked_div(all.parts())
        {
            Some(parts) => Usd::of_parts(parts),
            None => cap,
        }
    }
}

fn expected(estimate: &RunEstimate, rates: &RunRates, way: Way, part: RecordSums) -> Usd {
    let cost = estimate.tokens_of(part).cost(&rates.primary, way);
    cost.unwrap_or_default().expected
}

/// Returns what a round has cost.
fn paid(round: &Round, rates: &RunRates, next: Way) -> Paid {
    let counts = &round.counts;
    let came = counts.answered + counts.contradicted;
    // The service may have answered more than came back.
    let lost = round.answers_counted.saturating_sub(came);
    let mut paid = Paid {
        answers: came,
        unknown: lost,
        ..Paid::default()
    };
    for spent in round.spent() {
        let price = |way| {
            let rate = rates.of(spent.by_fallback)?.of(way)?.rate;
            let (input, output) = rate.cost(spent.tokens);
            Some(input + output)
        };
        let next = if spent.by_fallback { spent.way } else { next };
        paid.cost += price(spent.way).unwrap_or_default();
        paid.as_next += price(next).unwrap_or_default();
    }
    if paid.cost == Usd::default() {
        paid.unknown += std::mem::take(&mut paid.answers);
    }
    paid
}

impl Paid {
    fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.cost += other.cost;
        self.as_next += other.as_next;
        self.unknown += other.unknown;
    }

    /// What an answer would cost in the next round, if any was paid for.
    fn average(&self) -> Option<Usd> {
        self.as_next.shared_by(self.answers)
    }
}
