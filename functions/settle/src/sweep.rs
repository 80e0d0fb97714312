//! The sweep: what the events of ends have left. EventBridge delivers them on a best-effort basis, a
//! call can fail for longer than Lambda repeats it, and the jobs of a failed run wait for a redrive.
//!
//! It begins with what works, not with what is stored: the service's live jobs and the latest
//! executions. So a sweep costs a few lists, however many runs there have been.

use crate::deps::Deps;
use crate::event::{ExecutionDetail, ExecutionEvent};
use crate::{ended, mark};
use quarry_contract::job_names::{self, JobNames};
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::executions::{ExecutionStatus, ListedExecution, executions_of};
use quarry_edge::failure::CallError;
use quarry_edge::jobs::LiveJob;
use quarry_edge::owner;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The time after which a sweep begins nothing new. Lambda ends it after five minutes.
const MOST_TIME: Duration = Duration::from_mins(4);
/// An end that is younger is left to its event, which Lambda tries three times.
const LEFT_TO_THE_EVENT: Duration = Duration::from_mins(20);
/// An end that is older is not settled any more.
const LOOKED_BACK: Duration = Duration::from_hours(72);
/// The longest time from the start of an execution to its end: 30 days, and as long again after a
/// redrive.
const LONGEST_RUN: Duration = Duration::from_hours(74 * 24);

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// The number of jobs that were asked to stop.
    pub jobs_stopped: usize,
    /// The number of live jobs whose run goes on or may be redriven.
    pub jobs_kept: usize,
    /// The runs whose ends were settled, because their event was lost or could not be processed.
    pub settled: Vec<String>,
    /// Whether the time sufficed. If it did not, the next sweep does the rest.
    pub complete: bool,
}

/// Stops the jobs whose run is over, and settles the ends that no event has settled. If one thing
/// fails, everything else is still done, and then the first error is returned.
pub async fn sweep(deps: &Deps) -> Result<Swept, StepError> {
    let Some(work) = &deps.work else {
        return Err(StepError::bad_request(
            "the deployment has no work location to sweep; set QUARRY_WORK",
        ));
    };
    let Some(executions) = executions_of(&deps.machine) else {
        return Err(StepError::bad_request(format!(
            "`{}` is not the ARN of a state machine; correct QUARRY_STATE_MACHINE_ARN",
            deps.machine
        )));
    };
    let mut sweep = Sweep {
        deps,
        work,
        executions: format!("{executions}:"),
        until: deps.clock.now() + MOST_TIME,
        swept: Swept {
            complete: true,
            ..Swept::default()
        },
        failed: None,
    };
    sweep.stop_jobs().await;
    sweep.settle_ends().await;
    let Sweep { swept, failed, .. } = sweep;
    tracing::info!(
        jobs_stopped = swept.jobs_stopped,
        jobs_kept = swept.jobs_kept,
        settled = swept.settled.len(),
        complete = swept.complete,
        "swept"
    );
    failed.map_or(Ok(swept), Err)
}

struct Sweep<'a> {
    deps: &'a Deps,
    work: &'a S3Uri,
    /// The beginning of the ARNs of this deployment's executions.
    executions: String,
    until: Duration,
    swept: Swept,
    failed: Option<StepError>,
}

/// What is known of the run that a folder belongs to.
struct FolderRun {
    /// The beginning of the names of its jobs.
    prefix: String,
    is_over: bool,
}

