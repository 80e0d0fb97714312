//! Bedrock through the AWS SDK.
//!
//! [`BedrockJobs`] creates and reads batch jobs, [`BedrockOnDemand`] asks a model record by
//! record. Both are made from one [`crate::sdk::load`]; neither knows what a record says.

mod jobs;
mod on_demand;

pub use jobs::BedrockJobs;
pub use on_demand::BedrockOnDemand;
