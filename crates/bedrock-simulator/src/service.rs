//! The operations, without HTTP.

use crate::api::{ApiError, Failure, read_timestamp, timestamp};
use crate::config::{Event, EventSink, Limits, Now, Schedule, SimulatorConfig};
use crate::faults::{CallFaultKind, JobFault, JobFaultKind, Operation, Strikes};
use crate::hash::{Random, hash};
use crate::job::{Course, Ending, Stage, Status};
use crate::record::{Asker, Model};
use crate::rules::{JobRequest, is_job_name, is_model_id};
use crate::work::{self, Input, Totals, Work};
use aws_sdk_s3::Client;
use serde::Deserialize;
use serde_json::{Map, Value, json};
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
    jobs: Mutex<Vec<Arc<Job>>>,
    strikes: Mutex<Strikes>,
}

struct Job {
    /// The so-many-th job created.
    number: u64,
    id: String,
    arn: String,
    request: JobRequest,
    submitted: Duration,
    state: Mutex<JobState>,
    /// Held while the job's work is done, so that it is done once.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct JobState {
    stop: Option<Duration>,
    input: Option<Arc<Input>>,
    ended: Option<(Ending, Totals)>,
}

impl Job {
    fn state(&self) -> MutexGuard<'_, JobState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The query of `ListModelInvocationJobs`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListQuery {
    submit_time_after: Option<String>,
    submit_time_before: Option<String>,
    status_equals: Option<String>,
    name_contains: Option<String>,
    max_results: Option<String>,
    next_token: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
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

    fn jobs(&self) -> MutexGuard<'_, Vec<Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strikes(&self) -> MutexGuard<'_, Strikes> {
        self.strikes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: &Event) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    /// Counts the call and lets a scripted fault strike. A cut strikes after the work.
    fn begin(&self, operation: Operation) -> Result<bool, ApiError> {
        match self.strikes().call(&self.model.faults, operation) {
            Some(CallFaultKind::Throttle) => Err(ApiError::throttling()),
            Some(CallFaultKind::Unavailable) => Err(ApiError::unavailable()),
            Some(CallFaultKind::Cut) => Ok(true),
            None => Ok(false),
        }
    }

    fn job_fault(&self, kind: JobFaultKind, job: u64) -> Option<JobFault> {
        self.strikes().job(&self.model.faults, kind, job).cloned()
    }

