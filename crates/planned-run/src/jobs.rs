//! Batch jobs in memory, with the service's rules for names and tokens. A job does not process its
//! records; a test sets its status.

use async_trait::async_trait;
use quarry_contract::location::S3Uri;
use quarry_edge::jobs::{BatchJobs, Job, JobStatus, JobsError, LiveJob, NewJob};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Jobs in memory. Clones share their jobs.
#[derive(Debug, Clone, Default)]
pub struct MemoryJobs {
    state: Arc<Mutex<KnownJobs>>,
}

#[derive(Debug, Default)]
struct KnownJobs {
    jobs: Vec<(NewJob, Job)>,
    calls: usize,
    failures: VecDeque<JobsError>,
    loses_answer: bool,
    forgets_tokens: bool,
}

impl MemoryJobs {
    /// The jobs that were created, in order.
    pub fn created(&self) -> Vec<NewJob> {
        let state = self.state();
        state.jobs.iter().map(|(job, _)| job.clone()).collect()
    }

    /// Number of calls, including failed ones.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Replaces what the service reports about a job, or adds a job that was created elsewhere.
    pub fn set(&self, job: Job) {
        let mut state = self.state();
        if let Some((_, there)) = state.jobs.iter_mut().find(|(_, j)| j.arn == job.arn) {
            *there = job;
            return;
        }
        let name = job.arn.rsplit('/').next().unwrap_or_default().to_owned();
        state.jobs.push((elsewhere(name), job));
    }

    /// Makes the next call fail that would not fail anyway. Several failures are used in order.
    pub fn fail_next(&self, error: JobsError) {
        self.state().failures.push_back(error);
    }

    /// The next job is created, but the caller is not told.
    pub fn lose_next_answer(&self) {
        self.state().loses_answer = true;
    }

    /// The service forgets the tokens of all calls, and creates a second job of a name.
    pub fn forget_tokens(&self) {
        self.state().forgets_tokens = true;
    }

    fn called(&self) -> Result<MutexGuard<'_, KnownJobs>, JobsError> {
        let mut state = self.state();
        state.calls += 1;
        match state.failures.pop_front() {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, KnownJobs> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what is known about a job that no call created.
fn elsewhere(name: String) -> NewJob {
    let place = S3Uri::new("bucket", "elsewhere").expect("a location");
    NewJob {
        token: name.clone(),
        name,
        role_arn: String::new(),
        model_id: String::new(),
        input: place.clone(),
        output: place,
        output_kms_key: None,
        timeout_hours: 24,
        converse: false,
        tags: Vec::new(),
    }
}

#[async_trait]
impl BatchJobs for MemoryJobs {
    async fn create(&self, new: &NewJob) -> Result<String, JobsError> {
        let mut state = self.called()?;
        let mut remembered = state.jobs.iter().filter(|_| !state.forgets_tokens);
        let there = remembered.find(|(job, _)| job.name == new.name || job.token == new.token);
        if let Some((job, known)) = there {
            return if job == new {
                Ok(known.arn.clone())
            } else {
                Err(JobsError::Conflict("another job has this name".into()))
            };
        }
        let arn = format!(
            "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/{}",
            new.name
        );
        let job = Job {
            arn: arn.clone(),
            status: JobStatus::Submitted,
            message: String::new(),
            submitted: Duration::ZERO,
            ended: None,
            counts: None,
        };
        state.jobs.push((new.clone(), job));
        if std::mem::take(&mut state.loses_answer) {
            return Err(JobsError::Unavailable("the response was lost".into()));
        }
        Ok(arn)
    }

    async fn get(&self, arn: &str) -> Result<Job, JobsError> {
        let state = self.called()?;
        let found = state.jobs.iter().find(|(_, job)| job.arn == arn);
        found
            .map(|(_, job)| job.clone())
            .ok_or_else(|| JobsError::NotFound(format!("no job {arn}").into()))
    }

    async fn named(&self, prefix: &str) -> Result<Vec<Job>, JobsError> {
        let state = self.called()?;
        let named = state
            .jobs
            .iter()
            .filter(|(job, _)| job.name.starts_with(prefix));
        Ok(named.map(|(_, job)| job.clone()).collect())
    }

    async fn find(&self, new: &NewJob) -> Result<Option<String>, JobsError> {
        let state = self.called()?;
        let mut named = state.jobs.iter().rev();
        match named.find(|(job, _)| job.name == new.name) {
            Some((job, known)) if job.input == new.input && job.output == new.output => {
                Ok(Some(known.arn.clone()))
            }
            Some(_) => Err(JobsError::Conflict("another job has this name".into())),
            None => Ok(None),
        }
    }

    async fn live(&self, prefix: &str) -> Result<Vec<LiveJob>, JobsError> {
        let state = self.called()?;
        let live = state.jobs.iter().filter(|(job, known)| {
            let is_over = known.status.is_terminal() || known.status == JobStatus::Stopping;
            job.name.starts_with(prefix) && !is_over
        });
        let live = live.map(|(job, known)| LiveJob {
            arn: known.arn.clone(),
            name: job.name.clone(),
            input: job.input.clone(),
        });
        Ok(live.collect())
    }

    async fn stop(&self, arn: &str) -> Result<(), JobsError> {
        let mut state = self.called()?;
        for (_, job) in &mut state.jobs {
            if job.arn == arn && !job.status.is_terminal() {
                job.status = JobStatus::Stopping;
            }
        }
        Ok(())
    }
}
