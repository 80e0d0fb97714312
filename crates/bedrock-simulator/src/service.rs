//! The operations, without HTTP.

mod admission;
mod due;
mod list;
mod shown;
mod tier;

pub(crate) use list::ListQuery;

use crate::api::{ApiError, Failure};
use crate::config::{EventSink, Limits, Now, Schedule, SimulatorConfig, SimulatorEvent};
use crate::faults::{FaultTier, JobFault, JobFaultKind, NameInUse, Operation, Strikes};
use crate::hash::{Random, hash};
use crate::job::{Course, Ending, Stage};
use crate::late::{LateObject, Lateness};
use crate::models::base_name;
use crate::record::{Model, RecordAsker};
use crate::rules::JobRequest;
use crate::status::Status;
use crate::work::{self, Input, SimulatedWork, WorkTotals};
use aws_sdk_s3::Client;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The service of one account in one Region.
pub(crate) struct Service {
    s3: Client,
    now: Now,
    account: String,
    region: String,
    limits: Limits,
    schedule: Schedule,
    pub(crate) model: Model,
    observer: Option<EventSink>,
    jobs: Mutex<Vec<Arc<StoredJob>>>,
    strikes: Mutex<Strikes>,
}

struct StoredJob {
    /// The job's number, in the order of creation, from 0.
    number: u64,
    id: String,
    arn: String,
    request: JobRequest,
    submitted: Duration,
    state: Mutex<JobState>,
    /// Held while the job's work is done, so that it is done only once.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct JobState {
    stop: Option<Duration>,
    input: Option<Arc<Input>>,
    ended: Option<(Ending, WorkTotals)>,
    /// Output that is not written yet.
    late: Vec<LateObject>,
}

