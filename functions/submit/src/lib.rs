//! `submit`: creates a round's Bedrock job, once.
//!
//! The job's name and request token are derived from the run, the slice and the round, and the
//! created job is recorded in the round's folder. So a retry after any crash finds the existing job
//! and does not pay for a second one.

use quarry_contract::VERSION;
use quarry_contract::layout::RunFolder;
use quarry_contract::payload::{JobPointer, SliceState, Step};
use quarry_contract::plan::{CreatedJob, Plan};
use quarry_contract::settings::Settings;
use quarry_edge::documents;
use quarry_edge::error::StepError;
use quarry_edge::jobs::{BatchJobs, JobsError, NewJob};
use quarry_edge::metrics::{Metric, Metrics};
use quarry_edge::store::ObjectStore;
use std::sync::Arc;

/// The wait before a new job is polled for the first time, seconds. Validation alone takes longer.
pub const FIRST_WAIT_SECONDS: u64 = 60;

/// What `submit` needs.
#[derive(Clone)]
pub struct Deps {
    /// Holds the run's documents.
    pub store: Arc<dyn ObjectStore>,
    /// Creates batch jobs.
    pub jobs: Arc<dyn BatchJobs>,
    /// Receives the metrics.
    pub metrics: Arc<dyn Metrics>,
}

/// Creates the job of a round, or finds it. Returns the state with the job and the first wait.
pub async fn handle(deps: &Deps, state: SliceState) -> Result<SliceState, StepError> {
    let run = RunFolder::at(state.run.clone());
    let round = run.slice(state.slice).round(state.round);
    let name = round.job_name();
    let created: Option<CreatedJob> = documents::read_if_there(&*deps.store, &round.job()).await?;
    let arn = if let Some(created) = created {
        created.arn
    } else {
        let plan: Plan = documents::read(&*deps.store, &run.plan()).await?;
        let settings = Settings::read(&plan.settings).map_err(StepError::bad_request)?;
        let job = NewJob {
            name: name.clone(),
            token: round.token(),
            role_arn: settings.batch_role_arn.clone().ok_or_else(|| {
                StepError::bad_request(
                    "BEDROCK_BATCH_ROLE_ARN is not set; jobs need a role to read and write with",
                )
            })?,
            model_id: settings.effective_model_id(),
            input: round.input(),
            output: round.output(),
            output_kms_key: settings.output_kms_key.clone(),
            timeout_hours: settings.batch_timeout_hours,
            converse: quarry_asking::converse(&settings).map_err(StepError::bad_request)?,
            tags: vec![("quarry:run".to_owned(), tag_value(&plan.execution))],
        };
        let arn = deps
            .jobs
            .create(&job)
            .await
            .map_err(|error| not_created(error, &settings, &job))?;
        tracing::info!(job = %arn, "job created");
        let created = CreatedJob {
            version: VERSION,
            arn: arn.clone(),
            name: name.clone(),
        };
        documents::write(&*deps.store, &round.job(), &created).await?;
        deps.metrics.emit(&[(Metric::JobsCreated, 1)]);
        arn
    };
    Ok(SliceState {
        next: Step::Wait,
        job: Some(JobPointer { arn, name }),
        wait_seconds: Some(FIRST_WAIT_SECONDS),
        ..state
    })
}

fn not_created(error: JobsError, settings: &Settings, job: &NewJob) -> StepError {
    let doing = format!("creating job {}", job.name);
    match error {
        JobsError::Denied { denial, source } => StepError::denied(
            denial,
            &doing,
            settings.model_setting(),
            &job.model_id,
            source,
        ),
        other => StepError::of(other, &doing),
    }
}

/// Returns a tag's value: at most 256 of `[a-zA-Z0-9\s._:/=+@-]` (`CreateModelInvocationJob`,
/// `tags`).
fn tag_value(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || " ._:/=+@-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(256)
        .collect()
}
