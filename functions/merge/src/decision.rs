//! Deciding what follows a round: another round for some of its rows, or the slice's part of the
//! result.

use crate::refused::WayOut;
use crate::round::SliceRound;
use quarry_contract::VERSION;
use quarry_contract::plan::{RequestForms, Todo};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_result::ledger::Place;
use quarry_result::receipt::Round;

/// The most rounds of a slice that do not count as attempts. The limit lets a slice end whose jobs
/// are stopped again and again.
const MOST_UNCOUNTED_ROUNDS: u32 = 10;

/// What follows a round.
pub(crate) enum Decision {
    /// The next round sends these rows.
    AskAgain {
        todo: Todo,
        counts_as_attempt: bool,
        /// Whether this round has outcomes that the last round needs. A round that the service
        /// refused as a whole has none.
        keeps_outcomes: bool,
    },
    /// No row or no round is left, so the slice's part is written.
    WritePart,
}

/// Decides what follows the round with these outcomes. `open` has the rows that a next round would
/// send. `record` is the round's own record; it is written again when its refusals do not count
/// against its rows.
///
/// # Errors
///
/// Those of [`SliceRound::after_refusal`], when the service refused the round as a whole.
pub(crate) async fn after(
    round: &SliceRound,
    places: &[Place],
    open: Vec<u64>,
    record: &mut Round,
) -> Result<Decision, StepError> {
    let todo = |rows: Vec<u64>, forms: Option<RequestForms>, is_taken: bool| Todo {
        version: VERSION,
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
                    todo: todo(round.asked_rows(), forms, false),
                    counts_as_attempt: false,
                    keeps_outcomes: false,
                });
            }
            WayOut::RecordsOwn => is_taken = true,
        }
    }
    if let Some(forms) = round.forms_after_fallback(record).await? {
        excuse(round, record).await?;
        let rows = round.rows_without_good_answer(places, true);
        return Ok(Decision::AskAgain {
            todo: todo(rows, Some(forms), is_taken),
            counts_as_attempt: false,
            keeps_outcomes: true,
        });
    }
    let counts_as_attempt = !round.was_stopped() && !round.was_left;
    let uncounted = round.uncounted_rounds + u32::from(!counts_as_attempt);
    let max_retries = round.asking.settings().max_retries;
    let last = max_retries.saturating_add(uncounted.min(MOST_UNCOUNTED_ROUNDS));
    if open.is_empty() || round.number >= last {
        return Ok(Decision::WritePart);
    }
    Ok(Decision::AskAgain {
        todo: todo(open, round.asked.forms.clone(), is_taken),
        counts_as_attempt,
        keeps_outcomes: true,
    })
}

/// Records that the round's refusals do not count, since its rows are sent in another form.
async fn excuse(round: &SliceRound, record: &mut Round) -> Result<(), StepError> {
    record.counts.refusals.are_asked_again();
    documents::write(&*round.store, &round.folder.counts(), record).await
}
