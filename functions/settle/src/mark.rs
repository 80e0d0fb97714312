//! The marks of ends that are settled, so that the sweep leaves them alone.
//!
//! A mark is in the deployment's work prefix and not in the run's folder: the folder can be another
//! execution's, and the sweep finds a mark without knowing where the request wanted its folder.

use crate::event::ExecutionDetail;
use quarry_contract::VERSION;
use quarry_contract::digest::hex_digest;
use quarry_contract::location::S3Uri;
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::executions::ExecutionStatus;
use quarry_edge::store::ObjectStore;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An end that is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SettledMark {
    version: u32,
    execution_arn: String,
    status: ExecutionStatus,
}

/// Returns whether an execution has been settled. It stays settled when it ends again after a redrive:
/// a pipeline's step keeps its first result.
pub(crate) async fn is_there(
    store: &dyn ObjectStore,
    work: &S3Uri,
    arn: &str,
    started: Duration,
) -> Result<bool, StepError> {
    let at = place(work, arn, started);
    let mark: Option<SettledMark> = documents::read_if_there(store, &at).await?;
    Ok(mark.is_some())
}

/// Marks an execution as settled.
pub(crate) async fn leave(
    store: &dyn ObjectStore,
    work: &S3Uri,
    detail: &ExecutionDetail,
    started: Duration,
) -> Result<(), StepError> {
    let mark = SettledMark {
        version: VERSION,
        execution_arn: detail.execution_arn.clone(),
        status: detail.status,
    };
    let at = place(work, &detail.execution_arn, started);
    documents::write(store, &at, &mark).await
}

/// Executions of one name, months apart, have the same ARN. Events and lists give the start in
/// fractions of a second of different lengths.
fn place(work: &S3Uri, arn: &str, started: Duration) -> S3Uri {
    let digest = hex_digest(format!("{arn}\n{}", started.as_secs()));
    work.join(&format!("settled/{}.json", &digest[..32]))
}
