//! Deciding what follows a round: another round for some of its rows, or the slice's part of the
//! result.

use crate::cost_cap::CappedRows;
use crate::outage::Silence;
use crate::refused::WayOut;
use crate::rest::SliceRest;
use crate::round::{AskedAgain, SliceRound, Weight};
use quarry_contract::plan::RequestForms;
use quarry_edge::error::StepError;
use quarry_result::ledger::Place;
use quarry_result::receipt::Round;
use std::time::Duration;

/// The most rounds of a slice that do not count as attempts, without those of an outage. The limit
/// lets a slice end whose jobs are broken off again and again, or whose records are refused in each form.
const MOST_UNCOUNTED_ROUNDS: u32 = 10;

/// What follows a round.
pub(crate) enum Decision {
    /// The next round sends these rows.
    AskAgain {
        again: AskedAgain,
        weight: Weight,
        /// The rest before it.
        rest: Option<SliceRest>,
        /// Whether this round has outcomes that the last round needs. A round that the service
        /// refused as a whole has none.
        keeps_outcomes: bool,
    },
    /// No row and no round is left, or the cap on the cost is reached, so the slice's part is written.
    WritePart {
        /// The rows that are not sent again because of their cost.
        stopped: Option<CappedRows>,
    },
}

/// Decides what follows the round with these outcomes, and stores what the slice has learned from a refusal. `open` has the rows that a next round would
/// send. `record` is the round's own record; it is written again when its refusals do not count
/// against its rows.
///
/// # Errors
///
/// Those of [`SliceRound::after_refusal`], when the service refused the round as a whole; those of
/// [`SliceRound::give_up`], when the service has not worked for too long.
pub(crate) async fn after(
    round: &mut SliceRound,
    places: &[Place],
    open: Vec<u64>,
    record: &mut Round,
    now: Duration,
) -> Result<Decision, StepError> {
    let again = |rows: Vec<u64>, forms: Option<RequestForms>, is_taken: bool| AskedAgain {
        rows,
        forms,
        is_taken,
    };
    let mut is_taken = round.asked.is_taken || record.counts.answered > 0;
    if let Some(refusal) = round.whole_refusal(record) {
        match round.after_refusal(record.counts.asked, refusal).await? {
            WayOut::AskAgain(forms) => {
                excuse(round, record).await?;
                return Ok(Decision::AskAgain {
                    again: again(round.asked_rows(), forms, false),
                    weight: Weight::None,
                    rest: None,
                    keeps_outcomes: false,
                });
            }
            WayOut::RecordsOwn => is_taken = true,
        }
    }
    if let Some(forms) = round.forms_after_fallback(record).await? {
        let rows = round.rows_without_good_answer(places, true);
        if let Some(stopped) = round.stopped(record, &rows).await? {
            return Ok(Decision::WritePart {
                stopped: Some(stopped),
            });
        }
        excuse(round, record).await?;
        return Ok(Decision::AskAgain {
            again: again(rows, Some(forms), is_taken),
            weight: Weight::None,
            rest: None,
            keeps_outcomes: true,
        });
    }
    let silence = round.silence(record).await?;
    let rest = silence.and_then(|_| round.rest(now));
    let weight = match silence {
        Some(Silence::Outage) => Weight::Outage,
        None if round.was_broken_off() || round.was_left => Weight::None,
        Some(Silence::OfRecords) | None => Weight::Attempt,
    };
    if open.is_empty() || weight != Weight::Outage && round.is_last(weight) {
        return Ok(Decision::WritePart { stopped: None });
    }
    if let Some(stopped) = round.stopped(record, &open).await? {
        return Ok(Decision::WritePart {
            stopped: Some(stopped),
        });
    }
    if weight == Weight::Outage && rest.is_none() {
        round.give_up(record, now).await?;
    }
    if let Some(rest) = rest {
        tracing::warn!(
            seconds = rest.length.as_secs(),
            message = round.job.as_ref().map_or("", |job| job.message.as_str()),
            "the job answered no record; the slice rests before it sends them again"
        );
    }
    Ok(Decision::AskAgain {
        again: again(open, round.asked.forms.clone(), is_taken),
        weight,
        rest,
        keeps_outcomes: true,
    })
}

impl SliceRound {
    /// Whether this round, with this weight, is the last one that the settings allow.
    fn is_last(&self, weight: Weight) -> bool {
        let uncounted = self.uncounted_rounds + u32::from(weight == Weight::None);
        let max_retries = self.asking.settings().max_retries;
        self.number
            >= max_retries
                .saturating_add(self.outage_rounds)
                .saturating_add(uncounted.min(MOST_UNCOUNTED_ROUNDS))
    }
}

/// Records that the round's refusals do not count, since its rows are sent in another form.
async fn excuse(round: &mut SliceRound, record: &mut Round) -> Result<(), StepError> {
    record.counts.refusals.are_asked_again();
    round.count(record).await
}
