//! Answers to Callback steps of SageMaker pipelines.
//!
//! Two operations of an API with hundreds are needed. So instead of the service's SDK crate, which
//! would outweigh everything else in a function, each is one signed request of the service's
//! protocol (JSON 1.1), sent by the SDK's own HTTP client with its retries.

pub mod memory;

use crate::error::{Source, StepError};
use crate::failure::{Failure, Kind};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use quarry_contract::callback::CallbackToken;
use serde_json::{Value, json};
use std::fmt;

/// Most outputs of a step (`SendPipelineExecutionStepSuccess`, `OutputParameters`).
pub const MAX_OUTPUTS: usize = 50;
/// Longest name of an output, characters (`OutputParameter`, `Name`).
pub const MAX_OUTPUT_NAME: usize = 256;
/// Longest value of an output, characters (`OutputParameter`, `Value`).
pub const MAX_OUTPUT_VALUE: usize = 1_024;
/// Longest reason of a failure, characters (`SendPipelineExecutionStepFailure`, `FailureReason`).
pub const MAX_REASON: usize = 256;

/// An output of a step: flat text that the service takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOutput {
    name: String,
    value: String,
}

impl StepOutput {
    /// An output; `None` when the name or the value is too long to be passed on.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Option<Self> {
        let (name, value) = (name.into(), value.into());
        let fits =
            name.chars().count() <= MAX_OUTPUT_NAME && value.chars().count() <= MAX_OUTPUT_VALUE;
        fits.then_some(Self { name, value })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Why a step failed, in one line that the service takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureReason(String);

impl FailureReason {
    /// The text, on one line and cut to [`MAX_REASON`] characters.
    pub fn new(text: &str) -> Self {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= MAX_REASON {
            return Self(line);
        }
        let mut cut: String = line.chars().take(MAX_REASON - 1).collect();
        cut.push('…');
        Self(cut)
    }

    /// The reason.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// The step has this answer.
    Now,
    /// Nobody waits for it: the step was answered before, or is gone.
    Before,
}

/// Answers Callback steps.
#[async_trait]
pub trait PipelineCallbacks: Send + Sync {
    /// The step succeeded; at most [`MAX_OUTPUTS`] outputs.
    async fn succeed(
        &self,
        token: &CallbackToken,
        outputs: &[StepOutput],
    ) -> Result<Answered, CallbackError>;
    /// The step failed.
    async fn fail(
        &self,
        token: &CallbackToken,
        reason: &FailureReason,
    ) -> Result<Answered, CallbackError>;
}

/// What a failed call means to the caller.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// Too many calls.
    #[error("throttled")]
    Throttled(#[source] Source),
    /// The role may not do this.
    #[error("access denied")]
    AccessDenied(#[source] Source),
    /// The service does not take the answer.
    #[error("refused")]
    Refused(#[source] Source),
    /// No answer or an internal error.
    #[error("unavailable")]
    Unavailable(#[source] Source),
}

impl CallbackError {
    /// As a step's failure; `doing` says what for.
    pub fn into_step(self, doing: &str) -> StepError {
        let doing = doing.to_owned();
        match self {
            Self::Throttled(source) => StepError::Throttled {
                doing,
                source: Some(source),
            },
            Self::AccessDenied(source) => StepError::AccessDenied {
                doing,
                source: Some(source),
            },
            Self::Refused(source) => StepError::Refused {
                doing,
                source: Some(source),
            },
            Self::Unavailable(source) => StepError::Unavailable {
                doing,
                source: Some(source),
            },
        }
    }
}

const SERVICE: &str = "sagemaker";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// [`PipelineCallbacks`] of SageMaker in the Region that the SDK configuration names.
#[derive(Debug, Clone)]
pub struct SageMakerCallbacks {
    config: SdkConfig,
    http_client: SharedHttpClient,
    credentials: SharedCredentialsProvider,
    region: String,
    endpoint: String,
}

impl SageMakerCallbacks {
    /// Answers in the configuration's Region. `endpoint` replaces the service's own address: the
    /// value of `AWS_ENDPOINT_URL_SAGEMAKER`.
    pub fn new(config: &SdkConfig, endpoint: Option<String>) -> Result<Self, StepError> {
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
            region,
            endpoint,
        })
    }

    async fn call(
        &self,
        operation: &'static str,
        input: &Value,
    ) -> Result<Answered, CallbackError> {
        let request = self.signed(operation, input).await?;
        let mut call = Operation::builder()
            .service_name("SageMaker")
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
                .retry_classifier(TransientErrorClassifier::<Refusal>::new())
                .retry_classifier(HttpStatusCodeClassifier::default())
                .sleep_impl(sleep),
            _ => call.no_retry(),
        };
        let answer = call
            .serializer(Request::into_http)
            .deserializer(read_answer)
            .build()
            .invoke(request)
            .await;
        match answer {
            Ok(()) => Ok(Answered::Now),
            Err(error) => already_answered(&error),
        }
    }

    async fn signed(&self, operation: &str, input: &Value) -> Result<Request, CallbackError> {
        let body = input.to_string();
        let mut headers = vec![
            ("content-type".to_owned(), CONTENT_TYPE.to_owned()),
            ("x-amz-target".to_owned(), format!("SageMaker.{operation}")),
        ];
        let credentials = self
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| CallbackError::Unavailable(Box::new(error)))?;
        let unsigned = |error: Source| CallbackError::Refused(error);
        let identity = credentials.into();
        let time = self.config.time_source().unwrap_or_default().now();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(Box::new(error)))?
            .into();
        let signable = SignableRequest::new(
            "POST",
            format!("{}/", self.endpoint.trim_end_matches('/')),
            headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
            SignableBody::Bytes(body.as_bytes()),
        )
        .map_err(|error| unsigned(Box::new(error)))?;
        let (signature, _) = sign(signable, &parameters)
            .map_err(|error| unsigned(Box::new(error)))?
            .into_parts();
        headers.extend(
            signature
                .headers()
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Ok(Request { headers, body })
    }
}

