//! Promise: a run that has ended leaves no job running and no pipeline waiting, and settling it
//! twice changes nothing.

mod answers;
mod errors;
mod jobs;
mod sweeps;

use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::job_names::JobNames;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::location::S3Uri;
use quarry_contract::run_identity::RunIdentity;
use quarry_edge::callbacks::memory::{MemoryCallbacks, StepAnswer};
use quarry_edge::clock::Clock;
use quarry_edge::error::StepError;
use quarry_edge::executions::memory::MemoryExecutions;
use quarry_edge::jobs::{BatchJobs, Job, JobStatus, JobsError, LiveJob, NewJob};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::{ObjectStore, WriteCondition};
use quarry_planned_run::Moment;
use quarry_settle::{Deps, ExecutionEvent, RedriveTime, Settled, Swept, settle, sweep};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TOKEN: &str = "26vcYbeWsZ";
const RUN: &str = "label-strikes-0a1b2c3d4e5f60718293a4b5c6d7e8f9";
/// `executionArn` of the recorded events.
const ARN: &str = "arn:aws:states:us-east-2:123456789012:execution:quarry:label-strikes-0a1b2c3d4e5f60718293a4b5c6d7e8f9";
/// `stateMachineArn` of the recorded events.
const MACHINE: &str = "arn:aws:states:us-east-2:123456789012:stateMachine:quarry";
/// `startDate` of the recorded events.
const STARTED: &str = "2025-11-22T00:38:31Z";
/// `stopDate` of the recorded events.
const ENDED: Duration = Duration::from_hours(489_937);

/// Jobs by name that have no effect.
#[derive(Default)]
struct Jobs {
    by_name: Mutex<BTreeMap<String, JobStatus>>,
    /// Names that the service's list does not show yet.
    unlisted: Mutex<Vec<String>>,
    stops: Mutex<Vec<String>>,
    /// Jobs whose stop fails.
    stuck: Mutex<Vec<String>>,
    /// The inputs of jobs, by their names. The others read `elsewhere`.
    inputs: Mutex<BTreeMap<String, S3Uri>>,
    /// Why the next list does not come.
    list_failure: Mutex<Option<JobsError>>,
    /// What happens after the next call of this name.
    after: Mutex<Option<AfterCall>>,
}

