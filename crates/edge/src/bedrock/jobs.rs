//! Batch jobs: `CreateModelInvocationJob` and the related operations.

use super::control_plane;
use super::job_list::{JobPages, LARGEST_PAGE, Time};
use crate::error::StepError;
use crate::failure::{Failure, Kind};
use crate::jobs::{BatchJobs, Job, JobCounts, JobStatus, JobsError, LiveJob, NewJob};
use crate::signed::{SignedCalls, encoded, read_json};
use async_trait::async_trait;
use aws_config::SdkConfig;
use quarry_contract::location::S3Uri;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The statuses of a job that is at work or will be.
const LIVE: [&str; 4] = ["Submitted", "Validating", "Scheduled", "InProgress"];

/// [`BatchJobs`] of the Region that the SDK configuration names.
#[derive(Debug, Clone)]
pub struct BedrockJobs {
    calls: SignedCalls,
}

/// A job as the service describes it, alone or in a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownJob {
    job_arn: String,
    #[serde(default)]
    job_name: String,
    status: Option<JobStatus>,
    message: Option<String>,
    submit_time: Option<Time>,
    last_modified_time: Option<Time>,
    end_time: Option<Time>,
    input_data_config: Option<InputDataConfig>,
    output_data_config: Option<OutputDataConfig>,
    success_record_count: Option<u64>,
    error_record_count: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputDataConfig {
    s3_input_data_config: Option<Place>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutputDataConfig {
    s3_output_data_config: Option<Place>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    s3_uri: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    job_arn: String,
}

impl BedrockJobs {
    /// Uses jobs of the configuration's Region and account.
    pub fn new(config: &SdkConfig) -> Result<Self, StepError> {
        Ok(Self {
            calls: control_plane(config)?,
        })
    }

    /// Returns the newest job with exactly this name. The service filters only by a part of the
    /// name.
    async fn newest(&self, name: &str) -> Result<Option<ShownJob>, JobsError> {
        let mut pages = JobPages::new(name, "sortBy=CreationTime&sortOrder=Descending");
        while let Some(jobs) = self.page(&mut pages).await? {
            if let Some(found) = jobs.into_iter().find(|job| job.job_name == name) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn page(&self, pages: &mut JobPages) -> Result<Option<Vec<ShownJob>>, Failure> {
        let Some(path) = pages.path() else {
            return Ok(None);
        };
        let response = self.calls.get("ListModelInvocationJobs", &path).await?;
        pages.read(&response).map(Some)
    }

    async fn ask_for(&self, job: &NewJob) -> Result<String, Failure> {
        let path = "/model-invocation-job";
        let body = creation(job).to_string();
        let response = self
            .calls
            .post_to("CreateModelInvocationJob", path, body)
            .await?;
        let created: Creation = read_json("CreateModelInvocationJob", &response)?;
        Ok(created.job_arn)
    }
}

#[async_trait]
impl BatchJobs for BedrockJobs {
    /// Creates the job. If the name is in use, the existing job is checked: if it reads the same
    /// input and writes to the same output, it is the requested one (the response to its creation
    /// was lost), whatever its token. If no job of the name is listed yet, a later call can tell.
    async fn create(&self, job: &NewJob) -> Result<String, JobsError> {
        match self.ask_for(job).await.map_err(JobsError::from) {
            Err(JobsError::Conflict(conflict)) => match self.newest(&job.name).await? {
                Some(found) if is_same(&found, job) => Ok(found.job_arn),
                Some(_) => Err(JobsError::Conflict(conflict)),
                None => Err(JobsError::Unavailable(conflict)),
            },
            created => created,
        }
    }

    async fn get(&self, arn: &str) -> Result<Job, JobsError> {
        let path = format!("/model-invocation-job/{}", encoded(arn));
        let response = self.calls.get("GetModelInvocationJob", &path).await?;
        let shown: ShownJob = read_json("GetModelInvocationJob", &response)?;
        Ok(shown.into())
    }

    async fn named(&self, prefix: &str) -> Result<Vec<Job>, JobsError> {
        let mut pages = JobPages::new(prefix, &format!("maxResults={LARGEST_PAGE}"));
        let mut jobs = Vec::new();
        while let Some(shown) = self.page(&mut pages).await? {
            jobs.extend(
                shown
                    .into_iter()
                    .filter(|found| found.job_name.starts_with(prefix))
                    .map(Job::from),
            );
        }
        Ok(jobs)
    }

    async fn find(&self, job: &NewJob) -> Result<Option<String>, JobsError> {
        match self.newest(&job.name).await? {
            Some(found) if is_same(&found, job) => Ok(Some(found.job_arn)),
            Some(found) => {
                let text = format!("{} has this name and other objects", found.job_arn);
                Err(JobsError::Conflict(text.into()))
            }
            None => Ok(None),
        }
    }

    /// The service filters by one status for each list.
    async fn live(&self, prefix: &str) -> Result<Vec<LiveJob>, JobsError> {
        let mut live: BTreeMap<String, LiveJob> = BTreeMap::new();
        for status in LIVE {
            let more = format!("maxResults={LARGEST_PAGE}&statusEquals={status}");
            let mut pages = JobPages::new(prefix, &more);
            while let Some(shown) = self.page(&mut pages).await? {
                // A job can move on to the next status between two lists.
                let found = shown.into_iter().filter_map(ShownJob::into_live);
                live.extend(
                    found
                        .filter(|job| job.name.starts_with(prefix))
                        .map(|job| (job.arn.clone(), job)),
                );
            }
        }
        Ok(live.into_values().collect())
    }

    /// Stops the job. The service refuses to stop a job that has ended or is being stopped; that is
    /// not a failure.
    async fn stop(&self, arn: &str) -> Result<(), JobsError> {
        let path = format!("/model-invocation-job/{}/stop", encoded(arn));
        let stopped = self
            .calls
            .post_to("StopModelInvocationJob", &path, String::new())
            .await;
        let Err(failure) = stopped else { return Ok(()) };
        match failure.into() {
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

impl ShownJob {
    /// Returns what is known of a live job; `None` for one whose input is not an S3 location.
    fn into_live(self) -> Option<LiveJob> {
        let input = self.input_data_config?.s3_input_data_config?;
        Some(LiveJob {
            arn: self.job_arn,
            name: self.job_name,
            input: input.s3_uri.parse().ok()?,
        })
    }
}

impl From<ShownJob> for Job {
    fn from(shown: ShownJob) -> Self {
        let status = shown.status.unwrap_or(JobStatus::Unknown);
        // A job ends with its last change. The `endTime` of an expired job is minutes after its
        // submission, a day or more before it expired.
        let last = shown.end_time.max(shown.last_modified_time);
        Self {
            arn: shown.job_arn,
            status,
            message: shown.message.unwrap_or_default(),
            submitted: shown.submit_time.map(|time| time.0).unwrap_or_default(),
            counts: counts(shown.success_record_count, shown.error_record_count),
            ended: last.filter(|_| status.is_terminal()).map(|time| time.0),
        }
    }
}

/// Returns the body of `CreateModelInvocationJob`.
fn creation(job: &NewJob) -> Value {
    let mut output = json!({"s3Uri": job.output.to_string()});
    if let Some(key) = &job.output_kms_key {
        output["s3EncryptionKeyId"] = json!(key);
    }
    let mut body = json!({
        "jobName": job.name,
        "clientRequestToken": job.token,
        "roleArn": job.role_arn,
        "modelId": job.model_id,
        "modelInvocationType": if job.converse { "Converse" } else { "InvokeModel" },
        "inputDataConfig": {
            "s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": job.input.to_string()},
        },
        "outputDataConfig": {"s3OutputDataConfig": output},
        "timeoutDurationInHours": job.timeout_hours,
    });
    if !job.tags.is_empty() {
        let tags = job.tags.iter();
        body["tags"] = tags
            .map(|(key, value)| json!({"key": key, "value": value}))
            .collect();
    }
    body
}

/// Returns the service's counts, if it has both.
fn counts(answers: Option<u64>, errors: Option<u64>) -> Option<JobCounts> {
    Some(JobCounts {
        answers: answers?,
        errors: errors?,
    })
}

fn is_same(found: &ShownJob, job: &NewJob) -> bool {
    let input = found
        .input_data_config
        .as_ref()
        .and_then(|config| config.s3_input_data_config.as_ref());
    let output = found
        .output_data_config
        .as_ref()
        .and_then(|config| config.s3_output_data_config.as_ref());
    let is_at = |found: Option<&Place>, uri: &S3Uri| {
        let uri = uri.to_string();
        found.is_some_and(|found| found.s3_uri.trim_end_matches('/') == uri.trim_end_matches('/'))
    };
    is_at(input, &job.input) && is_at(output, &job.output)
}

/// Whether the service refuses a job's name because another job has it. Operations other than
/// `CreateModelInvocationJob` say so in a `ValidationException`.
fn says_name_in_use(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("job name") && message.contains("in use")
}

impl From<Failure> for JobsError {
    fn from(failure: Failure) -> Self {
        if let Some(denial) = failure.denial() {
            return Self::Denied {
                denial,
                source: Box::new(failure),
            };
        }
        match failure.kind {
            Kind::Invalid if says_name_in_use(&failure.message) => {
                Self::Conflict(Box::new(failure))
            }
            Kind::Throttled => Self::Throttled(Box::new(failure)),
            Kind::Quota => Self::Quota(Box::new(failure)),
            Kind::Conflict => Self::Conflict(Box::new(failure)),
            Kind::NotFound => Self::NotFound(Box::new(failure)),
            Kind::AccessDenied => Self::AccessDenied(Box::new(failure)),
            Kind::Invalid => Self::Invalid(Box::new(failure)),
            Kind::Model | Kind::Unavailable => Self::Unavailable(Box::new(failure)),
        }
    }
}
