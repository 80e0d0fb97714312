//! Counting tokens, for an estimate.

use crate::error::{Calling, RemoteError};
use aws_config::SdkConfig;
use bytes::Bytes;
use quarry_account::Account;
use quarry_edge::bedrock::BedrockTokenCounter;
use quarry_edge::failure::{CallError, chain};
use quarry_edge::on_demand::Question;
use quarry_edge::token_counter::TokenCounter;
use std::sync::Arc;

/// Asks Bedrock how many tokens models would read. The calls are free of charge.
pub struct TokenCounts {
    counter: Arc<dyn TokenCounter>,
}

impl TokenCounts {
    /// Checks whether there are credentials.
    pub async fn open(sdk: SdkConfig) -> Result<Self, RemoteError> {
        Account::new(&sdk, false)?.check_credentials().await?;
        Ok(Self {
            counter: Arc::new(BedrockTokenCounter::new(&sdk)?),
        })
    }

    /// Returns the tokens that a foundation model would read. `body` is a `Converse` body if `converse` says so,
    /// otherwise one of `InvokeModel`.
    pub async fn count(
        &self,
        model: &str,
        converse: bool,
        body: Bytes,
    ) -> Result<u64, RemoteError> {
        let question = Question::of(model, converse, body);
        match self.counter.count(&question).await {
            Err(error @ (CallError::Refused(_) | CallError::NotFound(_))) => {
                Err(RemoteError::NotCounted {
                    model: model.to_owned(),
                    message: chain(&error),
                })
            }
            counted => counted.calling("bedrock:CountTokens"),
        }
    }
}
