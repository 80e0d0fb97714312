//! Single operations of services, without their SDK crates.
//!
//! If only a few operations of a large API are needed, each is one signed request of the service's
//! protocol, sent by the SDK's own HTTP client with its timeouts and retries. The service's crate
//! would be larger than everything else in a function, and would take longer to build.

use crate::error::StepError;
use crate::failure::{Failure, Kind, chain};
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use aws_types::service_config::ServiceConfigKey;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::error::Error as StdError;
use std::fmt;
use std::time::{Duration, SystemTime};

/// The protocol of a service.
#[derive(Debug, Clone, Copy)]
pub struct Protocol {
    /// The content type of requests.
    pub content_type: &'static str,
    /// Reads the body of an error response.
    pub read_error: fn(&[u8]) -> ErrorBody,
}

/// The content of an error's body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// The service's name of the error, without a namespace.
    pub code: Option<String>,
    /// The error's message.
    pub message: Option<String>,
}

/// AWS JSON 1.1: the header `x-amz-target` names the operation.
pub const JSON_1_1: Protocol = Protocol {
    content_type: "application/x-amz-json-1.1",
    read_error: read_json_error,
};

/// AWS JSON 1.0, which differs only in the content type.
pub const JSON_1_0: Protocol = Protocol {
    content_type: "application/x-amz-json-1.0",
    read_error: read_json_error,
};

/// REST with JSON: operations are paths. Most services give an error's code only in the header
/// `x-amzn-errortype`.
pub const REST_JSON: Protocol = Protocol {
    content_type: "application/json",
    read_error: read_json_error,
};

/// A difference between the time of a signature and that of the service for which no service refuses a call.
pub(crate) const TOLERATED_SKEW: Duration = Duration::from_mins(4);

/// A service.
#[derive(Debug, Clone, Copy)]
pub struct SignedService {
    /// Its name in messages.
    pub name: &'static str,
    /// Its name in signatures.
    pub signing_name: &'static str,
    /// Its protocol.
    pub protocol: Protocol,
}

/// Makes calls of one service.
#[derive(Debug, Clone)]
pub struct SignedCalls {
    service: SignedService,
    config: SdkConfig,
    http_client: SharedHttpClient,
    credentials: SharedCredentialsProvider,
    region: String,
    endpoint: String,
}

impl SignedCalls {
    /// Makes calls in the configuration's Region. `endpoint` takes precedence over the
    /// configuration's endpoint, which takes precedence over the service's own `address` in a
    /// Region.
    pub fn new(
        config: &SdkConfig,
        service: SignedService,
        endpoint: Option<String>,
        address: impl FnOnce(&str) -> String,
    ) -> Result<Self, StepError> {
        let missing =
            |what: &str| StepError::bad_request(format!("the SDK configuration has no {what}"));
        let region = config
            .region()
            .ok_or_else(|| missing("Region"))?
            .to_string();
        let endpoint = endpoint
            .or_else(|| config.endpoint_url().map(str::to_owned))
            .unwrap_or_else(|| address(&region));
        Ok(Self {
            http_client: config.http_client().ok_or_else(|| missing("HTTP client"))?,
            credentials: config
                .credentials_provider()
                .ok_or_else(|| missing("credentials"))?,
            config: config.clone(),
            service,
            region,
            endpoint,
        })
    }

    /// Signs the same calls for another Region: that of a service which exists in only one.
    #[must_use]
    pub fn signed_for(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// Posts a body with headers to the service's root. Returns the body of a successful response.
    pub async fn post(
        &self,
        operation: &'static str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Bytes, Failure> {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let request = SignedRequest {
            method: "POST",
            path: "/".to_owned(),
            headers,
            body,
        };
        self.call(operation, request).await
    }

    /// Posts a body, which may be empty, to a path of the service. Returns the body of a successful
    /// response.
    pub async fn post_to(
        &self,
        operation: &'static str,
        path: &str,
        body: String,
    ) -> Result<Bytes, Failure> {
        let request = SignedRequest {
            method: "POST",
            path: path.to_owned(),
            headers: Vec::new(),
            body,
        };
        self.call(operation, request).await
    }

