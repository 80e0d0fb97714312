//! Reading the facts about one run, again and again.

use crate::deployment::RemoteDeployment;
use crate::error::{Calling, RemoteError};
use crate::list::output;
use futures::stream::{StreamExt, TryStreamExt};
use quarry_contract::execution_status::ExecutionStatus;
use quarry_contract::job_names::JobNames;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::location::S3Uri;
use quarry_contract::memory_used_up;
use quarry_contract::plan::{Asked, Plan};
use quarry_contract::settings::Settings;
use quarry_edge::documents::{self, MAX_DOCUMENT_BYTES};
use quarry_edge::executions::{Cause, ShownRun};
use quarry_edge::jobs::ListedJob;
use quarry_edge::store::StoreError;
use quarry_result::receipt::Round;
use quarry_result::summary::{SampleSummary, Summary};
use quarry_runs::{PlanFacts, RoundAt, RunFacts, RunFailure, rounds_to_read};
use serde::de::DeserializeOwned;
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
        Ok(Self::of(deployment, run))
    }

    /// Reads the run of a whole name.
    pub async fn named(
        deployment: &'a RemoteDeployment,
        name: &str,
    ) -> Result<RunReader<'a>, RemoteError> {
        let run = deployment.named(name).await?;
        let run = run.ok_or_else(|| RemoteError::NoRun {
            name: name.to_owned(),
            stack: deployment.name().to_owned(),
            nearest: None,
        })?;
        Ok(Self::of(deployment, run))
    }

    fn of(deployment: &'a RemoteDeployment, run: ShownRun) -> Self {
        Self {
            folder: deployment.folder(&run),
            deployment,
            run,
            plan: None,
            counted: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
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
        let is_counted = |at: &RoundAt| self.counted.contains_key(at);
        let counts = self.read_new(&counted, is_counted, RoundFolder::counts);
        let counts = counts.await?;
        self.counted.extend(counts);
        let is_asked = |at: &RoundAt| self.asked.contains_key(at);
        let records = self.read_new::<Asked>(&asked, is_asked, RoundFolder::asked);
        let records = records.await?;
        let records = records.into_iter().map(|(at, asked)| (at, asked.records));
        self.asked.extend(records);
        let failure = self.failure().await?;
        let sample = self.sample().await?;
        let listed = &self.run.listed;
        Ok(RunFacts {
            name: listed.name.clone(),
            status: listed.status,
            started: listed.started,
            ended: listed.ended,
            redrives: self.run.redrives,
            failure,
            output: output(self.run.output.as_deref()),
            sample,
            retries: self.retried_run(),
            folder: self.folder.clone(),
            plan: self.plan.as_ref().map(plan_facts),
            objects,
            counted: self.counted.values().cloned().collect(),
            records_asked: asked.iter().filter_map(|at| self.asked.get(at)).sum(),
            jobs,
        })
    }

    async fn objects(&self) -> Result<Vec<S3Uri>, RemoteError> {
        let listed = self.deployment.store.list(&self.folder.slices()).await;
        let listed = listed.calling("s3:ListBucket")?;
        Ok(listed.into_iter().map(|object| object.location).collect())
    }

    /// Returns the jobs of a run that may have some that have not ended.
    async fn jobs(&self, plan: &Plan) -> Result<Vec<ListedJob>, RemoteError> {
        if self.run.listed.status == ExecutionStatus::Succeeded {
            return Ok(Vec::new());
        }
        let names = JobNames::new(&self.folder, &plan.identity());
        let jobs = self.deployment.jobs.begun(names.prefix()).await;
        jobs.calling("bedrock:ListModelInvocationJobs")
    }

    /// Reads a document of each round, if it is not `known`.
    async fn read_new<T: DeserializeOwned>(
        &self,
        rounds: &[RoundAt],
        known: impl Fn(&RoundAt) -> bool,
        place: fn(&RoundFolder) -> S3Uri,
    ) -> Result<Vec<(RoundAt, T)>, RemoteError> {
        let store = &*self.deployment.store;
        let new: Vec<RoundAt> = rounds.iter().filter(|at| !known(at)).copied().collect();
        futures::stream::iter(new)
            .map(|at| {
                let place = place(&self.folder.slice(at.slice).round(at.round));
                async move {
                    let document = documents::read(store, &place).await;
                    Ok((at, document.calling("s3:GetObject")?))
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Returns what the summary says about the sample; `None` for a run over all rows, and if the summary is
    /// gone or in a place that the user may not read.
    async fn sample(&self) -> Result<Option<SampleSummary>, RemoteError> {
        let is_sampled = self.plan.as_ref().is_some_and(|plan| plan.sample.is_some());
        let Some(output) = output(self.run.output.as_deref()).filter(|_| is_sampled) else {
            return Ok(None);
        };
        let store = &self.deployment.store;
        let summary = match store.get(&output.summary, MAX_DOCUMENT_BYTES).await {
            Ok(summary) => summary,
            Err(StoreError::NotFound(_) | StoreError::AccessDenied(..)) => return Ok(None),
            Err(error) => return Err(error).calling("s3:GetObject"),
        };
        let summary: Option<Summary> = serde_json::from_slice(&summary).ok();
        Ok(summary.and_then(|summary| summary.sample))
    }

    /// Returns why the run failed. If a slice failed, the run's own error does not say why.
    async fn failure(&self) -> Result<Option<RunFailure>, RemoteError> {
        let Some(Cause { error, cause }) = &self.run.failure else {
            return Ok(None);
        };
        let own = RunFailure::new(error, cause);
        if error != CHILD_FAILED {
            return Ok(Some(self.with_function(&self.run.listed.arn, own).await));
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
                let failure = RunFailure::new(&cause.error, &cause.cause);
                return Ok(Some(self.with_function(&child, failure).await));
            }
        }
        Ok(Some(own))
    }

    /// Says the remedy if an execution failed because a function used up its memory, and names the
    /// function if its name can be read.
    async fn with_function(&self, execution: &str, failure: RunFailure) -> RunFailure {
        let RunFailure { error, message } = failure;
        if !memory_used_up::is_reported(&error, &message) {
            return RunFailure { error, message };
        }
        let function = self.deployment.runs.last_function(execution).await;
        let message = memory_used_up::in_words(function.unwrap_or_default().as_deref());
        RunFailure { error, message }
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
        rates: plan.rates.clone(),
    }
}
