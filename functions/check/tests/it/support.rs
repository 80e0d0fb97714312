//! A round whose job exists at the service.

use quarry_check::{Deps, handle};
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::location::S3Uri;
use quarry_contract::payload::{JobPointer, SliceState, Step};
use quarry_edge::error::StepError;
use quarry_edge::jobs::{Job, JobStatus};
use quarry_edge::s3::memory::MemoryStore;
use quarry_edge::store::ObjectStore;
use quarry_planned_run::{Emitted, MemoryJobs, Moment};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const ARN: &str =
    "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl";
pub(crate) const NAME: &str = "quarry-run-0123456789-000002-1";

/// When the job was submitted.
pub(crate) const SUBMITTED: Duration = Duration::from_hours(490_000);

/// Round 1 of slice 2, and the round's job.
pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) jobs: MemoryJobs,
    pub(crate) metrics: Arc<Emitted>,
}

/// The folder of the round whose job is checked.
pub(crate) fn round() -> RoundFolder {
    RunFolder::at(run()).slice(2).round(1)
}

impl World {
    /// Creates the world with a job in this status.
    pub(crate) fn new(status: JobStatus) -> Self {
        let world = Self {
            store: MemoryStore::new(),
            jobs: MemoryJobs::default(),
            metrics: Arc::default(),
        };
        world.jobs.set(job(status));
        world
    }

    /// Calls `check` this long after the job's submission.
    pub(crate) async fn check_after(&self, age: Duration) -> Result<SliceState, StepError> {
        let store = Arc::new(self.store.clone());
        self.check_over(store, SUBMITTED + age, state()).await
    }

    /// Calls `check` over another store, at a given time, with another state.
    pub(crate) async fn check_over(
        &self,
        store: Arc<dyn ObjectStore>,
        now: Duration,
        state: SliceState,
    ) -> Result<SliceState, StepError> {
        let deps = Deps {
            store,
            jobs: Arc::new(self.jobs.clone()),
            clock: Arc::new(Moment(now)),
            metrics: Arc::<Emitted>::clone(&self.metrics),
        };
        handle(&deps, state).await
    }
}

/// The job as the service reports it. A job that has ended did so two hours after its submission.
pub(crate) fn job(status: JobStatus) -> Job {
    Job {
        arn: ARN.to_owned(),
        status,
        message: String::new(),
        submitted: SUBMITTED,
        ended: status
            .is_terminal()
            .then(|| SUBMITTED + Duration::from_hours(2)),
        counts: None,
    }
}

/// The state that the state machine passes to `check`.
pub(crate) fn state() -> SliceState {
    SliceState {
        round: 1,
        stopped_rounds: 1,
        next: Step::Wait,
        records: 7,
        wait_seconds: Some(60),
        job: Some(JobPointer {
            arn: ARN.to_owned(),
            name: NAME.to_owned(),
            waited: 0,
        }),
        ..SliceState::first(run(), 2)
    }
}

fn run() -> S3Uri {
    S3Uri::new("bucket", "work/run").unwrap()
}