    /// Gets a path of the service, which begins with `/` and may have a query. Returns the body of a
    /// successful response.
    pub async fn get(&self, operation: &'static str, path: &str) -> Result<Bytes, Failure> {
        let request = SignedRequest {
            method: "GET",
            path: path.to_owned(),
            headers: Vec::new(),
            body: String::new(),
        };
        self.call(operation, request).await
    }

    async fn call(
        &self,
        operation: &'static str,
        request: SignedRequest,
    ) -> Result<Bytes, Failure> {
        let time = self.time();
        let first = self.send(operation, request.clone(), time).await;
        let Err(failure) = &first else {
            return first;
        };
        // The response that refused the time of the signature told the right one. Nothing was done.
        let now = self.time();
        let is_off = now
            .duration_since(time)
            .or_else(|_| time.duration_since(now))
            .is_ok_and(|difference| difference > TOLERATED_SKEW);
        if is_off && failure.is_about_time() {
            return self.send(operation, request, now).await;
        }
        first
    }

    /// The time of the services, as far as it is known.
    fn time(&self) -> SystemTime {
        self.config.time_source().unwrap_or_default().now()
    }

    /// Sends a request that is signed with this time.
    async fn send(
        &self,
        operation: &'static str,
        request: SignedRequest,
        time: SystemTime,
    ) -> Result<Bytes, Failure> {
        let request = self.signed(request, time).await?;
        let mut call = Operation::builder()
            .service_name(self.service.name)
            .operation_name(operation)
            .with_connection_poisoning()
            .http_client(self.http_client.clone())
            .endpoint_url(&self.endpoint)
            .no_auth();
        if let Some(timeouts) = self.config.timeout_config() {
            call = call.timeout_config(timeouts.clone());
        }
        let call = match (self.config.retry_config(), self.config.sleep_impl()) {
            (Some(retries), Some(sleep)) => call
                .standard_retry(retries)
                .retry_classifier(TransientErrorClassifier::<ServiceRefusal>::new())
                .retry_classifier(AwsErrorCodeClassifier::<ServiceRefusal>::new())
                .retry_classifier(HttpStatusCodeClassifier::default())
                .sleep_impl(sleep),
            _ => call.no_retry(),
        };
        let read_error = self.service.protocol.read_error;
        call.serializer(SignedRequest::into_http)
            .deserializer(move |response| read_answer(response, read_error))
            .build()
            .invoke(request)
            .await
            .map_err(|error| Failure::new(&error))
    }

    async fn signed(
        &self,
        mut request: SignedRequest,
        time: SystemTime,
    ) -> Result<SignedRequest, Failure> {
        if !request.body.is_empty() {
            let content_type = self.service.protocol.content_type;
            let content_type = ("content-type".to_owned(), content_type.to_owned());
            request.headers.insert(0, content_type);
        }
        let credentials = self
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| unsent(Kind::Unavailable, &error))?;
        let unsigned = |error: &(dyn StdError + 'static)| unsent(Kind::Invalid, error);
        let identity = credentials.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service.signing_name)
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(&error))?
            .into();
        let signable = SignableRequest::new(
            request.method,
            format!("{}{}", self.endpoint.trim_end_matches('/'), request.path),
            request
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
            SignableBody::Bytes(request.body.as_bytes()),
        )
        .map_err(|error| unsigned(&error))?;
        let (signature, _) = sign(signable, &parameters)
            .map_err(|error| unsigned(&error))?
            .into_parts();
        request.headers.extend(
            signature
                .headers()
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Ok(request)
    }
}