/// What happens once, after a call of this name.
type AfterCall = (&'static str, Box<dyn FnOnce() + Send>);

impl Jobs {
    fn add(&self, name: &str, status: JobStatus) {
        self.by_name.lock().unwrap().insert(name.to_owned(), status);
    }

    /// Lets something happen after the next call with this name.
    fn after(&self, call: &'static str, what: impl FnOnce() + Send + 'static) {
        *self.after.lock().unwrap() = Some((call, Box::new(what)));
    }

    fn called(&self, call: &str) {
        let next = self
            .after
            .lock()
            .unwrap()
            .take_if(|(name, _)| *name == call);
        if let Some((_, what)) = next {
            what();
        }
    }

    fn stops(&self) -> Vec<String> {
        self.stops.lock().unwrap().clone()
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:bedrock:us-east-2:123456789012:model-invocation-job/{name}")
}

fn job(name: &str, status: JobStatus) -> Job {
    Job {
        arn: arn(name),
        status,
        message: String::new(),
        submitted: ENDED,
        ended: None,
        counts: None,
    }
}

#[async_trait]
impl BatchJobs for Jobs {
    async fn create(&self, job: &NewJob) -> Result<String, JobsError> {
        Err(JobsError::AccessDenied(job.name.clone().into()))
    }

    async fn get(&self, arn: &str) -> Result<Job, JobsError> {
        Err(JobsError::NotFound(arn.into()))
    }

    async fn named(&self, prefix: &str) -> Result<Vec<Job>, JobsError> {
        if let Some(failure) = self.list_failure.lock().unwrap().take() {
            return Err(failure);
        }
        self.called("named");
        let unlisted = self.unlisted.lock().unwrap();
        let jobs = self.by_name.lock().unwrap();
        Ok(jobs
            .iter()
            .filter(|(name, _)| name.starts_with(prefix) && !unlisted.contains(name))
            .map(|(name, status)| job(name, *status))
            .collect())
    }

    async fn find(&self, job: &NewJob) -> Result<Option<String>, JobsError> {
        Err(JobsError::AccessDenied(job.name.clone().into()))
    }

    async fn live(&self, prefix: &str) -> Result<Vec<LiveJob>, JobsError> {
        if let Some(failure) = self.list_failure.lock().unwrap().take() {
            return Err(failure);
        }
        let jobs = self.by_name.lock().unwrap();
        let inputs = self.inputs.lock().unwrap();
        let live = jobs.iter().filter(|(name, status)| {
            name.starts_with(prefix) && !status.is_terminal() && **status != JobStatus::Stopping
        });
        let live = live.map(|(name, _)| LiveJob {
            arn: arn(name),
            name: name.clone(),
            input: inputs.get(name).cloned().unwrap_or_else(|| at("elsewhere")),
        });
        Ok(live.collect())
    }

    async fn stop(&self, at: &str) -> Result<(), JobsError> {
        let name = at.rsplit('/').next().unwrap();
        if self.stuck.lock().unwrap().iter().any(|stuck| stuck == name) {
            return Err(JobsError::Throttled("slow down".into()));
        }
        self.stops.lock().unwrap().push(name.to_owned());
        self.add(name, JobStatus::Stopping);
        self.called("stop");
        Ok(())
    }
}

/// A deployment in memory.
struct World {
    store: MemoryStore,
    jobs: Arc<Jobs>,
    executions: MemoryExecutions,
    callbacks: MemoryCallbacks,
    /// The deployment's work prefix.
    work: Option<S3Uri>,
    redrive: RedriveTime,
}

impl World {
    fn new() -> Self {
        Self {
            store: MemoryStore::default(),
            jobs: Arc::default(),
            executions: MemoryExecutions::default(),
            callbacks: MemoryCallbacks::default(),
            work: Some(at("runs")),
            redrive: RedriveTime::default(),
        }
    }

    /// Settles this long after the run's end.
    async fn settle_after(&self, since: Duration, event: Value) -> Result<Settled, StepError> {
        let store = Arc::new(self.store.clone());
        self.settle_over(store, since, event).await
    }

    /// The same over another store.
    async fn settle_over(
        &self,
        store: Arc<dyn ObjectStore>,
        since: Duration,
        event: Value,
    ) -> Result<Settled, StepError> {
        let deps = self.deps(store, Arc::new(Moment(ENDED + since)));
        let event: ExecutionEvent = serde_json::from_value(event).unwrap();
        settle(&deps, event).await
    }

    /// Sweeps this long after the run's end.
    async fn sweep_after(&self, since: Duration) -> Result<Swept, StepError> {
        let store = Arc::new(self.store.clone());
        sweep(&self.deps(store, Arc::new(Moment(ENDED + since)))).await
    }

    fn deps(&self, store: Arc<dyn ObjectStore>, clock: Arc<dyn Clock>) -> Deps {
        Deps {
            store,
            jobs: self.jobs.clone(),
            executions: Arc::new(self.executions.clone()),
            callbacks: Arc::new(self.callbacks.clone()),
            clock,
            work: self.work.clone(),
            machine: MACHINE.to_owned(),
            redrive: self.redrive,
        }
    }

    async fn settle(&self, event: Value) -> Settled {
        let settled = self.settle_after(Duration::from_secs(2), event).await;
        settled.unwrap()
    }

    async fn put(&self, at: &S3Uri, document: Value) {
        let body = Bytes::from(document.to_string());
        self.store
            .put(at, body, WriteCondition::Always)
            .await
            .unwrap();
    }

    /// Records to which execution the run's folder belongs.
    async fn owned(&self, by: &RunIdentity) {
        let body = serde_json::to_value(by).unwrap();
        self.put(&run().owner(), body).await;
    }

    /// Records that a round has its records, in the folder of the execution that ends.
    async fn asked(&self, slice: u32, round: u32) {
        self.owned(&owner()).await;
        let asked = run().slice(slice).round(round).asked();
        self.put(&asked, json!({"version": 1})).await;
    }

    /// Records that a round got a job. Returns the job's name.
    async fn created(&self, slice: u32, round: u32) -> String {
        self.asked(slice, round).await;
        let round = run().slice(slice).round(round);
        let name = job_name(&round);
        let created = json!({"version": 1, "arn": arn(&name), "name": name});
        self.put(&round.job(), created).await;
        let mut inputs = self.jobs.inputs.lock().unwrap();
        inputs.insert(name.clone(), round.input());
        name
    }

    fn answer(&self) -> Option<StepAnswer> {
        self.callbacks.answers().remove(TOKEN)
    }

    fn failure(&self) -> String {
        match self.answer() {
            Some(StepAnswer::Failed(reason)) => reason.as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    }
}

fn at(key: &str) -> S3Uri {
    S3Uri::new("quarry-data", key).unwrap()
}

fn run() -> RunFolder {
    RunFolder::new(&at("runs"), RUN)
}

/// Returns the execution that the recorded events are about.
fn owner() -> RunIdentity {
    RunIdentity {
        version: 1,
        execution_arn: Some(ARN.to_owned()),
        started: STARTED.to_owned(),
    }
}

fn job_name(round: &RoundFolder) -> String {
    JobNames::new(&run(), &owner()).name(round)
}

/// Returns a recorded event.
fn event(name: &str) -> Value {
    let file = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}
