//! Reading the facts about one run, again and again.

use crate::deployment::RemoteDeployment;
use crate::error::{Calling, RemoteError};
use crate::list::output;
use futures::stream::{StreamExt, TryStreamExt};
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::job_names::JobNames;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::location::S3Uri;
use quarry_contract::plan::{Asked, Plan};
use quarry_contract::settings::Settings;
use quarry_edge::documents;
use quarry_edge::executions::{Cause, ShownRun};
use quarry_edge::jobs::ListedJob;
use quarry_result::receipt::Round;
use quarry_runs::{
    AskedRound, CountedRound, JobFacts, PlanFacts, RoundAt, RunFacts, RunFailure, rounds_to_read,
};
use std::collections::BTreeMap;

/// The number of documents that are read at the same time.
const AT_ONCE: usize = 16;

/// The error that a Map reports for any failed child; the child's own error says more.
const CHILD_FAILED: &str = "States.ExceedToleratedFailureThreshold";

/// Reads the facts about one run. What does not change is read once.
pub struct RunReader<'a> {
    pub(crate) deployment: &'a RemoteDeployment,
    pub(crate) run: ShownRun,
    folder: RunFolder,
    plan: Option<Plan>,
    counted: BTreeMap<RoundAt, Round>,
    asked: BTreeMap<RoundAt, u64>,
}

