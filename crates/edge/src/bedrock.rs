//! Bedrock through the AWS SDK.
//!
//! [`BedrockJobs`] creates and reads batch jobs; [`BedrockOnDemand`] sends single records to a
//! model. Both are created from one [`crate::sdk::load`]; neither reads a record's content.

mod jobs;
mod on_demand;

pub use jobs::BedrockJobs;
pub use on_demand::BedrockOnDemand;