    pub(crate) async fn create(self: &Arc<Self>, body: &[u8]) -> Result<Value, Failure> {
        let cut = self.begin(Operation::Create)?;
        let request = JobRequest::read(body)?;
        self.check_model(&request.model_id)?;
        // Only what is validated can be known to have ended. The work itself can wait.
        self.advance_all(|job| {
            job.request.model_id == request.model_id && self.stage(job) == Stage::ToValidate
        })
        .await;
        let (job, created) = self.create_once(request)?;
        if created {
            self.model.ledger().counters.jobs_created += 1;
            self.tell(&Event::JobCreated {
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

    /// The job of this request, and whether it is new.
    fn create_once(&self, request: JobRequest) -> Result<(Arc<Job>, bool), ApiError> {
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
            return Err(ApiError::conflict(format!(
                "A model invocation job with the name {} already exists.",
                request.name
            )));
        }
        let in_flight = jobs
            .iter()
            .filter(|job| job.request.model_id == request.model_id && self.is_in_flight(job))
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
        let job = Arc::new(Job {
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

    fn is_in_flight(&self, job: &Job) -> bool {
        let has_ended = job.state().ended.is_some();
        !has_ended && !matches!(self.stage(job), Stage::AtEnd(_))
    }

    pub(crate) async fn get(self: &Arc<Self>, identifier: &str) -> Result<Value, Failure> {
        let cut = self.begin(Operation::Get)?;
        let job = self.find(identifier)?;
        if self
            .job_fault(JobFaultKind::ThrottleGet, job.number)
            .is_some()
        {
            return Err(ApiError::throttling().into());
        }
        self.advance(&job).await;
        answer(Value::Object(self.describe(&job)), cut)
    }

    pub(crate) async fn list(self: &Arc<Self>, query: &ListQuery) -> Result<Value, Failure> {
        const DEFAULT_PAGE: usize = 100;
        let cut = self.begin(Operation::List)?;
        if let Some(name) = &query.name_contains
            && !is_job_name(name)
        {
            return Err(ApiError::constraint(
                name,
                "nameContains",
                "Member must satisfy the pattern of a job name",
            )
            .into());
        }
        one_of(query.sort_by.as_deref(), "sortBy", &["CreationTime"])?;
        one_of(
            query.sort_order.as_deref(),
            "sortOrder",
            &["Ascending", "Descending"],
        )?;
        one_of(query.status_equals.as_deref(), "statusEquals", &STATUSES)?;
        let page = match &query.max_results {
            None => DEFAULT_PAGE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|count| (1..=1_000).contains(count))
                .ok_or_else(|| {
                    ApiError::constraint(text, "maxResults", "Member must be between 1 and 1000")
                })?,
        };
        let first: usize = match &query.next_token {
            None => 0,
            Some(token) => token
                .strip_prefix("page-")
                .and_then(|number| number.parse().ok())
                .ok_or_else(|| ApiError::validation("The nextToken is not valid."))?,
        };
        let after = bound(query.submit_time_after.as_deref(), "submitTimeAfter")?;
        let before = bound(query.submit_time_before.as_deref(), "submitTimeBefore")?;
        self.advance_all(|_| true).await;
        let mut found: Vec<Map<String, Value>> = self
            .jobs()
            .iter()
            .filter(|job| after.is_none_or(|after| job.submitted >= after))
            .filter(|job| before.is_none_or(|before| job.submitted <= before))
            .filter(|job| {
                let name = query.name_contains.as_deref();
                name.is_none_or(|name| job.request.name.contains(name))
            })
            .map(|job| self.describe(job))
            .filter(|job| {
                let status = query.status_equals.as_deref();
                status.is_none() || job.get("status").and_then(Value::as_str) == status
            })
            .collect();
        if query.sort_order.as_deref() != Some("Ascending") {
            found.reverse();
        }
        let more = found.len() > first.saturating_add(page);
        let summaries: Vec<_> = found.into_iter().skip(first).take(page).collect();
        let mut list = json!({"invocationJobSummaries": summaries});
        if more {
            list["nextToken"] = json!(format!("page-{}", first + page));
        }
        answer(list, cut)
    }

    pub(crate) async fn stop(self: &Arc<Self>, identifier: &str) -> Result<Value, Failure> {
        let cut = self.begin(Operation::Stop)?;
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

    pub(crate) fn invoke(
        &self,
        model_id: &str,
        converse: bool,
        body: &[u8],
    ) -> Result<Value, Failure> {
        self.model.ledger().counters.on_demand_calls += 1;
        let cut = self.begin(Operation::Invoke)?;
        self.check_model(model_id)?;
        let body: Value = serde_json::from_slice(body).map_err(|_| {
            ApiError::validation(
                "Malformed input request, please reformat your input and try again.",
            )
        })?;
        let asked = self.model.ask(model_id, converse, &body, Asker::OnDemand);
        let answered = asked
            .result
            .map_err(|refusal| ApiError::of_status(refusal.code, refusal.message))?;
        self.model.ledger().counters.on_demand_answers += 1;
        self.tell(&Event::Invoked {
            record_id: asked.record_id,
        });
        answer(answered.output, cut)
    }

    fn check_model(&self, model_id: &str) -> Result<(), ApiError> {
        let known = self
            .limits
            .models
            .as_ref()
            .is_none_or(|models| models.iter().any(|model| model == model_id));
        if known && is_model_id(model_id) {
            Ok(())
        } else if model_id.starts_with("arn:") {
            Err(ApiError::not_found(format!(
                "Could not find the model {model_id}."
            )))
        } else {
            Err(ApiError::validation(
                "The provided model identifier is invalid.",
            ))
        }
    }

    fn find(&self, identifier: &str) -> Result<Arc<Job>, ApiError> {
        let found = self
            .jobs()
            .iter()
            .find(|job| job.arn == identifier || job.id == identifier)
            .cloned();
        found.ok_or_else(|| {
            ApiError::not_found(format!(
                "Could not find a model invocation job for {identifier}."
            ))
        })
    }

    /// Brings every job that `wanted` names up to the clock.
    async fn advance_all(self: &Arc<Self>, wanted: impl Fn(&Job) -> bool) {
        let running: Vec<Arc<Job>> = self
            .jobs()
            .iter()
            .filter(|job| wanted(job) && job.state().ended.is_none())
            .cloned()
            .collect();
        for job in running {
            self.advance(&job).await;
        }
    }

    /// Brings a job up to the clock. The work goes on when the caller goes away.
    async fn advance(self: &Arc<Self>, job: &Arc<Job>) {
        let (service, job) = (Arc::clone(self), Arc::clone(job));
        let task = tokio::spawn(async move { service.advance_in_turn(&job).await });
        // It ends early only when the runtime ends.
        let _ = task.await;
    }

    async fn advance_in_turn(&self, job: &Job) {
        let _turn = job.turn.lock().await;
        loop {
            if job.state().ended.is_some() {
                return;
            }
            match self.stage(job) {
                Stage::Running(..) => return,
                Stage::ToValidate => {
                    let checked = work::validate(&self.s3, &job.request.input, &self.limits).await;
                    match checked {
                        Ok(input) => job.state().input = Some(Arc::new(input)),
                        Err(message) => {
                            let ending = Ending {
                                at: job.submitted + self.schedule.validated(),
                                status: Status::Failed,
                                share: 0.0,
                                message: Some(message),
                            };
                            self.end(job, ending, Totals::default());
                        }
                    }
                }
                Stage::AtEnd(ending) => {
                    let (ending, totals) = self.work(job, ending).await;
                    self.end(job, ending, totals);
                }
            }
        }
    }

    fn stage(&self, job: &Job) -> Stage {
        let state = job.state();
        Course {
            schedule: &self.schedule,
            submitted: job.submitted,
            timeout: job.request.timeout,
            stop: state.stop,
            records: state.input.as_ref().map(|input| input.records),
            fault: self.ending_fault(job.number),
        }
        .stage((self.now)())
    }

    /// An `end` fault holds however often it is looked at.
    fn ending_fault(&self, number: u64) -> Option<&JobFault> {
        self.model.faults.ending(number)
    }

    async fn work(&self, job: &Job, ending: Ending) -> (Ending, Totals) {
        let input = job.state().input.clone();
        let Some(input) = input.filter(|_| ending.has_output()) else {
            return (ending, Totals::default());
        };
        let work = Work {
            s3: &self.s3,
            model: &self.model,
            limits: &self.limits,
            request: &job.request,
            job_id: &job.id,
            input: &input,
            share: ending.share,
        };
        match work.run().await {
            Ok(totals) => (ending, totals),
            Err(message) => {
                let failed = Ending {
                    status: Status::Failed,
                    message: Some(message),
                    ..ending
                };
                (failed, Totals::default())
            }
        }
    }

    fn end(&self, job: &Job, ending: Ending, totals: Totals) {
        let event = Event::JobEnded {
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

    /// The job as `GetModelInvocationJob` and the summaries of the list show it.
    fn describe(&self, job: &Job) -> Map<String, Value> {
        let standing = self.stage(job);
        let state = job.state();
        let request = &job.request;
        let mut shown = Map::new();
        let mut show = |name: &str, value: Value| {
            if !value.is_null() {
                shown.insert(name.to_owned(), value);
            }
        };
        let echo = |name: &str| request.body.get(name).cloned().unwrap_or_default();
        show("jobArn", json!(job.arn));
        for name in [
            "jobName",
            "modelId",
            "clientRequestToken",
            "roleArn",
            "inputDataConfig",
            "outputDataConfig",
            "vpcConfig",
        ] {
            show(name, echo(name));
        }
        let invocation_type = if request.converse {
            "Converse"
        } else {
            "InvokeModel"
        };
        show("modelInvocationType", json!(invocation_type));
        show(
            "timeoutDurationInHours",
            json!(request.timeout.as_secs() / 3_600),
        );
        show("submitTime", json!(timestamp(job.submitted)));
        show(
            "jobExpirationTime",
            json!(timestamp(job.submitted + request.timeout)),
        );
        let total = state.input.as_ref().map_or(0, |input| input.records);
        let counts = match (&state.ended, standing) {
            (Some((ending, totals)), _) => {
                show("status", json!(ending.status.as_str()));
                show("message", json!(ending.message));
                show("lastModifiedTime", json!(timestamp(ending.at)));
                show("endTime", json!(timestamp(ending.at)));
                [total, totals.processed, totals.success, totals.error]
            }
            (None, Stage::Running(status, share)) => {
                show("status", json!(status.as_str()));
                show("lastModifiedTime", json!(timestamp((self.now)())));
                let done = part(total, share);
                [total, done, done, 0]
            }
            // The clock moved on after the job was brought up to it.
            (None, Stage::ToValidate) => {
                show("status", json!(Status::Validating.as_str()));
                [0; 4]
            }
            (None, Stage::AtEnd(_)) => {
                show("status", json!(Status::InProgress.as_str()));
                [total, total, total, 0]
            }
        };
        let names = [
            "totalRecordCount",
            "processedRecordCount",
            "successRecordCount",
            "errorRecordCount",
        ];
        for (name, count) in names.into_iter().zip(counts) {
            show(name, json!(count));
        }
        shown
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a progress figure between 0 and `total`"
)]
fn part(total: u64, share: f64) -> u64 {
    ((total as f64) * share.clamp(0.0, 1.0)) as u64
}

const STATUSES: [&str; 10] = [
    "Submitted",
    "Validating",
    "Scheduled",
    "InProgress",
    "Completed",
    "PartiallyCompleted",
    "Failed",
    "Stopping",
    "Stopped",
    "Expired",
];

fn one_of(value: Option<&str>, member: &str, names: &[&str]) -> Result<(), ApiError> {
    match value {
        Some(value) if !names.contains(&value) => Err(ApiError::constraint(
            value,
            member,
            &format!("Member must satisfy enum value set: [{}]", names.join(", ")),
        )),
        _ => Ok(()),
    }
}

fn bound(text: Option<&str>, member: &str) -> Result<Option<Duration>, ApiError> {
    match text {
        None => Ok(None),
        Some(text) => match read_timestamp(text) {
            Some(time) => Ok(Some(time)),
            None => Err(ApiError::constraint(text, member, "Member must be a time")),
        },
    }
}

fn answer(value: Value, cut: bool) -> Result<Value, Failure> {
    if cut { Err(Failure::Cut) } else { Ok(value) }
}