impl<'a> RunReader<'a> {
    /// Reads the run that a text means: see [`RemoteDeployment::find`].
    pub async fn open(
        deployment: &'a RemoteDeployment,
        text: &str,
    ) -> Result<RunReader<'a>, RemoteError> {
        let run = deployment.find(text).await?;
        Ok(Self {
            folder: deployment.folder(&run),
            deployment,
            run,
            plan: None,
            counted: BTreeMap::new(),
            asked: BTreeMap::new(),
        })
    }

    /// Returns the run's name.
    pub fn name(&self) -> &str {
        &self.run.listed.name
    }

    /// Reads the execution once more, then everything else.
    pub async fn look_again(&mut self) -> Result<RunFacts, RemoteError> {
        if let Some(run) = self.deployment.named(self.name()).await? {
            self.run = run;
        }
        self.facts().await
    }

    /// Reads everything except the execution.
    pub async fn facts(&mut self) -> Result<RunFacts, RemoteError> {
        if self.plan.is_none() {
            self.plan = self.deployment.plan(&self.folder).await?;
        }
        let (objects, jobs) = match &self.plan {
            Some(plan) => (self.objects().await?, self.jobs(plan).await?),
            None => (Vec::new(), Vec::new()),
        };
        let (counted, asked) = rounds_to_read(&self.folder, &objects);
        self.read_counts(&counted).await?;
        self.read_asked(&asked).await?;
        let failure = self.failure().await?;
        let listed = &self.run.listed;
        Ok(RunFacts {
            name: listed.name.clone(),
            status: listed.status,
            started: listed.started,
            ended: listed.ended,
            redrives: self.run.redrives,
            failure,
            output: output(self.run.output.as_deref()),
            folder: self.folder.clone(),
            plan: self.plan.as_ref().map(plan_facts),
            objects,
            counted: self.counted_rounds(),
            asked: self.asked_rounds(&asked),
            jobs,
        })
    }

    fn counted_rounds(&self) -> Vec<CountedRound> {
        let round = |(at, counts): (&RoundAt, &Round)| CountedRound {
            slice: at.slice,
            round: at.round,
            counts: counts.clone(),
        };
        self.counted.iter().map(round).collect()
    }

    fn asked_rounds(&self, asked: &[RoundAt]) -> Vec<AskedRound> {
        let round = |at: &RoundAt| AskedRound {
            slice: at.slice,
            round: at.round,
            records: self.asked.get(at).copied().unwrap_or_default(),
        };
        asked.iter().map(round).collect()
    }

    fn round(&self, at: RoundAt) -> RoundFolder {
        self.folder.slice(at.slice).round(at.round)
    }

    async fn objects(&self) -> Result<Vec<S3Uri>, RemoteError> {
        let listed = self.deployment.store.list(&self.folder.slices()).await;
        let listed = listed.calling("s3:ListBucket")?;
        Ok(listed.into_iter().map(|object| object.location).collect())
    }

    /// Returns the jobs of a run that may have some that have not ended.
    async fn jobs(&self, plan: &Plan) -> Result<Vec<JobFacts>, RemoteError> {
        if self.run.listed.status == ExecutionStatus::Succeeded {
            return Ok(Vec::new());
        }
        let names = JobNames::new(&self.folder, &plan.identity());
        let jobs = self.deployment.jobs.begun(names.prefix()).await;
        let jobs = jobs.calling("bedrock:ListModelInvocationJobs")?;
        Ok(jobs.into_iter().map(job_facts).collect())
    }

    async fn read_counts(&mut self, rounds: &[RoundAt]) -> Result<(), RemoteError> {
        let new: Vec<RoundAt> = rounds
            .iter()
            .filter(|at| !self.counted.contains_key(at))
            .copied()
            .collect();
        let store = &*self.deployment.store;
        let read: Vec<(RoundAt, Round)> = futures::stream::iter(new)
            .map(|at| {
                let counts = self.round(at).counts();
                async move {
                    let counts = documents::read(store, &counts).await;
                    Ok::<_, RemoteError>((at, counts.calling("s3:GetObject")?))
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        self.counted.extend(read);
        Ok(())
    }

    async fn read_asked(&mut self, rounds: &[RoundAt]) -> Result<(), RemoteError> {
        let new: Vec<RoundAt> = rounds
            .iter()
            .filter(|at| !self.asked.contains_key(at))
            .copied()
            .collect();
        let store = &*self.deployment.store;
        let read: Vec<(RoundAt, u64)> = futures::stream::iter(new)
            .map(|at| {
                let asked = self.round(at).asked();
                async move {
                    let asked = documents::read::<Asked>(store, &asked).await;
                    Ok::<_, RemoteError>((at, asked.calling("s3:GetObject")?.records))
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        self.asked.extend(read);
        Ok(())
    }

    /// Returns why the run failed. If a slice failed, the run's own error does not say why.
    async fn failure(&self) -> Result<Option<RunFailure>, RemoteError> {
        let Some(Cause { error, cause }) = &self.run.failure else {
            return Ok(None);
        };
        let own = RunFailure::new(error, cause);
        if error != CHILD_FAILED {
            return Ok(Some(own));
        }
        let runs = &self.deployment.runs;
        let maps = runs.map_runs(self.name()).await;
        for map in maps.calling("states:ListMapRuns")? {
            let child = runs.failed_child(&map).await;
            let Some(child) = child.calling("states:ListExecutions")? else {
                continue;
            };
            let cause = runs.cause(&child).await;
            if let Some(cause) = cause.calling("states:DescribeExecution")? {
                return Ok(Some(RunFailure::new(&cause.error, &cause.cause)));
            }
        }
        Ok(Some(own))
    }
}

impl RemoteDeployment {
    /// Reads a run's plan; `None` before it is planned, and after its folder has expired.
    pub(crate) async fn plan(&self, folder: &RunFolder) -> Result<Option<Plan>, RemoteError> {
        let plan = documents::read_if_there(&*self.store, &folder.plan()).await;
        plan.calling("s3:GetObject")
    }
}

fn plan_facts(plan: &Plan) -> PlanFacts {
    PlanFacts {
        rows: plan.tables.iter().map(|table| table.rows).sum(),
        slices: plan.slices,
        model: Settings::read(&plan.settings)
            .map(|settings| settings.primary_model_id.clone())
            .unwrap_or_default(),
    }
}

fn job_facts(job: ListedJob) -> JobFacts {
    JobFacts {
        arn: job.arn,
        name: job.name,
        status: job.status,
        expires: job.expires,
        records: job.records,
        processed: job.processed,
        errors: job.errors,
    }
}