impl StoredJob {
    fn state(&self) -> MutexGuard<'_, JobState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    pub(crate) fn new(config: SimulatorConfig) -> Self {
        let answers = crate::answer::Answers::new(config.answers);
        Self {
            s3: config.s3,
            now: config.now,
            account: config.account,
            region: config.region,
            limits: config.limits,
            schedule: config.schedule,
            model: Model::new(answers, config.faults),
            observer: config.observer,
            jobs: Mutex::default(),
            strikes: Mutex::default(),
        }
    }

    fn jobs(&self) -> MutexGuard<'_, Vec<Arc<StoredJob>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strikes(&self) -> MutexGuard<'_, Strikes> {
        self.strikes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: &SimulatorEvent) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    fn job_fault(&self, kind: JobFaultKind, job: u64) -> Option<JobFault> {
        self.strikes().job(&self.model.faults, kind, job).cloned()
    }

    pub(crate) async fn create(self: &Arc<Self>, body: &[u8]) -> Result<Value, Failure> {
        let request = JobRequest::read(body);
        let model_id = request
            .as_ref()
            .ok()
            .map(|request| request.model_id.as_str());
        let cut = self.begin(Operation::Create, model_id)?;
        let request = request?;
        self.admit_job(&request.model_id)?;
        // Jobs must be validated before it is known whether they have ended. Their work can wait.
        self.advance_all(|job| {
            has_model(job, &request.model_id) && self.stage(job) == Stage::ToValidate
        })
        .await;
        let (job, created) = self.create_once(request)?;
        if created {
            self.model.ledger().counters.jobs_created += 1;
            self.tell(&SimulatorEvent::JobCreated {
                arn: job.arn.clone(),
                name: job.request.name.clone(),
            });
        }
        if let Some(fault) = self.job_fault(JobFaultKind::LostCreateResponse, job.number) {
            return Err(if fault.cut {
                Failure::Cut
            } else {
                ApiError::internal().into()
            });
        }
        answer(json!({"jobArn": job.arn}), cut)
    }

    /// Returns the job of this request, and whether it is new.
    fn create_once(&self, request: JobRequest) -> Result<(Arc<StoredJob>, bool), ApiError> {
        let mut jobs = self.jobs();
        let same_token = request.token.as_ref().and_then(|token| {
            jobs.iter()
                .find(|job| job.request.token.as_ref() == Some(token))
        });
        if let Some(job) = same_token {
            return if job.request.body == request.body {
                Ok((Arc::clone(job), false))
            } else {
                Err(ApiError::conflict(
                    "The clientRequestToken was used for a job with other parameters.",
                ))
            };
        }
        let number = jobs.len() as u64;
        if self
            .job_fault(JobFaultKind::ThrottleCreate, number)
            .is_some()
        {
            return Err(ApiError::throttling());
        }
        if jobs.iter().any(|job| job.request.name == request.name) {
            return Err(self.name_in_use());
        }
        let in_flight = jobs
            .iter()
            .filter(|job| has_model(job, &request.model_id) && self.is_in_flight(job))
            .count();
        let is_full = in_flight >= self.limits.jobs_in_flight_per_model;
        if is_full || self.job_fault(JobFaultKind::QuotaCreate, number).is_some() {
            return Err(ApiError::quota(format!(
                "Your account has reached the quota for the sum of in-progress and submitted batch \
                 inference jobs using the model {}.",
                request.model_id
            )));
        }
        let id = Random::new(hash(request.name.as_bytes()) ^ number).id(12);
        let job = Arc::new(StoredJob {
            number,
            arn: format!(
                "arn:aws:bedrock:{}:{}:model-invocation-job/{id}",
                self.region, self.account
            ),
            id,
            submitted: (self.now)(),
            request,
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        });
        jobs.push(Arc::clone(&job));
        Ok((job, true))
    }

    fn name_in_use(&self) -> ApiError {
        let message = "The provided job name is currently in use.";
        match self.model.faults.name_in_use {
            NameInUse::Conflict => ApiError::conflict(message),
            NameInUse::Validation => ApiError::validation(message),
        }
    }

    fn is_in_flight(&self, job: &StoredJob) -> bool {
        let has_ended = job.state().ended.is_some();
        !has_ended && !matches!(self.stage(job), Stage::AtEnd(_))
    }

    pub(crate) async fn get(self: &Arc<Self>, identifier: &str) -> Result<Value, Failure> {
        let cut = self.begin(Operation::Get, None)?;
        let job = self.find(identifier)?;
        if self
            .job_fault(JobFaultKind::ThrottleGet, job.number)
            .is_some()
        {
            return Err(ApiError::throttling().into());
        }
        self.advance(&job).await;
        self.write_due().await;
        answer(Value::Object(self.describe(&job)), cut)
    }

    pub(crate) async fn stop(self: &Arc<Self>, identifier: &str) -> Result<Value, Failure> {
        let cut = self.begin(Operation::Stop, None)?;
        let job = self.find(identifier)?;
        self.advance(&job).await;
        {
            let mut state = job.state();
            let status = match (&state.ended, state.stop) {
                (Some((ending, _)), _) => Some(ending.status),
                (None, Some(_)) => Some(Status::Stopping),
                (None, None) => None,
            };
            if let Some(status) = status {
                return Err(ApiError::conflict(format!(
                    "The model invocation job cannot be stopped in status {}.",
                    status.as_str()
                ))
                .into());
            }
            state.stop = Some((self.now)());
        }
        answer(json!({}), cut)
    }

    /// Returns the response, and the tier that the call requested and got.
    pub(crate) fn invoke(
        &self,
        model_id: &str,
        converse: bool,
        tier: Option<&str>,
        body: &[u8],
    ) -> Result<(Value, Option<FaultTier>), Failure> {
        self.model.ledger().counters.on_demand_calls += 1;
        let body: Option<Value> = serde_json::from_slice(body).ok();
        let tier = tier::named_tier(converse, tier, body.as_ref());
        let known = tier.as_ref().ok().copied().flatten();
        let cut = self.begin_invoke(model_id, known.unwrap_or_default())?;
        self.admit_call(model_id, tier?)?;
        let body = body.ok_or_else(|| {
            ApiError::validation(
                "Malformed input request, please reformat your input and try again.",
            )
        })?;
        let by = RecordAsker::OnDemand { tier: known };
        let asked = self.model.ask(model_id, converse, &body, by);
        let answered = asked
            .result
            .map_err(|refusal| ApiError::of_status(refusal.code, refusal.message))?;
        self.model.ledger().counters.on_demand_answers += 1;
        self.tell(&SimulatorEvent::Invoked {
            record_id: asked.record_id,
        });
        if asked.is_broken_off {
            return Err(Failure::BrokenOff);
        }
        Ok((answer(answered.output, cut)?, known))
    }

    fn find(&self, identifier: &str) -> Result<Arc<StoredJob>, ApiError> {
        if !identifier.starts_with("arn:") {
            return Err(ApiError::validation("The provided ARN is invalid"));
        }
        let found = self
            .jobs()
            .iter()
            .find(|job| job.arn == identifier)
            .cloned();
        found.ok_or_else(|| {
            ApiError::not_found(format!(
                "Could not find a model invocation job for {identifier}."
            ))
        })
    }

    /// Advances every job that `wanted` selects to the current time, all at once.
    async fn advance_all(self: &Arc<Self>, wanted: impl Fn(&StoredJob) -> bool) {
        let running: Vec<Arc<StoredJob>> = self
            .jobs()
            .iter()
            .filter(|job| wanted(job) && job.state().ended.is_none())
            .cloned()
            .collect();
        let tasks: Vec<_> = running
            .into_iter()
            .map(|job| self.spawn_advance(job))
            .collect();
        for task in tasks {
            let _ = task.await;
        }
    }

    /// Advances a job to the current time. The work continues if the caller goes away.
    async fn advance(self: &Arc<Self>, job: &Arc<StoredJob>) {
        // The task ends early only if the runtime ends.
        let _ = self.spawn_advance(Arc::clone(job)).await;
    }

    fn spawn_advance(self: &Arc<Self>, job: Arc<StoredJob>) -> tokio::task::JoinHandle<()> {
        let service = Arc::clone(self);
        tokio::spawn(async move { service.advance_in_turn(&job).await })
    }

    async fn advance_in_turn(&self, job: &StoredJob) {
        let _turn = job.turn.lock().await;
        loop {
            if job.state().ended.is_some() {
                return;
            }
            match self.stage(job) {
                Stage::Running(..) => return,
                Stage::ToValidate => {
                    let checked =
                        work::validate(&self.s3, &job.arn, &job.request.input, &self.limits).await;
                    match checked {
                        Ok(input) => job.state().input = Some(Arc::new(input)),
                        Err(message) => {
                            let ending = Ending {
                                at: job.submitted + self.schedule.validated(),
                                status: Status::Failed,
                                share: 0.0,
                                message: Some(message),
                            };
                            self.end(job, ending, WorkTotals::default());
                        }
                    }
                }
                Stage::AtEnd(ending) => {
                    let (ending, totals, late) = self.work(job, ending).await;
                    job.state().late = late;
                    self.end(job, ending, totals);
                }
            }
        }
    }

    fn stage(&self, job: &StoredJob) -> Stage {
        let state = job.state();
        Course {
            schedule: &self.schedule,
            submitted: job.submitted,
            timeout: job.request.timeout,
            stop: state.stop,
            records: state.input.as_ref().map(|input| input.records),
            fault: self.model.faults.ending(job.number),
        }
        .stage((self.now)())
    }

    async fn work(&self, job: &StoredJob, ending: Ending) -> (Ending, WorkTotals, Vec<LateObject>) {
        let input = job.state().input.clone();
        let Some(input) = input.filter(|_| ending.has_output()) else {
            return (ending, WorkTotals::default(), Vec::new());
        };
        let work = SimulatedWork {
            s3: &self.s3,
            model: &self.model,
            request: &job.request,
            job_id: &job.id,
            input: &input,
            share: ending.share,
            lateness: Lateness::of(&self.model.faults, job.number, (self.now)()),
        };
        match work.run().await {
            Ok((totals, late)) => (ending, totals, late),
            Err(message) => {
                let failed = Ending {
                    status: Status::Failed,
                    message: Some(message),
                    ..ending
                };
                (failed, WorkTotals::default(), Vec::new())
            }
        }
    }

    fn end(&self, job: &StoredJob, ending: Ending, totals: WorkTotals) {
        let event = SimulatorEvent::JobEnded {
            arn: job.arn.clone(),
            status: ending.status,
            processed: totals.processed,
        };
        {
            let mut ledger = self.model.ledger();
            ledger.counters.jobs_ended += 1;
            ledger.counters.batch_answers += totals.success;
            ledger.counters.batch_errors += totals.error;
        }
        job.state().ended = Some((ending, totals));
        self.tell(&event);
    }
}

/// Whether the job uses this model, through any profile: quotas are those of the model.
fn has_model(job: &StoredJob, model_id: &str) -> bool {
    base_name(&job.request.model_id) == base_name(model_id)
}

fn answer(value: Value, cut: bool) -> Result<Value, Failure> {
    if cut { Err(Failure::Cut) } else { Ok(value) }
}
