//! The newest runs of a deployment.

use crate::deployment::RemoteDeployment;
use crate::error::{Calling, RemoteError};
use futures::stream::{StreamExt, TryStreamExt};
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::FinishOutput;
use quarry_contract::plan::Plan;
use quarry_cost::Usd;
use quarry_edge::documents;
use quarry_edge::executions::ListedExecution;
use quarry_result::receipt::Round;
use quarry_runs::{RunLine, cost_of, rounds_to_read};

/// The number of runs that are read at the same time.
const AT_ONCE: usize = 8;

/// The most slices, and the most rounds with counts, of a run whose cost is added up for the list.
const MOST_SLICES: u32 = 100;
const MOST_ROUNDS: usize = 50;

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
            cost: None,
            retries: None,
        };
        let Some(run) = self.named(&line.name).await? else {
            return Ok(line);
        };
        line.retries = self.retried_run(&run);
        if let Some(output) = output(run.output.as_deref()) {
            line.rows = Some(output.rows);
            line.failed = Some(output.failed);
            line.cost = output.cost;
            return Ok(line);
        }
        let folder = self.folder(&run);
        if let Some(plan) = self.plan(&folder).await? {
            line.rows = Some(plan.tables.iter().map(|table| table.rows).sum());
            line.cost = self.cost_so_far(&folder, &plan).await?;
        }
        Ok(line)
    }

    /// Returns what the answers that are read have cost. `None` if a price is not known, and if it would take
    /// too many reads: `quarry status` makes them for one run.
    async fn cost_so_far(
        &self,
        folder: &RunFolder,
        plan: &Plan,
    ) -> Result<Option<Usd>, RemoteError> {
        let rates = plan.rates.as_ref();
        if plan.slices > MOST_SLICES || rates.is_none_or(|rates| !rates.primary.has_price()) {
            return Ok(None);
        }
        let page = self.store.page(&folder.slices(), None).await;
        let page = page.calling("s3:ListBucket")?;
        let objects: Vec<S3Uri> = page
            .objects
            .into_iter()
            .map(|object| object.location)
            .collect();
        let (counted, _) = rounds_to_read(folder, &objects);
        if page.next.is_some() || counted.len() > MOST_ROUNDS {
            return Ok(None);
        }
        let mut rounds: Vec<Round> = Vec::new();
        for at in counted {
            let counts = folder.slice(at.slice).round(at.round).counts();
            let round = documents::read_if_there(&*self.store, &counts).await;
            rounds.extend(round.calling("s3:GetObject")?);
        }
        Ok(cost_of(&rounds, rates))
    }
}

/// Reads what a run returned.
pub(crate) fn output(text: Option<&str>) -> Option<FinishOutput> {
    serde_json::from_str(text?).ok()
}
