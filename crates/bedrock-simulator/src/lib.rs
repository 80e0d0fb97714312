//! A simulator of Amazon Bedrock that speaks the service's HTTP API.
//!
//! The batch operations (`CreateModelInvocationJob`, `GetModelInvocationJob`,
//! `ListModelInvocationJobs`, `StopModelInvocationJob`) and the on-demand operations
//! (`InvokeModel`, `Converse`) answer on a port of their own in the protocol of the service (restJson),
//! so that the AWS SDK's clients are used unchanged. Inputs are read from, and outputs written to,
//! any S3 endpoint.
//!
//! It is meant to be at least as strict and as real as the service. Names, tokens and locations have
//! to match the service's patterns, jobs have to keep the quotas, and what a model refuses is refused
//! in the service's words: at creation, on demand, or as the error line of a record. Which model
//! takes what stands in `models.json`, a list of the simulator's own. What is written (lines,
//! manifests, lists, times) has the members of recorded artefacts of the service. Time is the
//! caller's: jobs move through their statuses as the given clock says, and the work is done when a
//! request first sees that its time has come.
//!
//! What the "model" answers comes from the JSON Schema in the request ([`AnswerSource::FromSchema`])
//! or from given answers ([`AnswerSource::Given`]); what goes wrong is scripted ([`Faults`]). Both
//! are deterministic: the same calls get the same answers.
//!
//! Not simulated: permissions, encryption, VPCs, provisioned throughput, guardrails' rules, streaming
//! responses, and request bodies of other families than Claude, Nova, Titan and Cohere embeddings,
//! Llama, and chat completions.

mod answer;
mod api;
mod body;
mod config;
mod faults;
mod given;
mod hash;
mod job;
mod ledger;
mod models;
mod pattern;
mod question;
mod record;
mod reply;
mod rules;
mod schema;
mod server;
mod service;
mod status;
mod storage;
mod work;

pub use answer::AnswerSource;
pub use config::{EventSink, Limits, Now, Schedule, SimulatorConfig, SimulatorEvent};
pub use faults::{
    CallFault, CallFaultKind, FaultDate, FaultTier, Faults, FaultsError, JobFault, JobFaultKind,
    NameInUse, Operation, RecordFault, RecordFaultKind,
};
pub use given::{GivenAnswer, GivenError, parse_given};
pub use ledger::{Counters, RecordAsks};
pub use models::{Feature, ModelChange};
pub use server::{Running, Simulator, SimulatorStartError};
pub use status::Status;
