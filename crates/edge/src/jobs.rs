//! Bedrock batch jobs: create, read, find, stop.

use crate::error::{AwsError, Source, StepErrorKind};
use async_trait::async_trait;
pub use quarry_contract::job_status::JobStatus;
pub use quarry_contract::listed_job::ListedJob;
use quarry_contract::location::S3Uri;
pub use quarry_contract::plan::JobCounts;
use quarry_model::Denial;
use std::time::Duration;

/// A job to create (`CreateModelInvocationJob`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// 1–63 of `[a-zA-Z0-9+.-]`, unique in the account.
    pub name: String,
    /// A repeated call with the same token creates nothing.
    pub token: String,
    /// The service role.
    pub role_arn: String,
    /// Model id, profile id or ARN.
    pub model_id: String,
    /// The JSON Lines object with the records.
    pub input: S3Uri,
    /// The prefix below which the job creates its own folder.
    pub output: S3Uri,
    /// The KMS key for the output.
    pub output_kms_key: Option<String>,
    /// The time limit, 24–168 hours.
    pub timeout_hours: i32,
    /// Whether records hold `Converse` bodies; otherwise they hold `InvokeModel` bodies.
    pub converse: bool,
    /// Tags, in order.
    pub tags: Vec<(String, String)>,
}

/// The service's description of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its ARN.
    pub arn: String,
    /// Its status.
    pub status: JobStatus,
    /// The service's message, mostly about failures; may be empty.
    pub message: String,
    /// When it was submitted, since 1970-01-01T00:00:00Z.
    pub submitted: Duration,
    /// When it ended, if it did: the time of its last change.
    pub ended: Option<Duration>,
    /// How many of its records have an answer or an error, if the service says so. A list of jobs
    /// does not.
    pub counts: Option<JobCounts>,
}

/// A job that has not ended and is not being stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveJob {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The object with its records.
    pub input: S3Uri,
}

/// The jobs of one Region as a list.
#[async_trait]
pub trait JobList: Send + Sync {
    /// Returns all jobs whose names begin with `prefix`, whatever their status. `prefix` must itself
    /// be a valid name.
    async fn begun(&self, prefix: &str) -> Result<Vec<ListedJob>, JobsError>;
}

/// The meaning of a failed call for the caller.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// Too many calls.
    #[error("throttled")]
    Throttled(#[source] Source),
    /// This model has as many jobs in flight as the quota allows.
    #[error("the quota of jobs in flight is used")]
    Quota(#[source] Source),
    /// A job of this name or token exists with other content, or is being changed. Several
    /// exceptions have this meaning.
    #[error("conflict with an existing job")]
    Conflict(#[source] Source),
    /// The job, the model or the role does not exist.
    #[error("not found")]
    NotFound(#[source] Source),
    /// The role may not do this.
    #[error("access denied")]
    AccessDenied(#[source] Source),
    /// The service denies the model itself.
    #[error("the model is denied")]
    Denied {
        /// The reason.
        denial: Denial,
        /// The service's error.
        #[source]
        source: Source,
    },
    /// The request is not valid; the source says why.
    #[error("not valid")]
    Invalid(#[source] Source),
    /// There was no response, or an internal error.
    #[error("unavailable")]
    Unavailable(#[source] Source),
}

/// Batch jobs of one Region.
#[async_trait]
pub trait BatchJobs: Send + Sync {
    /// Creates a job. Returns its ARN, which is the same for a repeated name and token.
    async fn create(&self, job: &NewJob) -> Result<String, JobsError>;
    /// Returns a job's status.
    async fn get(&self, arn: &str) -> Result<Job, JobsError>;
    /// Returns all jobs whose names begin with `prefix`, whatever their status. `prefix` must
    /// itself be a valid name.
    async fn named(&self, prefix: &str) -> Result<Vec<Job>, JobsError>;
    /// Returns the ARN of the newest job of this name, whatever its token and its status; `None` if
    /// there is none, or none that is listed yet. If the job reads or writes other objects, the error is
    /// [`JobsError::Conflict`].
    async fn find(&self, job: &NewJob) -> Result<Option<String>, JobsError>;
    /// Returns the jobs whose names begin with `prefix`, a valid name, and that are still at work or
    /// will be.
    async fn live(&self, prefix: &str) -> Result<Vec<LiveJob>, JobsError>;
    /// Requests a stop. This has no effect on a job that has ended.
    async fn stop(&self, arn: &str) -> Result<(), JobsError>;
}

impl AwsError for JobsError {
    fn kind(&self) -> StepErrorKind {
        match self {
            Self::Throttled(_) => StepErrorKind::Throttled,
            Self::Quota(_) => StepErrorKind::QuotaExceeded,
            Self::NotFound(_) => StepErrorKind::NotFound,
            Self::AccessDenied(_) => StepErrorKind::AccessDenied,
            Self::Unavailable(_) => StepErrorKind::Unavailable,
            Self::Conflict(_) | Self::Denied { .. } | Self::Invalid(_) => StepErrorKind::Refused,
        }
    }
}
