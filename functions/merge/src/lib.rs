//! `merge`: joins a round's answers to their rows. Rows without a good answer are listed for the
//! next round; when no row or no round is left, `merge` writes the slice's part of the result.
//!
//! However a job ended, `merge` reads its output in the same way and uses all answers that exist.

mod decision;
mod deps;
mod join;
mod outcomes;
mod part;
mod reconcile;
mod refused;
mod round;
mod slice_result;
mod spill;

pub use deps::Deps;
pub use spill::{MEMORY_BYTES, SpillSpool};

use decision::Decision;
use quarry_contract::payload::{SliceState, Step};
use quarry_edge::documents;
use quarry_edge::error::StepError;
use round::SliceRound;

/// Joins the answers of the state's round. Returns the state with the next step.
pub async fn handle(deps: &Deps, state: SliceState) -> Result<SliceState, StepError> {
    let mut round = SliceRound::load(deps, &state).await?;
    let mut spool = SpillSpool::new(MEMORY_BYTES);
    let (places, mut record) = join::answers(&mut round, &mut spool).await?;
    documents::write(&*round.store, &round.folder.counts(), &record).await?;
    tracing::info!(
        asked = record.counts.asked,
        good = record.counts.good,
        open = round.open_rows(&places).len(),
        "answers joined"
    );
    match decision::after(&round, &state, &places, &mut record).await? {
        Decision::AskAgain {
            todo,
            counts_as_attempt,
            keeps_outcomes,
        } => {
            if keeps_outcomes {
                outcomes::keep(&round, &places, &mut spool).await?;
            }
            round.begin_next(state, &todo, counts_as_attempt).await
        }
        Decision::WritePart => {
            slice_result::write(&round, &places, spool, record).await?;
            Ok(SliceState {
                next: Step::Done,
                job: None,
                wait_seconds: None,
                ..state
            })
        }
    }
}
