//! Batch jobs: `CreateModelInvocationJob` and the related operations.

use crate::failure::{Failure, Kind};
use crate::jobs::{BatchJobs, Job, JobCounts, JobStatus, JobsError, NewJob};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_bedrock::Client;
use aws_sdk_bedrock::types::{
    ModelInvocationJobInputDataConfig, ModelInvocationJobOutputDataConfig,
    ModelInvocationJobS3InputDataConfig, ModelInvocationJobS3OutputDataConfig,
    ModelInvocationJobStatus, ModelInvocationJobSummary, ModelInvocationType, S3InputFormat,
    SortJobsBy, SortOrder, Tag,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;
use quarry_contract::location::S3Uri;
use std::error::Error as StdError;
use std::time::Duration;

/// The most jobs in one response (`ListModelInvocationJobs`, `maxResults`).
const LARGEST_PAGE: i32 = 1_000;

/// [`BatchJobs`] of the Region that the SDK configuration names.
#[derive(Debug, Clone)]
pub struct BedrockJobs {
    client: Client,
}

impl BedrockJobs {
    /// Uses jobs of the configuration's Region and account.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    /// Returns the newest job with exactly this name. The service filters only by a part of the
    /// name.
    async fn find_summary(
        &self,
        name: &str,
    ) -> Result<Option<ModelInvocationJobSummary>, JobsError> {
        let mut pages = self
            .client
            .list_model_invocation_jobs()
            .name_contains(name)
            .sort_by(SortJobsBy::CreationTime)
            .sort_order(SortOrder::Descending)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| jobs_error(&error))?;
            let summaries = page.invocation_job_summaries.unwrap_or_default();
            if let Some(summary) = summaries.into_iter().find(|job| job.job_name == name) {
                return Ok(Some(summary));
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl BatchJobs for BedrockJobs {
    /// Creates the job. If the name is in use, the existing job is checked: if it reads the same
    /// input and writes to the same output, it is the requested one (the response to its creation
    /// was lost), whatever its token.
    async fn create(&self, job: &NewJob) -> Result<String, JobsError> {
        let invocation_type = if job.converse {
            ModelInvocationType::Converse
        } else {
            ModelInvocationType::InvokeModel
        };
        let tags = job
            .tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(not_built)?;
        let result = self
            .client
            .create_model_invocation_job()
            .job_name(&job.name)
            .client_request_token(&job.token)
            .role_arn(&job.role_arn)
            .model_id(&job.model_id)
            .model_invocation_type(invocation_type)
            .input_data_config(input_config(job)?)
            .output_data_config(output_config(job)?)
            .timeout_duration_in_hours(job.timeout_hours)
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
            .send()
            .await;
        match result {
            Ok(created) => Ok(created.job_arn),
            Err(error) => match jobs_error(&error) {
                JobsError::Conflict(conflict) => match self.find_summary(&job.name).await? {
                    Some(found) if is_same(&found, job) => Ok(found.job_arn),
                    _ => Err(JobsError::Conflict(conflict)),
                },
                other => Err(other),
            },
        }
    }

    async fn get(&self, arn: &str) -> Result<Job, JobsError> {
        let job = self
            .client
            .get_model_invocation_job()
            .job_identifier(arn)
            .send()
            .await
            .map_err(|error| jobs_error(&error))?;
        let status = status(job.status.as_ref());
        Ok(Job {
            arn: job.job_arn,
            status,
            message: job.message.unwrap_or_default(),
            submitted: since_epoch(job.submit_time),
            ended: ended(status, job.end_time, job.last_modified_time),
            counts: counts(job.success_record_count, job.error_record_count),
        })
    }

    async fn named(&self, prefix: &str) -> Result<Vec<Job>, JobsError> {
        let mut pages = self
            .client
            .list_model_invocation_jobs()
            .name_contains(prefix)
            .max_results(LARGEST_PAGE)
            .into_paginator()
            .send();
        let mut jobs = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| jobs_error(&error))?;
            let summaries = page.invocation_job_summaries.unwrap_or_default();
            jobs.extend(
                summaries
                    .into_iter()
                    .filter(|found| found.job_name.starts_with(prefix))
                    .map(job),
            );
        }
        Ok(jobs)
    }

    /// Stops the job. The service refuses to stop a job that has ended or is being stopped; that is
    /// not a failure.
    async fn stop(&self, arn: &str) -> Result<(), JobsError> {
        let stopped = self
            .client
            .stop_model_invocation_job()
            .job_identifier(arn)
            .send()
            .await;
        let Err(error) = stopped else { return Ok(()) };
        match jobs_error(&error) {
            refused @ (JobsError::Conflict(_) | JobsError::Invalid(_)) => {
                let status = self.get(arn).await?.status;
                if status.is_terminal() || status == JobStatus::Stopping {
                    Ok(())
                } else {
                    Err(refused)
                }
            }
            other => Err(other),
        }
    }
}

fn job(summary: ModelInvocationJobSummary) -> Job {
    let status = status(summary.status.as_ref());
    Job {
        arn: summary.job_arn,
        status,
        message: summary.message.unwrap_or_default(),
        submitted: since_epoch(summary.submit_time),
        ended: ended(status, summary.end_time, summary.last_modified_time),
        counts: None,
    }
}

/// Returns when a job ended, which is the time of its last change. The `endTime` of an expired job
/// is minutes after its submission, a day or more before it expired.
fn ended(
    status: JobStatus,
    end_time: Option<DateTime>,
    last_modified: Option<DateTime>,
) -> Option<Duration> {
    let last = end_time
        .map(since_epoch)
        .max(last_modified.map(since_epoch));
    last.filter(|_| status.is_terminal())
}

/// Returns the service's counts, if it has both.
fn counts(answers: Option<i64>, errors: Option<i64>) -> Option<JobCounts> {
    Some(JobCounts {
        answers: u64::try_from(answers?).ok()?,
        errors: u64::try_from(errors?).ok()?,
    })
}

fn input_config(job: &NewJob) -> Result<ModelInvocationJobInputDataConfig, JobsError> {
    ModelInvocationJobS3InputDataConfig::builder()
        .s3_uri(job.input.to_string())
        .s3_input_format(S3InputFormat::Jsonl)
        .build()
        .map(ModelInvocationJobInputDataConfig::S3InputDataConfig)
        .map_err(not_built)
}

fn output_config(job: &NewJob) -> Result<ModelInvocationJobOutputDataConfig, JobsError> {
    ModelInvocationJobS3OutputDataConfig::builder()
        .s3_uri(job.output.to_string())
        .set_s3_encryption_key_id(job.output_kms_key.clone())
        .build()
        .map(ModelInvocationJobOutputDataConfig::S3OutputDataConfig)
        .map_err(not_built)
}

fn is_same(found: &ModelInvocationJobSummary, job: &NewJob) -> bool {
    let input = found
        .input_data_config
        .as_ref()
        .and_then(|config| config.as_s3_input_data_config().ok())
        .map(|config| config.s3_uri.as_str());
    let output = found
        .output_data_config
        .as_ref()
        .and_then(|config| config.as_s3_output_data_config().ok())
        .map(|config| config.s3_uri.as_str());
    let is_at = |found: Option<&str>, uri: &S3Uri| {
        let uri = uri.to_string();
        found.is_some_and(|found| found.trim_end_matches('/') == uri.trim_end_matches('/'))
    };
    is_at(input, &job.input) && is_at(output, &job.output)
}

fn status(status: Option<&ModelInvocationJobStatus>) -> JobStatus {
    match status {
        Some(ModelInvocationJobStatus::Submitted) => JobStatus::Submitted,
        Some(ModelInvocationJobStatus::Validating) => JobStatus::Validating,
        Some(ModelInvocationJobStatus::Scheduled) => JobStatus::Scheduled,
        Some(ModelInvocationJobStatus::InProgress) => JobStatus::InProgress,
        Some(ModelInvocationJobStatus::Completed) => JobStatus::Completed,
        Some(ModelInvocationJobStatus::PartiallyCompleted) => JobStatus::PartiallyCompleted,
        Some(ModelInvocationJobStatus::Failed) => JobStatus::Failed,
        Some(ModelInvocationJobStatus::Stopping) => JobStatus::Stopping,
        Some(ModelInvocationJobStatus::Stopped) => JobStatus::Stopped,
        Some(ModelInvocationJobStatus::Expired) => JobStatus::Expired,
        _ => JobStatus::Unknown,
    }
}

fn since_epoch(time: DateTime) -> Duration {
    let seconds = u64::try_from(time.secs()).unwrap_or_default();
    Duration::new(seconds, time.subsec_nanos())
}

/// Whether the service refuses a job's name because another job has it. Operations other than
/// `CreateModelInvocationJob` say so in a `ValidationException`.
fn says_name_in_use(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("job name") && message.contains("in use")
}

fn not_built(error: BuildError) -> JobsError {
    JobsError::Invalid(Box::new(error))
}

fn jobs_error<E>(error: &SdkError<E, HttpResponse>) -> JobsError
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let failure = Failure::new(error);
    if let Some(denial) = failure.denial() {
        return JobsError::Denied {
            denial,
            source: Box::new(failure),
        };
    }
    match failure.kind {
        Kind::Invalid if says_name_in_use(&failure.message) => {
            JobsError::Conflict(Box::new(failure))
        }
        Kind::Throttled => JobsError::Throttled(Box::new(failure)),
        Kind::Quota => JobsError::Quota(Box::new(failure)),
        Kind::Conflict => JobsError::Conflict(Box::new(failure)),
        Kind::NotFound => JobsError::NotFound(Box::new(failure)),
        Kind::AccessDenied => JobsError::AccessDenied(Box::new(failure)),
        Kind::Invalid => JobsError::Invalid(Box::new(failure)),
        Kind::Model | Kind::Unavailable => JobsError::Unavailable(Box::new(failure)),
    }
}
