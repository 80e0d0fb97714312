//! Lambda: how many functions the account may run at the same time.

use crate::answer::fact;
use aws_config::SdkConfig;
use quarry_edge::environment::environment;
use quarry_edge::error::StepError;
use quarry_edge::failure::Failure;
use quarry_edge::signed::{REST_JSON, SignedCalls, SignedService, address, read_json};
use quarry_preflight::{Concurrency, Fact};
use serde::Deserialize;

#[derive(Debug)]
pub(crate) struct Lambda(SignedCalls);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountSettings {
    account_limit: AccountLimit,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountLimit {
    concurrent_executions: u32,
    unreserved_concurrent_executions: u32,
}

impl Lambda {
    pub(crate) fn new(config: &SdkConfig) -> Result<Self, StepError> {
        let service = SignedService {
            name: "Lambda",
            signing_name: "lambda",
            protocol: REST_JSON,
        };
        let endpoint = environment("AWS_ENDPOINT_URL_LAMBDA");
        let calls = SignedCalls::new(config, service, endpoint, |region| {
            address("lambda", region)
        })?;
        Ok(Self(calls))
    }

    pub(crate) async fn read(&self) -> Fact<Concurrency> {
        fact(self.account_settings().await)
    }

    async fn account_settings(&self) -> Result<Concurrency, Failure> {
        const OPERATION: &str = "GetAccountSettings";
        let answer = self
            .0
            .get(OPERATION, "/2016-08-19/account-settings/")
            .await?;
        let settings: AccountSettings = read_json(OPERATION, &answer)?;
        Ok(Concurrency {
            limit: settings.account_limit.concurrent_executions,
            unreserved: settings.account_limit.unreserved_concurrent_executions,
        })
    }
}