/// Returns the failure of a request that was not sent.
fn unsent(kind: Kind, error: &(dyn StdError + 'static)) -> Failure {
    Failure {
        kind,
        status: None,
        code: None,
        message: chain(error),
    }
}

/// Returns a service's address in a Region.
pub fn address(host: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    format!("https://{host}.{region}.{suffix}")
}

/// Returns a service's address in a Region, as the configuration asks for it: with FIPS, and with
/// IPv6 (dual stack).
pub fn address_for(config: &SdkConfig, host: &str, region: &str) -> String {
    let host = if config.use_fips() == Some(true) {
        format!("{host}-fips")
    } else {
        host.to_owned()
    };
    if config.use_dual_stack() != Some(true) {
        return address(&host, region);
    }
    let suffix = if region.starts_with("cn-") {
        "api.amazonwebservices.com.cn"
    } else {
        "api.aws"
    };
    format!("https://{host}.{region}.{suffix}")
}

/// Returns the endpoint that the environment or the profile names for one service, as the SDK's own
/// clients find it: `AWS_ENDPOINT_URL_<SERVICE>`, or `endpoint_url` in the profile's section of
/// services. There is none if the configuration has an endpoint of its own.
pub fn endpoint_of(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    config.service_config()?.load_config(key)
}

/// Returns a text as one segment of a path, or as a value in a query.
pub fn encoded(text: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Reads the JSON of a response. If it does not match the service's documentation, the call may
/// succeed the next time.
pub fn read_json<T: DeserializeOwned>(
    operation: &'static str,
    response: &[u8],
) -> Result<T, Failure> {
    serde_json::from_slice(response).map_err(|error| Failure::not_understood(operation, error))
}

/// A request without its address.
#[derive(Clone)]
struct SignedRequest {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl fmt::Debug for SignedRequest {
    /// Leaves out the signature.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SignedRequest").finish_non_exhaustive()
    }
}

impl SignedRequest {
    fn into_http(self) -> Result<HttpRequest, BoxError> {
        let mut request = HttpRequest::new(SdkBody::from(self.body));
        request.set_method(self.method)?;
        request.set_uri(self.path.as_str())?;
        for (name, value) in self.headers {
            request.headers_mut().try_insert(name, value)?;
        }
        Ok(request)
    }
}

/// The error with which the service refuses a request.
#[derive(Debug)]
struct ServiceRefusal(ErrorMetadata);

impl fmt::Display for ServiceRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl StdError for ServiceRefusal {}

impl ProvideErrorMetadata for ServiceRefusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

fn read_answer(
    response: &HttpResponse,
    read_error: fn(&[u8]) -> ErrorBody,
) -> Result<Bytes, OrchestratorError<ServiceRefusal>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return Ok(Bytes::copy_from_slice(body));
    }
    let ErrorBody { code, message } = read_error(body);
    let header = response.headers().get("x-amzn-errortype").map(bare_code);
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = header.or(code) {
        metadata = metadata.code(code);
    }
    if let Some(message) = message {
        metadata = metadata.message(message);
    }
    Err(OrchestratorError::operation(ServiceRefusal(
        metadata.build(),
    )))
}

/// Returns an error's code without its namespace (`com.amazonaws.x#Code`) and without the address of
/// its documentation (`Code:http://…`).
fn bare_code(code: &str) -> String {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code).to_owned()
}

fn read_json_error(body: &[u8]) -> ErrorBody {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |names: [&str; 2]| names.iter().find_map(|name| body.get(*name)?.as_str());
    ErrorBody {
        code: text(["__type", "code"]).map(bare_code),
        message: text(["message", "Message"]).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_follows_from_the_region() {
        assert_eq!(
            address("api.sagemaker", "eu-central-1"),
            "https://api.sagemaker.eu-central-1.amazonaws.com"
        );
        assert_eq!(
            address("kms", "cn-north-1"),
            "https://kms.cn-north-1.amazonaws.com.cn"
        );
    }

    #[test]
    fn an_arn_is_one_segment_of_a_path() {
        assert_eq!(
            encoded("arn:aws:bedrock:x:1:job/a-b_c.d~e f"),
            "arn%3Aaws%3Abedrock%3Ax%3A1%3Ajob%2Fa-b_c.d~e%20f"
        );
    }

    #[test]
    fn an_error_is_read_with_and_without_a_namespace() {
        assert_eq!(bare_code("Denied:http://internal.amazon.com/x/"), "Denied");
        let read = read_json_error(br#"{"__type": "com.amazonaws.x#NotFound", "Message": "no"}"#);
        assert_eq!(read.code.as_deref(), Some("NotFound"));
        assert_eq!(read.message.as_deref(), Some("no"));
        assert_eq!(read_json_error(b"<html>"), ErrorBody::default());
    }
}
