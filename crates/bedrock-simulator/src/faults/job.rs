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
    /// The job has ended, but its output is not there yet, or only a part of it.
    LateOutput,
    /// The job has ended, but its manifest is not there yet.
    NoManifest,
    /// A list of jobs does not show the job yet.
    LateList,
}

impl JobFaultKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::End,
        Self::ThrottleCreate,
        Self::QuotaCreate,
        Self::LostCreateResponse,
        Self::ThrottleGet,
        Self::LateOutput,
        Self::NoManifest,
        Self::LateList,
    ];

    /// Whether the fault lasts for some minutes.
    pub(crate) fn is_late(self) -> bool {
        matches!(self, Self::LateOutput | Self::NoManifest | Self::LateList)
    }
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
    /// The share of the records in the output, with `end`; 1 when absent. With `late_output`, the
    /// share of the lines that are there at once; no object is there when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<f64>,
    /// The job's message, with `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How long something is late, with `late_output`, `no_manifest` and `late_list`. A manifest
    /// never comes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u64>,
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
            minutes: None,
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

    /// Returns a fault of the `job`-th job that makes something late by `minutes`.
    pub fn late(job: u64, kind: JobFaultKind, minutes: u64) -> Self {
        Self {
            minutes: Some(minutes),
            ..Self::of_job(job, kind)
        }
    }
}
