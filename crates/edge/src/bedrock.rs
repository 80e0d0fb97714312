//! Bedrock.
//!
//! [`BedrockJobs`] creates and reads batch jobs; [`BedrockOnDemand`] sends single records to a
//! model; [`BedrockTokenCounter`] counts what single records take. All are created from one
//! [`crate::sdk::load`].

mod job_list;
mod jobs;
mod on_demand;
mod token_counter;

pub use job_list::BedrockJobList;
pub use jobs::BedrockJobs;
pub use on_demand::BedrockOnDemand;
pub use token_counter::BedrockTokenCounter;

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
