//! The server as clients of the AWS SDK see it.

mod atomic;
mod files;
mod protocol;

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use quarry_local_s3::LocalS3;
use std::fmt::Debug;
use tempfile::TempDir;

const BUCKET: &str = "bucket";
const MIB: usize = 1 << 20;

/// A server on its own directory, with the bucket `bucket`.
struct Server {
    s3: LocalS3,
    directory: TempDir,
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let s3 = LocalS3::start(directory.path()).unwrap();
        s3.create_bucket(BUCKET).unwrap();
        Self { s3, directory }
    }

    fn client(&self) -> Client {
        self.client_with_secret(&self.s3.credentials().secret_access_key)
    }

    fn client_with_secret(&self, secret: &str) -> Client {
        self.client_with_keys(&self.s3.credentials().access_key_id, secret)
    }

    fn client_with_keys(&self, id: &str, secret: &str) -> Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(self.s3.endpoint())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new(id, secret, None, None, "test"))
            .force_path_style(true)
            .http_client(http_client())
            .build();
        Client::from_conf(config)
    }

    /// Returns the number of files that are receiving a body.
    fn incoming(&self) -> usize {
        let folder = self.directory.path().join(".quarry-s3/incoming");
        std::fs::read_dir(folder).unwrap().count()
    }
}

fn http_client() -> SharedHttpClient {
    Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// Returns the error code of a call that must fail.
fn code<T: Debug, E: ProvideErrorMetadata + Debug, R: Debug>(
    result: Result<T, SdkError<E, R>>,
) -> String {
    let error = result.unwrap_err();
    error.code().unwrap_or("none").to_owned()
}

async fn put(client: &Client, key: &str, body: &[u8]) -> String {
    let put = client.put_object().bucket(BUCKET).key(key);
    let put = put.body(body.to_vec().into()).send().await.unwrap();
    put.e_tag.unwrap()
}

async fn get(client: &Client, key: &str) -> Vec<u8> {
    let got = client.get_object().bucket(BUCKET).key(key).send().await;
    got.unwrap().body.collect().await.unwrap().to_vec()
}
