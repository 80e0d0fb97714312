//! What would fail in a deployment, known before anything is paid for.
//!
//! [`Subject`] is what is looked at: a deployment, and a request if there is one. It says what has to
//! be known of the AWS account ([`Subject::questions`], [`Subject::permissions`]) and judges the
//! [`Facts`] that somebody found. What could not be found out is a finding of its own, never passed
//! over in silence.
//!
//! Limits: the policies of buckets, of the organisation and of the functions' own roles are not
//! judged, and no job is created. What is not wrong here may still fail.

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
