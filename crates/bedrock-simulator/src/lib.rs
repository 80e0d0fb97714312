//! A simulator of Amazon Bedrock that speaks the service's HTTP API.
//!
//! The batch operations (`CreateModelInvocationJob`, `GetModelInvocationJob`,
//! `ListModelInvocationJobs`, `StopModelInvocationJob`) and the on-demand operations
//! (`InvokeModel`, `Converse`) answer on a port of their own in the protocol of the service (restJson),
//! so that the AWS SDK's clients are used unchanged. Inputs are read from, and outputs written to,
//! any S3 endpoint.
//!
//! It is meant to be at least as strict as the service: names, tokens and locations have to match
//! the service's patterns, jobs have to keep the quotas, and records whose body the model would
//! refuse become error lines. Time is the caller's: jobs move through their statuses as the given
//! clock says, and the work is done when a request first sees that its time has come.
//!
//! What the "model" answers comes from the JSON Schema in the request ([`AnswerSource::FromSchema`])
//! or from given answers ([`AnswerSource::Given`]); what goes wrong is scripted ([`Faults`]). Both
//! are deterministic: the same calls get the same answers.
//!
//! Not simulated: regions, permissions, encryption, VPCs, provisioned throughput, guardrails,
//! streaming responses, and other models' request bodies beyond the families in [`Family`].

mod answer;
mod api;
mod body;
mod config;
mod faults;
mod given;
mod hash;
mod job;
mod ledger;
mod pattern;
mod question;
mod record;
mod reply;
mod rules;
mod schema;
mod server;
mod service;
mod storage;
mod work;

pub use answer::AnswerSource;
pub use config::{Event, EventSink, Limits, Now, Schedule, SimulatorConfig};
pub use faults::{
    CallFault, CallFaultKind, Faults, FaultsError, JobFault, JobFaultKind, Operation, RecordFault,
    RecordFaultKind,
};
pub use given::{GivenAnswer, GivenError, parse_given};
pub use job::Status;
pub use ledger::{Counters, RecordAsks};
pub use question::Family;
pub use server::{Running, Simulator, StartError};
