//! The configuration of a simulator.

use crate::answer::AnswerSource;
use crate::faults::Faults;
use crate::status::Status;
use aws_sdk_s3::Client;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Returns the current time since 1970-01-01T00:00:00Z. Virtual time is a clock like any other.
pub type Now = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Receives the events, in the order in which they happen.
pub type EventSink = Arc<dyn Fn(&SimulatorEvent) + Send + Sync>;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimulatorEvent {
    /// A job was created.
    JobCreated {
        /// Its ARN.
        arn: String,
        /// Its name.
        name: String,
    },
    /// A job reached a terminal status; its output, if it has one, is in S3.
    JobEnded {
        /// Its ARN.
        arn: String,
        /// The terminal status.
        status: Status,
        /// Records with an answer or an error in the output.
        processed: u64,
    },
    /// A record was sent on demand and answered.
    Invoked {
        /// The record's id, if a batch job had the same prompt before.
        record_id: Option<String>,
    },
}

/// A simulator's configuration.
#[derive(Clone)]
pub struct SimulatorConfig {
    /// Reads inputs and writes outputs; its endpoint can be any S3 server.
    pub s3: Client,
    /// The clock.
    pub now: Now,
    /// The address to listen on; port 0 is any free port.
    pub listen: SocketAddr,
    /// The account in ARNs, 12 digits.
    pub account: String,
    /// The Region in ARNs.
    pub region: String,
    /// The quotas.
    pub limits: Limits,
    /// The duration of each status.
    pub schedule: Schedule,
    /// The source of the model's answers.
    pub answers: AnswerSource,
    /// The scripted faults.
    pub faults: Faults,
    /// Receives the events.
    pub observer: Option<EventSink>,
}

impl SimulatorConfig {
    /// Uses the service's default quotas, the default schedule, answers from the schema, and no
    /// faults, and listens on a free port of 127.0.0.1.
    pub fn new(s3: Client, now: Now) -> Self {
        Self {
            s3,
            now,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            limits: Limits::default(),
            schedule: Schedule::default(),
            answers: AnswerSource::default(),
            faults: Faults::default(),
            observer: None,
        }
    }
}

impl fmt::Debug for SimulatorConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SimulatorConfig")
            .field("listen", &self.listen)
            .field("account", &self.account)
            .field("region", &self.region)
            .field("limits", &self.limits)
            .field("schedule", &self.schedule)
            .field("answers", &self.answers)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// The quotas of batch inference ("Quotas for Amazon Bedrock", batch inference).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The fewest records in a job.
    pub min_records_per_job: u64,
    /// The most records in one input file.
    pub max_records_per_file: u64,
    /// The most records in a job.
    pub max_records_per_job: u64,
    /// The largest input file, bytes.
    pub max_file_bytes: u64,
    /// The largest sum of a job's input files, bytes.
    pub max_job_bytes: u64,
    /// The most jobs of one model that have not ended, whatever profiles they name. The published
    /// default is 100 in some accounts and 20 in others; a run that keeps to 20 works in both.
    pub jobs_in_flight_per_model: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            min_records_per_job: 100,
            max_records_per_file: 50_000,
            max_records_per_job: 50_000,
            max_file_bytes: 1 << 30,
            max_job_bytes: 5 << 30,
            jobs_in_flight_per_model: 20,
        }
    }
}

/// How long a job stays in each status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// `Submitted`, seconds.
    pub submitted_seconds: u64,
    /// `Validating`, seconds.
    pub validating_seconds: u64,
    /// `Scheduled`, seconds.
    pub scheduled_seconds: u64,
    /// `InProgress` apart from the time for the records, seconds.
    pub processing_seconds: u64,
    /// `InProgress` for each record, milliseconds.
    pub record_milliseconds: u64,
    /// `Stopping`, seconds.
    pub stopping_seconds: u64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            submitted_seconds: 60,
            validating_seconds: 180,
            scheduled_seconds: 600,
            processing_seconds: 1_200,
            record_milliseconds: 20,
            stopping_seconds: 60,
        }
    }
}

impl Schedule {
    /// Gives every status this many seconds, however many records a job has.
    pub fn even(seconds: u64) -> Self {
        Self {
            submitted_seconds: seconds,
            validating_seconds: seconds,
            scheduled_seconds: seconds,
            processing_seconds: seconds,
            record_milliseconds: 0,
            stopping_seconds: seconds,
        }
    }

    pub(crate) fn submitted(&self) -> Duration {
        Duration::from_secs(self.submitted_seconds)
    }

    /// Returns the time from submission to the end of validation.
    pub(crate) fn validated(&self) -> Duration {
        self.submitted() + Duration::from_secs(self.validating_seconds)
    }

    /// Returns the time from submission to the start of the work.
    pub(crate) fn started(&self) -> Duration {
        self.validated() + Duration::from_secs(self.scheduled_seconds)
    }

    /// Returns the time from the start of the work to its end.
    pub(crate) fn processing(&self, records: u64) -> Duration {
        Duration::from_secs(self.processing_seconds)
            + Duration::from_millis(self.record_milliseconds.saturating_mul(records))
    }

    pub(crate) fn stopping(&self) -> Duration {
        Duration::from_secs(self.stopping_seconds)
    }
}
