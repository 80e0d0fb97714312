//! On-demand calls: `InvokeModel` and `Converse`.
//!
//! A record's body is sent byte for byte, and the JSON of the answer is returned byte for byte. So
//! a record has the same question and the same answer on demand as in a batch job. For `Converse`,
//! the SDK would convert to and from typed values; [`AsWritten`] replaces them with the record's
//! own JSON before signing, and keeps the response's JSON. The SDK still reads the typed response,
//! so a response that is not a `Converse` response is an error.

use crate::failure::{Failure, Kind, chain};
use crate::on_demand::{InvokeError, ModelReply, OnDemand, Question};
use crate::service_time::machine_time;
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::ServiceTierType;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    InterceptorContext,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest wait for an answer. A long answer takes minutes; the invocation that waits for it
/// ends after 15.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(10);

const JSON: &str = "application/json";

/// [`OnDemand`] calls in the Region that the SDK configuration names.
#[derive(Debug, Clone)]
pub struct BedrockOnDemand {
    client: Client,
}

impl BedrockOnDemand {
    /// Makes calls in the configuration's Region. The configured read timeout is replaced by ten
    /// minutes, which a model may need, for all attempts of a call together. A question that took
    /// that long is not sent again, since both attempts would be paid for. For the same reason, the
    /// SDK does not repeat a call whose reply broke off; the caller decides that.
    pub fn new(config: &SdkConfig) -> Self {
        let timeouts = config
            .timeout_config()
            .map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder)
            .disable_read_timeout()
            .operation_timeout(ANSWER_TIMEOUT)
            .build();
        let config = aws_sdk_bedrockruntime::config::Builder::from(config)
            .time_source(machine_time())
            .timeout_config(timeouts)
            .retry_classifier(ChargedCalls)
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }

    async fn invoke_model(&self, question: Question<'_>) -> Result<ModelReply, InvokeError> {
        let reply = self
            .client
            .invoke_model()
            .model_id(question.model_id)
            .content_type(JSON)
            .accept(JSON)
            .set_service_tier(question.tier.map(ServiceTierType::from))
            .body(Blob::new(question.body))
            .send()
            .await
            .map_err(|error| invoke_error(&error))?;
        Ok(ModelReply {
            json: reply.body.into_inner().into(),
            tier: reply.service_tier.map(|tier| tier.as_str().to_owned()),
        })
    }

    async fn converse(&self, question: Question<'_>) -> Result<ModelReply, InvokeError> {
        let exchange = AsWritten {
            body: match question.tier {
                Some(tier) => with_tier(&question.body, tier),
                None => question.body,
            },
            answer: Arc::default(),
        };
        let reply = self
            .client
            .converse()
            .model_id(question.model_id)
            .customize()
            .interceptor(exchange.clone())
            .send()
            .await
            .map_err(|error| invoke_error(&error))?;
        let mut answer = exchange
            .answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(ModelReply {
            json: std::mem::take(&mut *answer),
            tier: reply
                .service_tier
                .map(|tier| tier.r#type.as_str().to_owned()),
        })
    }
}

/// Returns a `Converse` body that requests a service tier, which is a member of the body there. The
/// record's own JSON stays the same byte for byte.
fn with_tier(body: &[u8], tier: &str) -> Bytes {
    let rest = body.trim_ascii_start();
    let rest = rest.strip_prefix(b"{").unwrap_or(rest);
    let comma = if rest.trim_ascii_start().starts_with(b"}") {
        ""
    } else {
        ","
    };
    let mut whole = format!(r#"{{"serviceTier":{{"type":"{tier}"}}{comma}"#).into_bytes();
    whole.extend_from_slice(rest);
    whole.into()
}

#[async_trait]
impl OnDemand for BedrockOnDemand {
    async fn invoke(&self, question: Question<'_>) -> Result<ModelReply, InvokeError> {
        if question.converse {
            self.converse(question).await
        } else {
            self.invoke_model(question).await
        }
    }
}

/// Forbids the SDK to repeat a call that the service has answered, and so charges, although the
/// answer did not arrive.
#[derive(Debug)]
struct ChargedCalls;

impl ClassifyRetry for ChargedCalls {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let is_answered = context
            .response()
            .is_some_and(|response| response.status().is_success());
        if is_answered {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "Charged Calls"
    }
}

/// Sends `body` in place of the serialised input, and keeps the response's body.
#[derive(Debug, Clone)]
struct AsWritten {
    body: Bytes,
    answer: Arc<Mutex<Bytes>>,
}

impl Intercept for AsWritten {
    fn name(&self) -> &'static str {
        "AsWritten"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let length = self.body.len().to_string();
        request.headers_mut().insert("content-length", length);
        request.headers_mut().insert("content-type", JSON);
        *request.body_mut() = SdkBody::from(self.body.clone());
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(bytes) = context.response().body().bytes() {
            let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
            *answer = Bytes::copy_from_slice(bytes);
        }
        Ok(())
    }
}

fn invoke_error<E>(error: &SdkError<E, HttpResponse>) -> InvokeError
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    if let SdkError::TimeoutError(_) = error {
        return InvokeError::TimedOut(ANSWER_TIMEOUT);
    }
    let failure = Failure::new(error);
    if matches!(failure.status, Some(200..=299)) {
        // The service's own words would be missing here.
        let message = chain(error);
        return InvokeError::BrokenOff(Box::new(Failure { message, ..failure }));
    }
    if let Some(denial) = failure.denial() {
        return InvokeError::Denied {
            denial,
            source: Box::new(failure),
        };
    }
    match failure.kind {
        // Here, an account's quota of tokens a minute has the same effect as throttling.
        Kind::Throttled | Kind::Quota => InvokeError::Throttled(Box::new(failure)),
        Kind::AccessDenied => InvokeError::AccessDenied(Box::new(failure)),
        Kind::NotFound => InvokeError::NotFound(Box::new(failure)),
        // The model failed at this particular input (424), so the error is the record's and not the
        // run's.
        Kind::Invalid | Kind::Conflict | Kind::Model => InvokeError::Rejected {
            code: failure.status.unwrap_or(400),
            message: failure.message,
        },
        Kind::Unavailable => InvokeError::Unavailable(Box::new(failure)),
    }
}
