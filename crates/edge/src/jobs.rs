//! Bedrock batch jobs: create, read, find, stop.

use crate::error::{AwsError, Source, StepErrorKind};
use async_trait::async_trait;
use quarry_contract::location::S3Uri;
use quarry_model::Denial;
use std::time::Duration;

/// A job to create (`CreateModelInvocationJob`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// 1–63 of `[a-zA-Z0-9+.-]`, unique in the account.
    pub name: String,
    /// Same token, same job: a repeated call creates nothing.
    pub token: String,
    /// The service role.
    pub role_arn: String,
    /// Model id, profile id or ARN.
    pub model_id: String,
    /// The JSON Lines object.
    pub input: S3Uri,
    /// The prefix below which the job makes its own folder.
    pub output: S3Uri,
    /// KMS key for the output.
    pub output_kms_key: Option<String>,
    /// 24–168.
    pub timeout_hours: i32,
    /// Whether records hold `Converse` bodies instead of `InvokeModel` bodies.
    pub converse: bool,
    /// Tags, in order.
    pub tags: Vec<(String, String)>,
}

/// A job's status (`GetModelInvocationJob`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// Queued for validation.
    Submitted,
    /// Its files are being checked.
    Validating,
    /// Waits its turn.
    Scheduled,
    /// Being worked on.
    InProgress,
    /// Done; single records may have failed.
    Completed,
    /// Ran out of time; what was done is there.
    PartiallyCompleted,
    /// Failed; see the message.
    Failed,
    /// Being stopped.
    Stopping,
    /// Stopped; what was done is there.
    Stopped,
    /// Ran out of time before it began.
    Expired,
    /// A status this version does not know; treated as running.
    Unknown,
}

impl JobStatus {
    /// Whether the job will not change any more.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::PartiallyCompleted
                | Self::Failed
                | Self::Stopped
                | Self::Expired
        )
    }

    /// The service's name of the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "Submitted",
            Self::Validating => "Validating",
            Self::Scheduled => "Scheduled",
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::PartiallyCompleted => "PartiallyCompleted",
            Self::Failed => "Failed",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Expired => "Expired",
            Self::Unknown => "Unknown",
        }
    }
}

/// What the service says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its ARN.
    pub arn: String,
    /// Its status.
    pub status: JobStatus,
    /// The service's message, mostly of failures; empty when none.
    pub message: String,
    /// When it was submitted, since 1970-01-01T00:00:00Z.
    pub submitted: Duration,
    /// When it ended, if it did: its last change.
    pub ended: Option<Duration>,
}

/// What a failed call means to the caller.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// Too many calls.
    #[error("throttled")]
    Throttled(#[source] Source),
    /// All places for jobs of this model are taken.
    #[error("the quota of jobs in flight is used")]
    Quota(#[source] Source),
    /// A job of this name or token exists with other content, or is being changed, whichever
    /// exception says so.
    #[error("conflict with an existing job")]
    Conflict(#[source] Source),
    /// No such job, model or role.
    #[error("not found")]
    NotFound(#[source] Source),
    /// The role may not do this.
    #[error("access denied")]
    AccessDenied(#[source] Source),
    /// The service denies the model as such.
    #[error("the model is denied")]
    Denied {
        /// Why.
        denial: Denial,
        /// The service's answer.
        #[source]
        source: Source,
    },
    /// The request is not valid; the source says why.
    #[error("not valid")]
    Invalid(#[source] Source),
    /// No answer or an internal error.
    #[error("unavailable")]
    Unavailable(#[source] Source),
}

/// Batch jobs of one Region.
#[async_trait]
pub trait BatchJobs: Send + Sync {
    /// Creates a job; answers its ARN. The same name and token again answer the same ARN.
    async fn create(&self, job: &NewJob) -> Result<String, JobsError>;
    /// A job's status.
    async fn get(&self, arn: &str) -> Result<Job, JobsError>;
    /// All jobs whose names begin with `prefix`, which is itself a valid name, whatever their status.
    async fn named(&self, prefix: &str) -> Result<Vec<Job>, JobsError>;
    /// Asks for a stop. A job that has ended already is left as it is.
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
