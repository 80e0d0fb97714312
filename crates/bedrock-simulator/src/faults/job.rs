//! Faults of whole jobs, and of the calls that create and read them.

use super::defaults::{is_default, once};
use crate::status::Status;
use serde::{Deserialize, Serialize};

/// What goes wrong with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobFaultKind {
    /// The job ends as the fault says.
    End,
    /// The job's creation is throttled.
    ThrottleCreate,
    /// The job's creation exceeds the quota.
    QuotaCreate,
    /// The job is created, but the response is lost.
    LostCreateResponse,
    /// Reading the job is throttled.
    ThrottleGet,
}

impl JobFaultKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::End,
        Self::ThrottleCreate,
        Self::QuotaCreate,
        Self::LostCreateResponse,
        Self::ThrottleGet,
    ];
}

/// A fault of some jobs. Exactly one of `job` and `every_job` is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFault {
    /// The number of the job, in the order of creation, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<u64>,
    /// The fault strikes every `every_job`-th job, beginning with number `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_job: Option<u64>,
    /// The first job with `every_job`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset: u64,
    /// The scripted faults.
    pub kind: JobFaultKind,
    /// The terminal status, with `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The share of the records in the output, with `end`; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<f64>,
    /// The job's message, with `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether the connection breaks, with `lost_create_response`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut: bool,
    /// The number of calls that the fault strikes, from the first; 1 when absent.
    #[serde(default = "once")]
    pub times: u64,
}

impl JobFault {
    /// Returns a fault of the `job`-th job (from 0), once.
    pub fn of_job(job: u64, kind: JobFaultKind) -> Self {
        Self {
            job: Some(job),
            every_job: None,
            offset: 0,
            kind,
            status: None,
            answered: None,
            message: None,
            cut: false,
            times: 1,
        }
    }

    /// Returns a fault that ends the `job`-th job as `status`, with the share `answered` of its
    /// records in the output.
    pub fn end(job: u64, status: Status, answered: f64) -> Self {
        Self {
            status: Some(status),
            answered: Some(answered),
            ..Self::of_job(job, JobFaultKind::End)
        }
    }
}
