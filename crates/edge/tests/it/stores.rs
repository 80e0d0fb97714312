//! Every object store passes the conformance suite.

use quarry_contract::location::S3Uri;
use quarry_edge::s3::client::S3Store;
use quarry_edge::s3::conformance;
use quarry_edge::s3::memory::{MemoryStore, MultipartLimits};
use quarry_edge::sdk::{self, Credentials, SdkOptions};
use quarry_local_s3::LocalS3;

/// A local server with the bucket `bucket`, and a store that uses it through the SDK.
pub(crate) struct Local {
    pub(crate) server: LocalS3,
    pub(crate) store: S3Store,
    _directory: tempfile::TempDir,
}

impl Local {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = LocalS3::start(directory.path()).unwrap();
        server.create_bucket("bucket").unwrap();
        let id = server.credentials().access_key_id.clone();
        let secret = server.credentials().secret_access_key.clone();
        let config = sdk::load(SdkOptions {
            endpoint_url: Some(server.endpoint()),
            region: Some("eu-central-1".to_owned()),
            credentials: Some(Credentials::new(id, secret, None, None, "local")),
            ..SdkOptions::default()
        })
        .await;
        Self {
            store: S3Store::new(&config, true),
            server,
            _directory: directory,
        }
    }
}

pub(crate) fn at(key: &str) -> S3Uri {
    S3Uri::new("bucket", key).unwrap()
}

#[tokio::test]
async fn memory_conforms() {
    conformance::all(&MemoryStore::new(), &at("suite"), MultipartLimits::S3).await;
    let limits = MultipartLimits {
        min_part: 64,
        ..MultipartLimits::S3
    };
    conformance::all(&MemoryStore::with_limits(limits), &at("suite"), limits).await;
}

#[tokio::test]
async fn the_sdk_on_the_local_server_conforms() {
    let local = Local::start().await;
    conformance::all(&local.store, &at("suite"), MultipartLimits::S3).await;
}