/// The service's address in a Region.
fn address(region: &str) -> String {
    let suffix = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    format!("https://api.sagemaker.{region}.{suffix}")
}

#[async_trait]
impl PipelineCallbacks for SageMakerCallbacks {
    async fn succeed(
        &self,
        token: &CallbackToken,
        outputs: &[StepOutput],
    ) -> Result<Answered, CallbackError> {
        let outputs: Vec<Value> = outputs
            .iter()
            .map(|output| json!({"Name": output.name, "Value": output.value}))
            .collect();
        let input = json!({
            "CallbackToken": token,
            "OutputParameters": outputs,
            "ClientRequestToken": token.request_token("success"),
        });
        self.call("SendPipelineExecutionStepSuccess", &input).await
    }

    async fn fail(
        &self,
        token: &CallbackToken,
        reason: &FailureReason,
    ) -> Result<Answered, CallbackError> {
        let input = json!({
            "CallbackToken": token,
            "FailureReason": reason.0,
            "ClientRequestToken": token.request_token("failure"),
        });
        self.call("SendPipelineExecutionStepFailure", &input).await
    }
}

/// A signed request, but for the address.
struct Request {
    headers: Vec<(String, String)>,
    body: String,
}

impl fmt::Debug for Request {
    /// Without the signature.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Request").finish_non_exhaustive()
    }
}

impl Request {
    fn into_http(self) -> Result<HttpRequest, BoxError> {
        let mut request = HttpRequest::new(SdkBody::from(self.body));
        request.set_method("POST")?;
        request.set_uri("/")?;
        for (name, value) in self.headers {
            request.headers_mut().try_insert(name, value)?;
        }
        Ok(request)
    }
}

/// What the service says when it does not take an answer.
#[derive(Debug)]
struct Refusal(ErrorMetadata);

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl std::error::Error for Refusal {}

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

fn read_answer(response: &HttpResponse) -> Result<(), OrchestratorError<Refusal>> {
    if response.status().is_success() {
        return Ok(());
    }
    let body = response.body().bytes().unwrap_or_default();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |names: [&str; 2]| names.iter().find_map(|name| body.get(*name)?.as_str());
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = text(["__type", "code"]) {
        // With or without the service's namespace in front.
        metadata = metadata.code(code.rsplit('#').next().unwrap_or(code));
    }
    if let Some(message) = text(["message", "Message"]) {
        metadata = metadata.message(message);
    }
    Err(OrchestratorError::operation(Refusal(metadata.build())))
}

/// A step takes one answer. The service's documentation names a conflict and a missing resource;
/// what comes for a step that has ended in between says so in words.
fn already_answered(error: &SdkError<Refusal, HttpResponse>) -> Result<Answered, CallbackError> {
    let failure = Failure::new(error);
    let answered = match failure.kind {
        Kind::Conflict | Kind::NotFound => true,
        Kind::Invalid => failure.message.to_lowercase().contains("already"),
        _ => false,
    };
    if answered {
        tracing::info!(answer = %failure, "nobody waits for this answer");
        return Ok(Answered::Before);
    }
    Err(match failure.kind {
        Kind::Throttled | Kind::Quota => CallbackError::Throttled(Box::new(failure)),
        Kind::AccessDenied => CallbackError::AccessDenied(Box::new(failure)),
        Kind::Unavailable | Kind::Model => CallbackError::Unavailable(Box::new(failure)),
        Kind::Conflict | Kind::NotFound | Kind::Invalid => {
            CallbackError::Refused(Box::new(failure))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_at_most_256_characters() {
        let reason = FailureReason::new("no\n such   column");
        assert_eq!(reason.as_str(), "no such column");
        let reason = FailureReason::new(&"ä".repeat(300));
        assert_eq!(reason.as_str().chars().count(), MAX_REASON);
        assert!(reason.as_str().ends_with('…'));
        let whole = "ä".repeat(MAX_REASON);
        assert_eq!(FailureReason::new(&whole).as_str(), whole);
    }

    #[test]
    fn an_output_that_is_too_long_is_none() {
        assert!(StepOutput::new("n", "ä".repeat(MAX_OUTPUT_VALUE)).is_some());
        assert_eq!(StepOutput::new("n", "v".repeat(MAX_OUTPUT_VALUE + 1)), None);
        assert_eq!(StepOutput::new("n".repeat(MAX_OUTPUT_NAME + 1), "v"), None);
    }

    #[test]
    fn the_address_follows_from_the_region() {
        assert_eq!(
            address("eu-central-1"),
            "https://api.sagemaker.eu-central-1.amazonaws.com"
        );
        assert_eq!(
            address("cn-north-1"),
            "https://api.sagemaker.cn-north-1.amazonaws.com.cn"
        );
    }
}
