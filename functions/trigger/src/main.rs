//! The `trigger` function on AWS Lambda.

use quarry_edge::callbacks::SageMakerCallbacks;
use quarry_edge::environment::{
    WORK_VARIABLE, environment, path_style_from_environment, required_from_environment,
    required_location_from_environment,
};
use quarry_edge::executions::StateMachine;
use quarry_edge::function::{Telemetry, serve};
use quarry_edge::s3::client::S3Store;
use quarry_edge::sdk::SdkOptions;
use quarry_trigger::{Deps, Elsewhere, Prefixes, handle};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let telemetry = Telemetry::start("trigger");
    let sdk = quarry_edge::sdk::load(SdkOptions::default()).await;
    let machine = required_from_environment("QUARRY_STATE_MACHINE_ARN")?;
    let sagemaker = environment("AWS_ENDPOINT_URL_SAGEMAKER");
    let deps = Deps {
        store: Arc::new(S3Store::new(&sdk, path_style_from_environment()?)),
        executions: Arc::new(StateMachine::new(&sdk, &machine)?),
        callbacks: Arc::new(SageMakerCallbacks::new(&sdk, sagemaker)?),
        deployment: machine,
        places: Prefixes::new(
            required_location_from_environment("QUARRY_INBOX")?,
            required_location_from_environment("QUARRY_PIPELINES")?,
            required_location_from_environment("QUARRY_RESULTS")?,
            required_location_from_environment(WORK_VARIABLE)?,
        )?,
        elsewhere: Elsewhere::new(
            &environment("QUARRY_READABLE").unwrap_or_default(),
            &environment("QUARRY_WRITABLE").unwrap_or_default(),
        )?,
    };
    serve(telemetry, move |event, _| {
        let deps = deps.clone();
        async move { handle(&deps, event).await }
    })
    .await
}
