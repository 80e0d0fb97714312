//! Bedrock.
//!
//! [`BedrockJobs`] creates and reads batch jobs; [`BedrockOnDemand`] sends single records to a
//! model. Both are created from one [`crate::sdk::load`]; neither reads a record's content.

mod jobs;
mod on_demand;

pub use jobs::BedrockJobs;
pub use on_demand::BedrockOnDemand;

use crate::error::StepError;
use crate::signed::{REST_JSON, SignedCalls, SignedService, address, endpoint_of};
use aws_config::SdkConfig;

/// Makes calls of Bedrock's own API: jobs, models and profiles, but not the models' answers. Quarry
/// needs a few of its operations, and the SDK's crate takes longer to build than any other.
pub fn control_plane(config: &SdkConfig) -> Result<SignedCalls, StepError> {
    let service = SignedService {
        name: "Bedrock",
        signing_name: "bedrock",
        protocol: REST_JSON,
    };
    let endpoint = endpoint_of(config, "Bedrock");
    let host = if config.use_fips() == Some(true) {
        "bedrock-fips"
    } else {
        "bedrock"
    };
    let dual_stack = config.use_dual_stack() == Some(true);
    SignedCalls::new(config, service, endpoint, |region| {
        match (dual_stack, region.starts_with("cn-")) {
            (false, _) => address(host, region),
            (true, false) => format!("https://{host}.{region}.api.aws"),
            (true, true) => format!("https://{host}.{region}.api.amazonwebservices.com.cn"),
        }
    })
}
