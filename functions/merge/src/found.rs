//! What a call finds of its round before it reads the answers, and how its writes depend on that.
//!
//! Two copies of a call may be at work at once: the state machine calls again when the connection to the first
//! copy is lost. The copies may read different answers, since a job's output can still grow. So each write of a
//! copy replaces only what this copy has found, and S3 refuses it if another copy has written meanwhile, however
//! long the write was under way. The list of the next round and the receipt say that the round is merged, so
//! they are written last; a list is never replaced. A copy that finds them, or that is refused, returns what
//! they say.

use quarry_contract::layout::{RoundFolder, SliceFolder};
use quarry_contract::location::S3Uri;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::store::{ObjectStore, StoreError};

/// The `ETag`s of what earlier calls or other copies have left.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) counts: Option<String>,
    pub(crate) outcomes: Option<String>,
    pub(crate) part: Option<String>,
    pub(crate) receipt: Option<String>,
}

impl Found {
    /// Looks for the objects that merging the round writes.
    pub(crate) async fn of(
        store: &dyn ObjectStore,
        slice: &SliceFolder,
        round: &RoundFolder,
    ) -> Result<Self, StepError> {
        let (counts, part) = (round.counts(), slice.part());
        let (counts, part) = tokio::try_join!(etag_of(store, &counts), etag_of(store, &part))?;
        // The counts come before the outcomes, and the part before the receipt.
        let outcomes = match &counts {
            Some(_) => etag_of(store, &round.results()).await?,
            None => None,
        };
        let receipt = match counts.as_ref().or(part.as_ref()) {
            Some(_) => etag_of(store, &slice.receipt()).await?,
            None => None,
        };
        Ok(Self {
            counts,
            outcomes,
            part,
            receipt,
        })
    }
}

/// Returns the `ETag` of an object, if it is there.
pub(crate) async fn etag_of(
    store: &dyn ObjectStore,
    at: &S3Uri,
) -> Result<Option<String>, StepError> {
    match store.head(at).await {
        Ok(info) => Ok(Some(info.etag)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error).doing(|| format!("reading {at}")),
    }
}
