//! The execution that a run's folder belongs to, as the folder says.

use crate::documents;
use crate::error::StepError;
use crate::store::ObjectStore;
use quarry_contract::layout::RunFolder;
use quarry_contract::run_identity::RunIdentity;

/// Returns the execution that a run's folder belongs to; `None` if it belongs to none. In a folder
/// without `run.json`, this is the execution of the plan.
pub async fn of(
    store: &dyn ObjectStore,
    run: &RunFolder,
) -> Result<Option<RunIdentity>, StepError> {
    match documents::read_if_there(store, &run.owner()).await? {
        Some(identity) => Ok(Some(identity)),
        None => documents::read_if_there(store, &run.plan()).await,
    }
}
