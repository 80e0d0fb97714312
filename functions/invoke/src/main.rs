//! The `invoke` function on AWS Lambda.

use quarry_edge::bedrock::BedrockOnDemand;
use quarry_edge::clock::RealPause;
use quarry_edge::environment::path_style_from_environment;
use quarry_edge::function::{Telemetry, serve};
use quarry_edge::s3::client::S3Store;
use quarry_edge::sdk::SdkOptions;
use quarry_edge::service_time::ServiceClock;
use quarry_invoke::{Deps, LAST_QUESTION, handle};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let telemetry = Telemetry::start("invoke");
    let sdk = quarry_edge::sdk::load(SdkOptions::default()).await;
    let deps = Deps {
        store: Arc::new(S3Store::new(&sdk, path_style_from_environment()?)),
        models: Arc::new(BedrockOnDemand::new(&sdk)),
        clock: Arc::new(ServiceClock::of(&sdk)),
        pause: Arc::new(RealPause::default()),
        metrics: telemetry.metrics(),
    };
    serve(telemetry, move |input, time_left| {
        let deps = deps.clone();
        let time_left = time_left.with_margin(LAST_QUESTION);
        async move { handle(&deps, input, &time_left).await }
    })
    .await
}
