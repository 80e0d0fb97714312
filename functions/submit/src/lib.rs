//! `submit`: creates a round's Bedrock job, once.
//!
//! The job's name and request token are derived from the run's folder and execution, the slice and
//! the round, and the created job is recorded in the round's folder. A call that comes after one that
//! may have created the job looks for it by its name first. So a retry after any crash finds the
//! existing job and does not pay for a second one.
//!
//! # What it promises
//!
//! | promise | kept in | test in `tests/it` |
//! |---|---|---|
//! | A round has one job. A recorded job is found without a call, and a job whose record or response was lost is found by its name and token. | `handle`, `quarry_contract::job_names` | `repetitions` |
//! | A job is found by its name, also when the service has forgotten its token. | `find_or_create` | `repetitions::a_job_whose_token_was_forgotten_is_found_by_its_name` |
//! | The first call for a round lists no jobs. | `find_or_create` | `repetitions::the_first_call_makes_no_list` |
//! | No other round, slice or execution has the same name or token. | `quarry_contract::job_names` | `jobs::every_slice_and_every_round_has_its_own_job`, `jobs::another_execution_in_the_same_folder_has_jobs_of_its_own` |
//! | A recorded job is not taken if it is of another execution or was created for other records. | `check_recorded` | `repetitions::a_job_of_other_records_is_not_taken`, `repetitions::a_job_of_another_execution_is_not_taken` |
//! | The job has the role, model, key, time limit and API of the settings. | `handle` | `jobs::a_job_reads_the_rounds_records_and_writes_below_the_rounds_folder`, `jobs::a_job_has_the_key_the_time_limit_and_the_model_of_the_settings`, `jobs::a_model_that_is_called_through_converse_gets_converse_jobs` |
//! | The run's name in the tag has only characters that the service accepts. | `tag_value` | `jobs::the_runs_name_in_a_tag_has_only_characters_that_the_service_accepts` |
//! | If it is not known whether a job exists, the service is not called. | `handle` | `refusals::the_service_is_not_called_if_the_note_cannot_be_read` |
//! | A model that the service denies fails the run with the service's message and the remedy. The first use of a model is a separate error. | `not_created` | `refusals::a_denied_model_fails_the_run_with_the_services_words_and_the_remedy`, `refusals::the_denial_of_a_models_first_use_is_an_error_of_its_own` |
//! | Each other error has a name that says whether the call is repeated, and the job's name. | `not_created` | `refusals::the_name_of_a_creation_error_says_whether_it_is_retried` |

use quarry_contract::VERSION;
use quarry_contract::job_names::JobNames;
use quarry_contract::layout::{RoundFolder, RunFolder};
use quarry_contract::payload::{JobPointer, SliceState, Step};
use quarry_contract::plan::{Asked, CreatedJob, JobIntent, Plan};
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
    let store = &*deps.store;
    let run = RunFolder::at(state.run.clone());
    let round = run.slice(state.slice).round(state.round);
    let recorded: Option<CreatedJob> = documents::read_if_there(store, &round.job()).await?;
    let plan: Plan = documents::read(store, &run.plan()).await?;
    let names = JobNames::new(&run, &plan.identity());
    let name = names.name(&round);
    let asked: Option<Asked> = documents::read_if_there(store, &round.asked()).await?;
    let input_etag = asked.map(|asked| asked.etag);
    let arn = if let Some(recorded) = recorded {
        check_recorded(&round, &recorded, &name, input_etag.as_deref())?;
        recorded.arn
    } else {
        let settings = Settings::read(&plan.settings).map_err(StepError::bad_request)?;
        let job = new_job(&plan, &settings, &names, &round)?;
        let arn = find_or_create(deps, &round, &job, &settings).await?;
        let created = CreatedJob {
            version: VERSION,
            arn: arn.clone(),
            name: name.clone(),
            input_etag,
        };
        documents::write(store, &round.job(), &created).await?;
        deps.metrics.emit(&[(Metric::JobsCreated, 1)]);
        arn
    };
    Ok(SliceState {
        next: Step::Wait,
        job: Some(JobPointer {
            arn,
            name,
            waited: 0,
        }),
        wait_seconds: Some(FIRST_WAIT_SECONDS),
        ..state
    })
}

/// Creates a job, or finds it if an earlier call may have created it. The service returns the same job
/// for the same token, but does not say for how long it remembers a token, and a redrive can come
/// after two weeks.
///
/// The intent tells a repeated call from the first one, so that only a repeated call needs a list.
async fn find_or_create(
    deps: &Deps,
    round: &RoundFolder,
    job: &NewJob,
    settings: &Settings,
) -> Result<String, StepError> {
    let intent = JobIntent {
        version: VERSION,
        name: job.name.clone(),
    };
    let is_first = documents::write_if_absent(&*deps.store, &round.intent(), &intent).await?;
    if !is_first {
        let found = deps.jobs.find(job).await;
        if let Some(arn) = found.map_err(|error| not_created(error, settings, job))? {
            tracing::info!(job = %arn, "job found by its name");
            return Ok(arn);
        }
    }
    let created = deps.jobs.create(job).await;
    let arn = created.map_err(|error| not_created(error, settings, job))?;
    tracing::info!(job = %arn, "job created");
    Ok(arn)
}

/// Checks that a recorded job is the round's: of this execution, and created for the records that
/// the round has. Otherwise its answers would be joined to the rows of other records.
fn check_recorded(
    round: &RoundFolder,
    recorded: &CreatedJob,
    name: &str,
    input_etag: Option<&str>,
) -> Result<(), StepError> {
    let at = round.job();
    if recorded.name != name {
        return Err(StepError::inconsistent(format!(
            "{at} names job {}, and the job of this round is {name}: another execution has written into the run's \
             folder; start the run under another name",
            recorded.name
        )));
    }
    let etags = recorded.input_etag.as_deref().zip(input_etag);
    if let Some((then, now)) = etags
        && then != now
    {
        return Err(StepError::inconsistent(format!(
            "job {name} was created for records with the ETag {then}, and {} has {now} by {}: the records were \
             written again; start the run under another name",
            round.input(),
            round.asked()
        )));
    }
    Ok(())
}

fn new_job(
    plan: &Plan,
    settings: &Settings,
    names: &JobNames,
    round: &RoundFolder,
) -> Result<NewJob, StepError> {
    Ok(NewJob {
        name: names.name(round),
        token: names.token(round),
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
        converse: quarry_asking::converse(settings).map_err(StepError::bad_request)?,
        tags: vec![("quarry:run".to_owned(), tag_value(&plan.execution))],
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
