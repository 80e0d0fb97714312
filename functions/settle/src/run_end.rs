//! The end of a run, and whether it still is the end: anybody may redrive the run at any time.

use crate::deps::Deps;
use crate::event::ExecutionDetail;
use quarry_edge::error::StepError;
use quarry_edge::executions::ExecutionRecord;
use std::time::Duration;

/// An end of a run that is being settled.
pub(crate) struct RunEnd<'a> {
    pub(crate) deps: &'a Deps,
    pub(crate) detail: &'a ExecutionDetail,
    /// When it was, if that is known.
    pub(crate) ended: Option<Duration>,
}

impl RunEnd<'_> {
    /// Whether somebody has redriven the run since, so that it needs its jobs. A run that cannot be
    /// read counts as over, because its jobs cost money.
    pub(crate) async fn is_redriven(&self) -> bool {
        let described = self.deps.executions.describe(&self.detail.execution_arn);
        match described.await {
            Ok(record) => is_redriven(&record, self.ended),
            Err(error) => {
                let error = StepError::of(error, "reading the execution");
                tracing::warn!(
                    error_type = error.name(),
                    error = error.full_message(),
                    "cannot see whether the run was redriven; stopping its jobs"
                );
                false
            }
        }
    }
}

/// Whether a run was redriven after this end. What Step Functions says of its status may be some
/// seconds old, so an execution that seems to run may just have ended.
pub(crate) fn is_redriven(record: &ExecutionRecord, ended: Option<Duration>) -> bool {
    let redriven = record.redriven;
    redriven.is_some_and(|redriven| ended.is_none_or(|ended| redriven >= ended))
}
