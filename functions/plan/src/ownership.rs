//! The run's folder belongs to one execution. Another execution of the same name, of another
//! deployment or after Step Functions has forgotten the first, would take the first one's jobs and
//! answers for its own.

use quarry_contract::layout::RunFolder;
use quarry_contract::payload::PlanInput;
use quarry_contract::run_identity::RunIdentity;
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::owner;
use quarry_edge::store::{ObjectStore, StoreError, WriteCondition};

/// Takes the run's folder for this execution, or returns an error if it belongs to another.
///
/// A folder with nothing but other objects belongs to nobody: a mark that the run is stopped is
/// written before the run begins.
pub(crate) async fn claim(
    store: &dyn ObjectStore,
    run: &RunFolder,
    input: &PlanInput,
) -> Result<(), StepError> {
    let own = input.identity();
    let at = run.owner();
    if let Some(found) = owner::of(store, run).await? {
        check(run, &own, &found)?;
    }
    let body = serde_json::to_vec(&own).map_err(StepError::bad_request)?;
    match store.put(&at, body.into(), WriteCondition::IfAbsent).await {
        Ok(_) => Ok(()),
        // Two executions may have begun at the same time.
        Err(StoreError::Exists(_)) => match owner::of(store, run).await? {
            Some(found) => check(run, &own, &found),
            None => Err(StepError::new(
                StepErrorKind::Unavailable,
                format!("reading {at}, which has just been written"),
            )),
        },
        Err(error) => Err(error).doing(|| format!("writing {at}")),
    }
}

fn check(run: &RunFolder, own: &RunIdentity, found: &RunIdentity) -> Result<(), StepError> {
    if own.is_same(found) {
        return Ok(());
    }
    let (folder, started) = (run.location(), &found.started);
    let arn = found.execution_arn.as_deref();
    let owner = arn.map_or("another execution".to_owned(), |arn| {
        format!("execution {arn}")
    });
    Err(StepError::bad_request(format!(
        "the folder {folder} belongs to {owner}, which started at {started}; start the run under another name, and \
         give each deployment a work location of its own"
    )))
}
