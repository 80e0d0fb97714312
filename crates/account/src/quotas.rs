//! Service Quotas: the account's quotas of Bedrock.

use crate::answer::fact;
use aws_config::SdkConfig;
use quarry_edge::environment::environment;
use quarry_edge::error::StepError;
use quarry_edge::failure::Failure;
use quarry_edge::signed::{JSON_1_1, SignedCalls, SignedService, address, read_json};
use quarry_preflight::{Fact, Quota};
use serde::Deserialize;
use serde_json::json;

#[derive(Debug)]
pub(crate) struct Quotas(SignedCalls);

/// The largest page size (`ListServiceQuotas`, `MaxResults`).
const PAGE: u32 = 100;
/// The most pages that are read. Bedrock has far fewer quotas, so a longer listing would never end.
const MOST_PAGES: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QuotaPage {
    #[serde(default)]
    quotas: Vec<ListedQuota>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedQuota {
    quota_name: Option<String>,
    value: Option<f64>,
}

impl Quotas {
    pub(crate) fn new(config: &SdkConfig) -> Result<Self, StepError> {
        let service = SignedService {
            name: "Service Quotas",
            signing_name: "servicequotas",
            protocol: JSON_1_1,
        };
        let endpoint = environment("AWS_ENDPOINT_URL_SERVICE_QUOTAS");
        let calls = SignedCalls::new(config, service, endpoint, |region| {
            address("servicequotas", region)
        })?;
        Ok(Self(calls))
    }

    pub(crate) async fn read(&self) -> Fact<Vec<Quota>> {
        let mut quotas = Vec::new();
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let page = match self.page(token.as_deref()).await {
                Ok(page) => page,
                Err(failure) => return fact(Err(failure)),
            };
            quotas.extend(page.quotas.into_iter().filter_map(|quota| {
                Some(Quota {
                    name: quota.quota_name?,
                    value: quota.value?,
                })
            }));
            token = page.next_token;
            if token.is_none() {
                return Fact::Known(quotas);
            }
        }
        fact(Err(Failure::not_understood(
            "ListServiceQuotas",
            "its pages do not end",
        )))
    }

    async fn page(&self, token: Option<&str>) -> Result<QuotaPage, Failure> {
        const OPERATION: &str = "ListServiceQuotas";
        let target = [(
            "x-amz-target",
            format!("ServiceQuotasV20190624.{OPERATION}"),
        )];
        let mut input = json!({"ServiceCode": "bedrock", "MaxResults": PAGE});
        if let Some(token) = token {
            input["NextToken"] = token.into();
        }
        let answer = self.0.post(OPERATION, &target, input.to_string()).await?;
        read_json(OPERATION, &answer)
    }
}
