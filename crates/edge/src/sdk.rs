//! The AWS SDK's configuration: one HTTP client and one set of timeouts and retries for all
//! clients.
//!
//! - TLS is rustls with ring; plain HTTP works too. A client that needs no TLS, as in a local stack, does not read the
//!   machine's certificates, which takes some 20 ms.
//! - The Region and the credentials come from the options, the environment or the AWS profile
//!   files, and never from the instance metadata service. A Lambda function does not need that
//!   service, and elsewhere calling it costs seconds before the real error shows.
//! - Responses tell the time: see [`crate::service_time`].
//! - Retries are few, short and jittered: the state machine's own retries wait far longer.
//! - An endpoint in the options is used whatever the environment says: a local stack has no FIPS or
//!   dual-stack variant, and a developer's profile does not concern it.

use crate::service_time::{ServiceTime, hearing};
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use std::time::Duration;

pub use aws_config::SdkConfig;
pub use aws_credential_types::Credentials;

/// The time limit for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit until a response begins, including the sending of the request's body. Calling a
/// model takes longer: see [`crate::bedrock::BedrockOnDemand`].
const READ_TIMEOUT: Duration = Duration::from_mins(2);
/// One call and three retries.
const MAX_ATTEMPTS: u32 = 4;
/// The backoff doubles from 1 s, times a random factor below 1, up to this.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Values that are not taken from the environment.
#[derive(Debug, Clone, Default)]
pub struct SdkOptions {
    /// One endpoint for all services, e.g. `http://127.0.0.1:4566`. With it, the environment and
    /// the profile files decide only the Region and the credentials, if those are `None` here. If
    /// it is `None`, `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` are read.
    pub endpoint_url: Option<String>,
    /// The Region; otherwise that of `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile.
    pub region: Option<String>,
    /// Fixed credentials; otherwise those of the environment, the profile, a web identity or a
    /// container, in this order.
    pub credentials: Option<Credentials>,
    /// The most attempts of a call, including the first; 4 when `None`. A local stack with scripted
    /// faults sets 1, since the retries wait in real time.
    pub max_attempts: Option<u32>,
}

/// Loads the configuration from which every client is created. It makes no call over the network;
/// missing credentials or a missing Region cause an error at the first call.
pub async fn load(options: SdkOptions) -> SdkConfig {
    let time = ServiceTime::default();
    let http_client = hearing(http_client(&options), time.clone());
    let region = RegionProviderChain::first_try(options.region.map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .region()
        .await;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(options.max_attempts.unwrap_or(MAX_ATTEMPTS))
        .with_max_backoff(MAX_BACKOFF);

    let credentials = if let Some(credentials) = options.credentials {
        SharedCredentialsProvider::new(credentials)
    } else {
        let provider = ProviderConfig::default()
            .with_http_client(http_client.clone())
            .with_region(region.clone());
        SharedCredentialsProvider::new(credentials_chain(&provider))
    };
    let behavior = BehaviorVersion::v2026_01_12();
    if let Some(url) = options.endpoint_url {
        // Built by hand, because the loader reads FIPS, dual stack, bearer tokens, endpoints of
        // single services and more from the environment and the profile, each of which could lead
        // away from this endpoint.
        return SdkConfig::builder()
            .behavior_version(behavior)
            .http_client(http_client)
            .time_source(time)
            .timeout_config(timeouts)
            .retry_config(retries)
            // Without this, calls are not retried.
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .region(region)
            .credentials_provider(credentials)
            .endpoint_url(url)
            .use_fips(false)
            .use_dual_stack(false)
            .build();
    }
    aws_config::defaults(behavior)
        .http_client(http_client)
        .time_source(time)
        .timeout_config(timeouts)
        .retry_config(retries)
        .region(region)
        .credentials_provider(credentials)
        .load()
        .await
}

fn http_client(options: &SdkOptions) -> SharedHttpClient {
    let is_plain = options
        .endpoint_url
        .as_deref()
        .is_some_and(|url| url.starts_with("http://"));
    // Some sources of credentials are called over TLS, whatever the endpoint.
    if is_plain && options.credentials.is_some() {
        return HttpClientBuilder::new().build_http();
    }
    HttpClientBuilder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// Returns the SDK's default chain without the instance metadata service.
fn credentials_chain(provider: &ProviderConfig) -> CredentialsProviderChain {
    CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else(
        "Profile",
        ProfileFileCredentialsProvider::builder()
            .configure(provider)
            .build(),
    )
    .or_else(
        "WebIdentityToken",
        WebIdentityTokenCredentialsProvider::builder()
            .configure(provider)
            .build(),
    )
    .or_else(
        "EcsContainer",
        EcsCredentialsProvider::builder()
            .configure(provider)
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options override the environment of the test, whatever it is.
    #[tokio::test]
    async fn options_win_over_the_environment() {
        let config = load(SdkOptions {
            endpoint_url: Some("http://127.0.0.1:1".into()),
            region: Some("eu-central-1".into()),
            credentials: Some(Credentials::new("id", "secret", None, None, "test")),
            max_attempts: None,
        })
        .await;
        assert_eq!(config.region().map(AsRef::as_ref), Some("eu-central-1"));
        assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:1"));
        assert_eq!(
            config.retry_config().map(RetryConfig::max_attempts),
            Some(MAX_ATTEMPTS)
        );
    }
}
