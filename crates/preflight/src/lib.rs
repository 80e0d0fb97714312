//! Finding what would fail in a deployment before anything is paid for.
//!
//! A [`Subject`] is a deployment, with a request if there is one. It says which facts about the AWS
//! account it needs ([`Subject::questions`], [`Subject::permissions`]) and judges the [`Facts`]
//! that the caller has read. A fact that could not be read is a finding of its own and is never
//! ignored.
//!
//! Limits: the policies of buckets, of the organisation and of the functions' own roles are not
//! checked, and no job is created. So a run may still fail without a finding here.

mod checks;
mod deployment;
mod facts;
mod finding;
mod policy;
mod subject;

pub use deployment::{Deployment, DeploymentStage, PARAMETERS, Parameters};
pub use facts::{
    Access, AccessOutcome, Agreement, Bucket, BucketKey, Concurrency, Decision, EncryptionKey,
    Fact, Facts, Model, ModelFacts, Permission, Profile, Questions, Quota, Role, Rule, Why,
};
pub use finding::{Finding, Severity};
pub use subject::{AskedModel, ModelKind, Subject};
