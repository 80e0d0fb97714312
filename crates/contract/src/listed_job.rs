//! A batch job as a list shows it.

use crate::job_status::JobStatus;
use std::time::Duration;

/// A job in a list, with how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedJob {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: JobStatus,
    /// When it runs out of time, since 1970-01-01T00:00:00Z, if the service says so.
    pub expires: Option<Duration>,
    /// Its records, if the service has counted them.
    pub records: Option<u64>,
    /// Its records that the model has worked on, with an answer or an error.
    pub processed: Option<u64>,
    /// Its records with an error.
    pub errors: Option<u64>,
}
