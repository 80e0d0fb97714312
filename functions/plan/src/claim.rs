//! The scan that a run is planned with. Two copies of a call may see different files, so the first
//! scan that is complete is written down before anything follows from it, and every copy publishes
//! from that one.

use crate::progress::PlanProgress;
use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::PlanInput;
use quarry_contract::request::Request;
use quarry_contract::run_identity::RunIdentity;
use quarry_edge::documents;
use quarry_edge::error::{StepError, StepErrorKind};
use quarry_edge::store::ObjectStore;
use serde::{Deserialize, Serialize};

/// The first complete scan of a run: `scan.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimedScan {
    version: u32,
    /// The execution that scanned.
    owner: RunIdentity,
    request: Request,
    scan: PlanProgress,
}

/// Whose scan the run is planned with.
pub(crate) enum FirstScan {
    /// The scan of this call.
    Own(PlanProgress),
    /// That of another copy, which was quicker.
    OfAnotherCopy(PlanProgress),
}

/// Returns the scan that the run is planned with, if there is one already.
pub(crate) async fn of(
    store: &dyn ObjectStore,
    run: &RunFolder,
    input: &PlanInput,
) -> Result<Option<PlanProgress>, StepError> {
    let first: Option<ClaimedScan> = documents::read_if_there(store, &run.scan()).await?;
    // The folder of another execution is refused when it is claimed.
    let first = first
        .filter(|first| first.owner.is_same(&input.identity()) && first.request == input.request);
    Ok(first.map(|first| first.scan))
}

/// Writes a complete scan down, unless another copy did so before. Returns the scan that counts.
pub(crate) async fn first(
    store: &dyn ObjectStore,
    run: &RunFolder,
    input: &PlanInput,
    scan: PlanProgress,
) -> Result<FirstScan, StepError> {
    let own = ClaimedScan {
        version: VERSION,
        owner: input.identity(),
        request: input.request.clone(),
        scan,
    };
    if documents::write_if_absent(store, &run.scan(), &own).await? {
        return Ok(FirstScan::Own(own.scan));
    }
    drop(own);
    let first = of(store, run, input).await?;
    first.map(FirstScan::OfAnotherCopy).ok_or_else(|| {
        StepError::new(
            StepErrorKind::Unavailable,
            format!("reading {}, which has just been written", run.scan()),
        )
    })
}
