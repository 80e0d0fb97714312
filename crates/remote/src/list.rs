//! The newest runs of a deployment.

use crate::deployment::RemoteDeployment;
use crate::error::{Calling, RemoteError};
use futures::stream::{StreamExt, TryStreamExt};
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::payload::FinishOutput;
use quarry_edge::executions::ListedExecution;
use quarry_runs::RunLine;

/// The number of runs that are read at the same time.
const AT_ONCE: usize = 8;

impl RemoteDeployment {
    /// Returns the newest runs, of one status if it is given, the newest first.
    pub async fn newest(
        &self,
        status: Option<ExecutionStatus>,
        most: usize,
    ) -> Result<Vec<RunLine>, RemoteError> {
        let listed = self.runs.list(status, most).await;
        let listed = listed.calling("states:ListExecutions")?;
        futures::stream::iter(listed)
            .map(|run| self.line(run))
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn line(&self, listed: ListedExecution) -> Result<RunLine, RemoteError> {
        let mut line = RunLine {
            name: listed.name,
            status: listed.status,
            started: listed.started,
            ended: listed.ended,
            rows: None,
            failed: None,
        };
        let Some(run) = self.named(&line.name).await? else {
            return Ok(line);
        };
        if let Some(output) = output(run.output.as_deref()) {
            line.rows = Some(output.rows);
            line.failed = Some(output.failed);
        } else if let Some(plan) = self.plan(&self.folder(&run)).await? {
            line.rows = Some(plan.tables.iter().map(|table| table.rows).sum());
        }
        Ok(line)
    }
}

/// Reads what a run returned.
pub(crate) fn output(text: Option<&str>) -> Option<FinishOutput> {
    serde_json::from_str(text?).ok()
}
