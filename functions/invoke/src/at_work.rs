//! Which copy of the function sends the records of a round.
//!
//! A call may still work when Step Functions has lost the connection to it, or when a person resumes
//! a run that was stopped. Another copy would pay for the same records. So a copy notes until when
//! Lambda lets it work, and takes this back at its end. A copy that finds such a note fails, and the
//! state machine calls again later.
//!
//! A copy that crashes leaves its note. The round then waits until Lambda would have ended the copy:
//! a quarter of an hour at most.

use crate::deps::Deps;
use quarry_contract::VERSION;
use quarry_contract::layout::RoundFolder;
use quarry_contract::location::S3Uri;
use quarry_edge::clock::TimeLeft;
use quarry_edge::documents;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::store::{ObjectStore, StoreError, WriteCondition};
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// One object of `at-work/`, written by one copy.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    version: u32,
    /// A number that no other copy has.
    copy: u64,
    /// Seconds since 1970-01-01T00:00:00Z; 0 when the copy has ended.
    until: u64,
}

/// The note that this copy is at work.
pub(crate) struct AtWork {
    store: Arc<dyn ObjectStore>,
    at: S3Uri,
    note: Note,
}

impl AtWork {
    /// Notes that this copy sends the records of a round. `None` where calls have no end, as on a
    /// developer's machine.
    ///
    /// # Errors
    ///
    /// `Quarry.Unavailable` while another copy is at work.
    pub(crate) async fn begin(
        deps: &Deps,
        round: &RoundFolder,
        time_left: &dyn TimeLeft,
    ) -> Result<Option<Self>, StepError> {
        let Some(left) = time_left.until_end() else {
            return Ok(None);
        };
        let now = deps.clock.now().as_secs();
        let folder = round.at_work();
        let notes = deps.store.list(&folder).await;
        let notes = notes.doing(|| format!("listing {folder}"))?;
        if let Some(last) = notes.last() {
            let note: Note = documents::read(&*deps.store, &last.location).await?;
            let seconds = note.until.saturating_sub(now);
            if seconds > 0 {
                return Err(busy(&last.location, seconds));
            }
        }
        let at = folder.join(&format!("{:08}.json", notes.len()));
        let note = Note {
            version: VERSION,
            copy: RandomState::new().hash_one(now),
            until: now.saturating_add(left.as_secs()),
        };
        let body = serde_json::to_vec(&note).map_err(StepError::bad_request)?;
        let put = deps.store.put(&at, body.into(), WriteCondition::IfAbsent);
        match put.await {
            Err(StoreError::Exists(_)) => {
                // It is this copy's own note if the response to a first attempt was lost.
                let first: Note = documents::read(&*deps.store, &at).await?;
                if first.copy != note.copy {
                    return Err(busy(&at, left.as_secs()));
                }
            }
            put => {
                put.doing(|| format!("writing {at}"))?;
            }
        }
        Ok(Some(Self {
            store: Arc::clone(&deps.store),
            at,
            note,
        }))
    }

    /// Notes that this copy has ended. If that fails, other copies wait in vain, but not for long.
    pub(crate) async fn end(self) {
        let note = Note {
            until: 0,
            ..self.note
        };
        if let Err(error) = documents::write(&*self.store, &self.at, &note).await {
            let error = error.full_message();
            tracing::warn!(error, "the end of this call was not noted");
        }
    }
}

fn busy(at: &S3Uri, seconds: u64) -> StepError {
    let text = format!(
        "another call is still sending the records of this round, for at most {seconds} seconds \
         more ({at})"
    );
    StepError::new(StepErrorKind::Unavailable, text)
}
