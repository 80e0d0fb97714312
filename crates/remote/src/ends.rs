//! Stopping and redriving a run.

use crate::error::{Calling, RemoteError};
use crate::facts::RunReader;
use quarry_contract::digest::hex_digest;
use quarry_contract::execution_status::ExecutionStatus;
use quarry_edge::executions::Redriven;

/// The error with which a stopped run ends.
const STOPPED: &str = "Quarry.Stopped";

impl RunReader<'_> {
    /// Stops the run. `cause` is kept with the run.
    pub async fn stop(&self, cause: &str) -> Result<(), RemoteError> {
        let executions = &self.deployment.executions;
        let stopped = executions.stop(self.name(), STOPPED, cause).await;
        stopped.calling("states:StopExecution").map(drop)
    }

    /// Refuses a run that cannot be redriven.
    pub fn check_redrivable(&self) -> Result<(), RemoteError> {
        let refused = |why: &str| RemoteError::NotRedrivable {
            run: self.name().to_owned(),
            why: why.to_owned(),
        };
        match self.run.listed.status {
            ExecutionStatus::Succeeded => Err(refused("it succeeded")),
            status if !status.has_ended() => Err(refused("it has not ended")),
            _ => match &self.run.not_redrivable {
                Some(why) => Err(refused(why)),
                None => Ok(()),
            },
        }
    }

    /// Redrives the run. A repeated call before the run is read again has no further effect.
    pub async fn redrive(&self) -> Result<(), RemoteError> {
        self.check_redrivable()?;
        let identity = format!("{}\n{}", self.run.listed.arn, self.run.redrives);
        let token = hex_digest(&identity);
        let runs = &self.deployment.runs;
        let redriven = runs.redrive(self.name(), &token).await;
        match redriven.calling("states:RedriveExecution")? {
            Redriven::Running => Ok(()),
            Redriven::Refused(why) => Err(RemoteError::NotRedrivable {
                run: self.name().to_owned(),
                why,
            }),
        }
    }
}
