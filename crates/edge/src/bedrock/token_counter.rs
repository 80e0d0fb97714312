//! `CountTokens`:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html>.

use crate::error::StepError;
use crate::failure::{CallError, Failure, Kind};
use crate::on_demand::Question;
use crate::signed::{
    REST_JSON, SignedCalls, SignedService, address_for, encoded, endpoint_of, read_json,
};
use crate::token_counter::TokenCounter;
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_smithy_types::base64;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const COUNT: &str = "CountTokens";

/// The members of a `Converse` body that `CountTokens` takes; the others have no tokens.
const COUNTED: [&str; 4] = [
    "messages",
    "system",
    "toolConfig",
    "additionalModelRequestFields",
];

/// [`TokenCounter`] in the Region that the SDK configuration names.
#[derive(Debug, Clone)]
pub struct BedrockTokenCounter {
    calls: SignedCalls,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    input_tokens: u64,
}

impl BedrockTokenCounter {
    /// Makes calls in the configuration's Region.
    pub fn new(config: &SdkConfig) -> Result<Self, StepError> {
        let service = SignedService {
            name: "Bedrock Runtime",
            signing_name: "bedrock",
            protocol: REST_JSON,
        };
        let endpoint = endpoint_of(config, "Bedrock Runtime");
        let calls = SignedCalls::new(config, service, endpoint, |region| {
            address_for(config, "bedrock-runtime", region)
        });
        Ok(Self { calls: calls? })
    }
}

#[async_trait]
impl TokenCounter for BedrockTokenCounter {
    async fn count(&self, question: &Question<'_>) -> Result<u64, CallError> {
        let path = format!("/model/{}/count-tokens", encoded(question.model_id));
        let body = request(question)?.to_string();
        let response = self.calls.post_to("CountTokens", &path, body).await?;
        let counted: Counted = read_json(COUNT, &response)?;
        Ok(counted.input_tokens)
    }
}

/// Returns the request about a question.
fn request(question: &Question<'_>) -> Result<Value, Failure> {
    if !question.converse {
        let body = base64::encode(&question.body);
        return Ok(json!({"input": {"invokeModel": {"body": body}}}));
    }
    let body: Map<String, Value> =
        serde_json::from_slice(&question.body).map_err(|error| Failure {
            kind: Kind::Invalid,
            status: None,
            code: None,
            message: format!("the body of a Converse request cannot be read: {error}"),
        })?;
    let counted = body.into_iter();
    let counted: Map<String, Value> = counted
        .filter(|(name, _)| COUNTED.contains(&name.as_str()))
        .collect();
    Ok(json!({"input": {"converse": counted}}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_body_is_sent_as_the_operation_takes_it() {
        let body = Bytes::from_static(br#"{"max_tokens":5,"messages":[]}"#);
        let question = Question::of("m", false, body);
        let expected =
            json!({"input": {"invokeModel": {"body": "eyJtYXhfdG9rZW5zIjo1LCJtZXNzYWdlcyI6W119"}}});
        assert_eq!(request(&question).unwrap(), expected);
        let body = Bytes::from_static(br#"{"messages":[],"inferenceConfig":{"maxTokens":5}}"#);
        let question = Question::of("m", true, body);
        let expected = json!({"input": {"converse": {"messages": []}}});
        assert_eq!(request(&question).unwrap(), expected);
        let question = Question::of("m", true, Bytes::from_static(b"no JSON"));
        request(&question).unwrap_err();
    }
}
