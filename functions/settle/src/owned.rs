//! Whether the run's folder is that of the execution that ended. An execution that was refused a
//! folder must not stop the jobs of the execution that owns it.

use crate::event::ExecutionDetail;
use quarry_contract::layout::RunFolder;
use quarry_contract::run_identity::RunIdentity;
use quarry_edge::clock::timestamp;
use quarry_edge::error::StepError;
use quarry_edge::owner;
use quarry_edge::store::ObjectStore;
use std::time::Duration;

/// The most that the start in an event may differ from the one that the state machine passed on.
const SAME_START: Duration = Duration::from_mins(1);

/// Returns the identity under which the execution's jobs were created. `None` if the folder belongs
/// to another execution, or to none: then this one was never planned and has no jobs.
pub(crate) async fn by(
    store: &dyn ObjectStore,
    run: &RunFolder,
    detail: &ExecutionDetail,
) -> Result<Option<RunIdentity>, StepError> {
    let found = owner::of(store, run).await?;
    Ok(found.filter(|owner| is_owner(owner, detail)))
}

fn is_owner(owner: &RunIdentity, detail: &ExecutionDetail) -> bool {
    if let Some(arn) = &owner.execution_arn {
        return *arn == detail.execution_arn;
    }
    // Without an ARN only the start can tell.
    let starts = timestamp(&owner.started).zip(detail.started());
    starts.is_none_or(|(one, two)| one.abs_diff(two) < SAME_START)
}
