//! Bedrock.
//!
//! [`BedrockJobs`] creates and reads batch jobs; [`BedrockOnDemand`] sends single records to a
//! model. Both are created from one [`crate::sdk::load`]; neither reads a record's content.

mod job_list;
mod jobs;
mod on_demand;

pub use job_list::BedrockJobList;
pub use jobs::BedrockJobs;
pub use on_demand::BedrockOnDemand;

use crate::error::StepError;
use crate::signed::{REST_JSON, SignedCalls, SignedService, address_for, endpoint_of};
use aws_config::SdkConfig;

/// Makes calls of Bedrock's own API: jobs, models and profiles, but not the models' answers. Quarry
/// needs a few of its operations, and the SDK's crate takes longer to build than any other.
pub fn control_plane(config: &SdkConfig) -> Result<SignedCalls, StepError> {
    let service = SignedService {
        name: "Bedrock",
        signing_name: "bedrock",
        protocol: REST_JSON,
    };
    SignedCalls::new(config, service, endpoint_of(config, "Bedrock"), |region| {
        address_for(config, "bedrock", region)
    })
}