impl Sweep<'_> {
    fn has_time(&mut self) -> bool {
        let has_time = self.deps.clock.now() < self.until;
        self.swept.complete &= has_time;
        has_time
    }

    /// Notes an error. The sweep goes on.
    fn note<T>(&mut self, outcome: Result<T, StepError>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::error!(
                    error_type = error.name(),
                    error = error.full_message(),
                    "cannot sweep everything; going on with the rest"
                );
                self.failed.get_or_insert(error);
                None
            }
        }
    }

    async fn stop_jobs(&mut self) {
        let prefix = job_names::ALL;
        let listed = self.deps.jobs.live(prefix).await;
        let listed = listed.doing(|| format!("listing live jobs {prefix}…"));
        let Some(jobs) = self.note(listed) else {
            return;
        };
        let mut runs: BTreeMap<String, Option<FolderRun>> = BTreeMap::new();
        for job in jobs {
            if !self.has_time() {
                return;
            }
            let Some(folder) = self.folder_of(&job) else {
                continue;
            };
            let name = folder.location().to_string();
            // A run that is over may be redriven at any time, so it is looked at before each stop.
            let goes_on = |run: &Option<FolderRun>| run.as_ref().is_none_or(|run| !run.is_over);
            if !runs.get(&name).is_some_and(goes_on) {
                let run = self.run_of(&folder).await;
                let run = self.note(run).flatten();
                runs.insert(name.clone(), run);
            }
            // A job of another execution in the same folder is not touched.
            let run = runs.get(&name).and_then(Option::as_ref);
            match run.filter(|run| job.name.starts_with(&run.prefix)) {
                Some(run) if run.is_over => self.stop(&job).await,
                Some(_) => self.swept.jobs_kept += 1,
                None => {}
            }
        }
    }

    /// Returns the folder of the run that a job belongs to; `None` for a job of another deployment.
    fn folder_of(&self, job: &LiveJob) -> Option<RunFolder> {
        let work = self.work.join("");
        let is_own = job.input.bucket() == work.bucket() && job.input.key().starts_with(work.key());
        RunFolder::around(&job.input).filter(|_| is_own)
    }

    /// Returns what is known of a folder's run; `None` if it is not known to be one of this
    /// deployment.
    async fn run_of(&self, folder: &RunFolder) -> Result<Option<FolderRun>, StepError> {
        let Some(owner) = owner::of(&*self.deps.store, folder).await? else {
            return Ok(None);
        };
        let own = |arn: &&String| arn.starts_with(&self.executions);
        let Some(arn) = owner.execution_arn.as_ref().filter(own) else {
            return Ok(None);
        };
        let is_over = match self.deps.executions.describe(arn).await {
            Ok(record) => {
                let now = self.deps.clock.now();
                // Without the time of its end, a run has just ended.
                let since = now.saturating_sub(record.ended.unwrap_or(now));
                let redrive = self.deps.redrive;
                redrive.is_over(record.status, record.is_final, since)
            }
            // Step Functions has forgotten it.
            Err(CallError::NotFound(_)) => true,
            Err(error) => return Err(error).doing(|| format!("reading execution {arn}")),
        };
        let prefix = JobNames::new(folder, &owner).prefix().to_owned();
        Ok(Some(FolderRun { prefix, is_over }))
    }

    async fn stop(&mut self, job: &LiveJob) {
        let stopped = self.deps.jobs.stop(&job.arn).await;
        let stopped = stopped.doing(|| format!("stopping job {}", job.arn));
        if self.note(stopped).is_some() {
            tracing::info!(job = %job.arn, "job stopped, its run is over");
            self.swept.jobs_stopped += 1;
        }
    }

    async fn settle_ends(&mut self) {
        let machine = self.deps.machine.clone();
        let mut next = None;
        loop {
            if !self.has_time() {
                return;
            }
            let page = self.deps.executions.page(&machine, next.as_deref()).await;
            let page = page.doing(|| format!("listing the executions of {machine}"));
            let Some(page) = self.note(page) else {
                return;
            };
            for execution in &page.executions {
                if !self.has_time() {
                    return;
                }
                let now = self.deps.clock.now();
                if now.saturating_sub(execution.started) > LONGEST_RUN {
                    return;
                }
                if is_looked_at(execution, now) {
                    let settled = self.settle(execution).await;
                    self.note(settled);
                }
            }
            next = page.next;
            if next.is_none() {
                return;
            }
        }
    }

    async fn settle(&mut self, execution: &ListedExecution) -> Result<(), StepError> {
        let store = &*self.deps.store;
        if mark::is_there(store, self.work, &execution.arn, execution.started).await? {
            return Ok(());
        }
        tracing::warn!(run = %execution.name, "the end of this run was not settled");
        let detail = ExecutionDetail::of(execution, &self.deps.machine);
        ended::settle(self.deps, ExecutionEvent { detail }).await?;
        self.swept.settled.push(execution.name.clone());
        Ok(())
    }
}

fn is_looked_at(execution: &ListedExecution, now: Duration) -> bool {
    let since = execution.ended.map(|ended| now.saturating_sub(ended));
    execution.status != ExecutionStatus::Running
        && since.is_some_and(|since| (LEFT_TO_THE_EVENT..LOOKED_BACK).contains(&since))
}
