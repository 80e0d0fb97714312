//! KMS: a key and its policy.

use crate::answer::fact;
use aws_config::SdkConfig;
use quarry_edge::environment::environment;
use quarry_edge::error::StepError;
use quarry_edge::failure::Failure;
use quarry_edge::signed::{JSON_1_1, SignedCalls, SignedService, address, read_json};
use quarry_preflight::{EncryptionKey, Fact};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) struct Kms(SignedCalls);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeKeyResponse {
    key_metadata: KeyMetadata,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyMetadata {
    arn: String,
    key_state: String,
    key_usage: String,
    key_spec: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetKeyPolicyResponse {
    /// JSON.
    policy: String,
}

impl Kms {
    pub(crate) fn new(config: &SdkConfig) -> Result<Self, StepError> {
        let service = SignedService {
            name: "KMS",
            signing_name: "kms",
            protocol: JSON_1_1,
        };
        let endpoint = environment("AWS_ENDPOINT_URL_KMS");
        let calls = SignedCalls::new(config, service, endpoint, |region| address("kms", region))?;
        Ok(Self(calls))
    }

    /// Reads a key, given by id, alias or ARN, and its policy.
    pub(crate) async fn read(&self, key: Option<&str>) -> (Fact<EncryptionKey>, Fact<Value>) {
        let Some(id) = key else {
            return (Fact::NotRead, Fact::NotRead);
        };
        let key = fact(self.key(id).await);
        let policy = match &key {
            Fact::Known(key) => fact(self.policy(&key.arn).await),
            _ => Fact::NotRead,
        };
        (key, policy)
    }

    async fn key(&self, id: &str) -> Result<EncryptionKey, Failure> {
        let answer: DescribeKeyResponse = self.call("DescribeKey", &json!({"KeyId": id})).await?;
        let key = answer.key_metadata;
        Ok(EncryptionKey {
            arn: key.arn,
            state: key.key_state,
            usage: key.key_usage,
            spec: key.key_spec,
        })
    }

    async fn policy(&self, arn: &str) -> Result<Value, Failure> {
        let input = json!({"KeyId": arn, "PolicyName": "default"});
        let answer: GetKeyPolicyResponse = self.call("GetKeyPolicy", &input).await?;
        serde_json::from_str(&answer.policy)
            .map_err(|error| Failure::not_understood("the key's policy", error))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        input: &Value,
    ) -> Result<T, Failure> {
        let target = [("x-amz-target", format!("TrentService.{operation}"))];
        let answer = self.0.post(operation, &target, input.to_string()).await?;
        read_json(operation, &answer)
    }
}
