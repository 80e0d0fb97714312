//! Every object store passes the conformance suite.

use crate::{SMALL, at};
use aws_config::SdkConfig;
use quarry_edge::s3::client::S3Store;
use quarry_edge::s3::conformance;
use quarry_edge::s3::memory::{MemoryStore, MultipartLimits};
use quarry_edge::sdk::{self, Credentials, SdkOptions};
use quarry_local_s3::LocalS3;
use tempfile::TempDir;

/// A local server with the bucket `bucket`, and a store that uses it through the SDK.
pub(crate) struct Local {
    pub(crate) server: LocalS3,
    pub(crate) config: SdkConfig,
    pub(crate) store: S3Store,
    _directory: TempDir,
}

impl Local {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = LocalS3::start(directory.path()).unwrap();
        server.create_bucket("bucket").unwrap();
        let config = config(&server, server.endpoint()).await;
        Self {
            store: S3Store::new(&config, true),
            config,
            server,
            _directory: directory,
        }
    }
}

/// Returns the configuration for a server at `endpoint`.
pub(crate) async fn config(server: &LocalS3, endpoint: String) -> SdkConfig {
    let id = server.credentials().access_key_id.clone();
    let secret = server.credentials().secret_access_key.clone();
    sdk::load(SdkOptions {
        endpoint_url: Some(endpoint),
        region: Some("eu-central-1".to_owned()),
        credentials: Some(Credentials::new(id, secret, None, None, "local")),
        ..SdkOptions::default()
    })
    .await
}

#[tokio::test]
async fn memory_conforms() {
    conformance::all(&MemoryStore::new(), &at("suite"), MultipartLimits::S3).await;
    conformance::all(&MemoryStore::with_limits(SMALL), &at("suite"), SMALL).await;
    let versions = MemoryStore::with_limits(SMALL).with_versions();
    conformance::all(&versions, &at("suite"), SMALL).await;
    conformance::all_with_versions(&versions, &at("versions"), SMALL).await;
}

#[tokio::test]
async fn the_sdk_on_the_local_server_conforms() {
    let local = Local::start().await;
    conformance::all(&local.store, &at("suite"), MultipartLimits::S3).await;
}

#[tokio::test]
async fn the_sdk_on_the_local_server_with_versions_conforms() {
    let local = Local::start().await;
    local.server.keep_versions("bucket");
    conformance::all(&local.store, &at("suite"), MultipartLimits::S3).await;
    conformance::all_with_versions(&local.store, &at("versions"), MultipartLimits::S3).await;
}

/// Runs the suite on a real bucket: `QUARRY_TEST_LOCATION=s3://bucket/empty-folder`, with the
/// Region and credentials of the environment, and `AWS_ENDPOINT_URL` for a server other than AWS's.
#[tokio::test]
#[ignore = "needs a bucket"]
async fn the_sdk_on_a_given_bucket_conforms() {
    #[expect(clippy::disallowed_methods, reason = "run by hand")]
    let location = std::env::var("QUARRY_TEST_LOCATION").unwrap();
    let config = sdk::load(SdkOptions::default()).await;
    let store = S3Store::new(&config, config.endpoint_url().is_some());
    conformance::all(&store, &location.parse().unwrap(), MultipartLimits::S3).await;
}
