//! The `split` function on AWS Lambda.

use quarry_edge::environment::{environment, path_style_from_environment};
use quarry_edge::function::serve;
use quarry_edge::s3::client::S3Store;
use quarry_edge::sdk::SdkOptions;
use quarry_split::{Deps, handle};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let sdk = quarry_edge::sdk::load(SdkOptions::default()).await;
    let deps = Deps {
        store: Arc::new(S3Store::new(&sdk, path_style_from_environment()?)),
    };
    let level = environment("AWS_LAMBDA_LOG_LEVEL");
    serve(level.as_deref(), move |input, _| {
        let deps = deps.clone();
        async move { handle(&deps, input).await }
    })
    .await
}
