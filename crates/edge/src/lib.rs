//! The interfaces to the outside: S3, Bedrock, Step Functions, SageMaker's callbacks, the clock,
//! and the error names that the state machine reads.
//!
//! There is one small trait for each capability, so that a function (and its IAM statement) gets
//! only what it uses. Every trait has a real implementation here. Fakes and fault wrappers are beside
//! it, behind the feature `testing`.

mod bare_refusal;
pub mod bedrock;
pub mod callbacks;
pub mod clock;
pub mod documents;
pub mod environment;
pub mod error;
pub mod executions;
pub mod failure;
#[cfg(feature = "testing")]
pub mod fates;
pub mod function;
pub mod jobs;
pub mod metrics;
pub mod on_demand;
pub mod owner;
pub mod s3;
pub mod sdk;
pub mod service_time;
pub mod signed;
pub mod store;
pub mod telemetry;
pub mod token_counter;
