//! A simulator of Amazon Bedrock that speaks the service's HTTP API.
//!
//! The batch operations (`CreateModelInvocationJob`, `GetModelInvocationJob`,
//! `ListModelInvocationJobs`, `StopModelInvocationJob`) and the on-demand operations
//! (`InvokeModel`, `Converse`, `CountTokens`) listen on a port of their own and use the service's protocol
//! (restJson), so the AWS SDK's clients work without a change. Inputs are read from any S3
//! endpoint, and outputs written to it.
//!
//! The simulator is meant to be at least as strict and as realistic as the service. Names, tokens
//! and locations must match the service's patterns, and jobs must keep the quotas. What a model
//! refuses is refused in the service's words: at creation, on demand, or as the error line of a
//! record. `models.json`, a list of the simulator's own, says which model accepts what. Everything
//! that is written (lines, manifests, lists, times) has the members of recorded artefacts of the
//! service. The caller gives the time: jobs change their status by the given clock, and their work
//! is done when a request first sees that it is due.
//!
//! The "model" makes its answers from the JSON Schema in the request ([`AnswerSource::FromSchema`])
//! or takes given ones ([`AnswerSource::Given`]). A script decides what goes wrong ([`Faults`]).
//! Both are deterministic: the same calls get the same answers.
//!
//! Not simulated: permissions, encryption, VPCs, provisioned throughput, guardrails' rules,
//! streaming responses, and the request bodies of families other than Claude, Nova, Titan and
//! Cohere embeddings, Llama, and chat completions.

mod answer;
mod api;
mod bill;
mod bodies;
mod body;
mod config;
mod faults;
mod given;
mod hash;
mod job;
mod known;
mod late;
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
mod share;
mod status;
mod storage;
mod token_counts;
mod tokens;
mod work;

pub use answer::AnswerSource;
pub use bill::{Bill, BillLine, BilledWay};
pub use config::{EventSink, Limits, Now, Schedule, SimulatorConfig, SimulatorEvent};
pub use faults::{
    CallFault, CallFaultKind, FaultDate, FaultTier, Faults, FaultsError, JobFault, JobFaultKind,
    NameInUse, Operation, RecordFault, RecordFaultKind,
};
pub use given::{GivenAnswer, GivenError, parse_given};
pub use ledger::{Counters, RecordAsks};
pub use models::{Feature, ModelChange};
pub use record::UnusedScript;
pub use server::{Running, Simulator, SimulatorStartError};
pub use status::Status;
