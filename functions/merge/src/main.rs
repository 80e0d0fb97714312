//! The `merge` function on AWS Lambda.

use quarry_edge::environment::path_style_from_environment;
use quarry_edge::function::{Telemetry, serve};
use quarry_edge::s3::client::S3Store;
use quarry_edge::sdk::SdkOptions;
use quarry_edge::service_time::ServiceClock;
use quarry_merge::{Deps, handle};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let telemetry = Telemetry::start("merge");
    let sdk = quarry_edge::sdk::load(SdkOptions::default()).await;
    let deps = Deps {
        store: Arc::new(S3Store::new(&sdk, path_style_from_environment()?)),
        clock: Arc::new(ServiceClock::of(&sdk)),
    };
    serve(telemetry, move |input, _| {
        let deps = deps.clone();
        async move { handle(&deps, input).await }
    })
    .await
}
