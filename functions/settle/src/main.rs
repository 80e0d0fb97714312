//! The `settle` function on AWS Lambda.

use quarry_edge::bedrock::BedrockJobs;
use quarry_edge::callbacks::SageMakerCallbacks;
use quarry_edge::environment::{
    environment, path_style_from_environment, required_from_environment, work_from_environment,
};
use quarry_edge::executions::StepFunctionsRecords;
use quarry_edge::function::{Telemetry, serve};
use quarry_edge::s3::client::S3Store;
use quarry_edge::sdk::SdkOptions;
use quarry_edge::service_time::ServiceClock;
use quarry_settle::{Deps, RedriveTime, handle};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let telemetry = Telemetry::start("settle");
    let sdk = quarry_edge::sdk::load(SdkOptions::default()).await;
    let sagemaker = environment("AWS_ENDPOINT_URL_SAGEMAKER");
    let deps = Deps {
        store: Arc::new(S3Store::new(&sdk, path_style_from_environment()?)),
        jobs: Arc::new(BedrockJobs::new(&sdk)?),
        executions: Arc::new(StepFunctionsRecords::new(&sdk)?),
        callbacks: Arc::new(SageMakerCallbacks::new(&sdk, sagemaker)?),
        clock: Arc::new(ServiceClock::of(&sdk)),
        work: work_from_environment()?,
        machine: required_from_environment("QUARRY_STATE_MACHINE_ARN")?,
        redrive: RedriveTime::from_hours(environment("QUARRY_REDRIVE_HOURS").as_deref())?,
    };
    serve(telemetry, move |event, _| {
        let deps = deps.clone();
        async move { handle(&deps, event).await }
    })
    .await
}
