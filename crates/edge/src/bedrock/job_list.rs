//! The list of batch jobs: its pages, and how far each job is.

use super::control_plane;
use crate::error::StepError;
use crate::failure::Failure;
use crate::jobs::{JobList, JobStatus, JobsError, ListedJob};
use crate::signed::{SignedCalls, encoded, read_json};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::{DateTimeParseError, Format};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::time::Duration;

/// The most jobs in one response (`ListModelInvocationJobs`, `maxResults`).
pub(super) const LARGEST_PAGE: i32 = 1_000;

const LIST: &str = "ListModelInvocationJobs";

/// A time since 1970-01-01T00:00:00Z. The service writes it as ISO 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Time(pub(super) Duration);

impl TryFrom<String> for Time {
    type Error = DateTimeParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let time = DateTime::from_str(&text, Format::DateTimeWithOffset)?;
        let seconds = u64::try_from(time.secs()).unwrap_or_default();
        Ok(Self(Duration::new(seconds, time.subsec_nanos())))
    }
}

/// The pages of a list of jobs.
pub(super) struct JobPages {
    query: String,
    /// The tokens of the pages so far. A token that comes again would never end.
    tokens: HashSet<String>,
    next: Option<String>,
    done: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
struct JobPage<T> {
    invocation_job_summaries: Option<Vec<T>>,
    next_token: Option<String>,
}

impl JobPages {
    /// Lists the jobs whose names contain `name`. `more` are further members of the query.
    pub(super) fn new(name: &str, more: &str) -> Self {
        Self {
            query: format!("nameContains={}&{more}", encoded(name)),
            tokens: HashSet::new(),
            next: None,
            done: false,
        }
    }

    /// Returns the path of the next page, if there is one.
    pub(super) fn path(&self) -> Option<String> {
        if self.done {
            return None;
        }
        let mut path = format!("/model-invocation-jobs?{}", self.query);
        if let Some(token) = &self.next {
            path.push_str("&nextToken=");
            path.push_str(&encoded(token));
        }
        Some(path)
    }

    /// Reads the jobs of a page, and turns to the next one.
    pub(super) fn read<T: DeserializeOwned>(&mut self, response: &[u8]) -> Result<Vec<T>, Failure> {
        let page: JobPage<T> = read_json(LIST, response)?;
        self.turn(page.next_token)?;
        Ok(page.invocation_job_summaries.unwrap_or_default())
    }

    fn turn(&mut self, next: Option<String>) -> Result<(), Failure> {
        self.next = next.filter(|token| !token.is_empty());
        self.done = self.next.is_none();
        match &self.next {
            Some(token) if !self.tokens.insert(token.clone()) => {
                Err(Failure::not_understood(LIST, "its pages do not end"))
            }
            _ => Ok(()),
        }
    }
}

/// [`JobList`] of the Region that the SDK configuration names.
#[derive(Debug, Clone)]
pub struct BedrockJobList {
    calls: SignedCalls,
}

impl BedrockJobList {
    /// Lists jobs of the configuration's Region and account.
    pub fn new(config: &SdkConfig) -> Result<Self, StepError> {
        Ok(Self {
            calls: control_plane(config)?,
        })
    }
}

/// A job in the list (`ModelInvocationJobSummary`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobLine {
    job_arn: String,
    #[serde(default)]
    job_name: String,
    status: Option<JobStatus>,
    job_expiration_time: Option<Time>,
    total_record_count: Option<u64>,
    processed_record_count: Option<u64>,
    error_record_count: Option<u64>,
}

impl From<JobLine> for ListedJob {
    fn from(job: JobLine) -> Self {
        Self {
            arn: job.job_arn,
            name: job.job_name,
            status: job.status.unwrap_or(JobStatus::Unknown),
            expires: job.job_expiration_time.map(|time| time.0),
            records: job.total_record_count,
            processed: job.processed_record_count,
            errors: job.error_record_count,
        }
    }
}

#[async_trait]
impl JobList for BedrockJobList {
    async fn begun(&self, prefix: &str) -> Result<Vec<ListedJob>, JobsError> {
        let mut pages = JobPages::new(prefix, &format!("maxResults={LARGEST_PAGE}"));
        let mut jobs = Vec::new();
        while let Some(path) = pages.path() {
            let response = self.calls.get("ListModelInvocationJobs", &path).await?;
            let found = pages.read::<JobLine>(&response)?;
            jobs.extend(found.into_iter().map(ListedJob::from));
        }
        // The service filters by any part of the name.
        jobs.retain(|job: &ListedJob| job.name.starts_with(prefix));
        Ok(jobs)
    }
}
