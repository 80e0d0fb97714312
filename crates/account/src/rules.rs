//! EventBridge: the rules of the default event bus.

use crate::answer::fact;
use aws_config::SdkConfig;
use quarry_edge::environment::environment;
use quarry_edge::error::StepError;
use quarry_edge::failure::Failure;
use quarry_edge::signed::{JSON_1_1, SignedCalls, SignedService, address, read_json};
use quarry_preflight::{Fact, Rule};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) struct EventRules(SignedCalls);

/// The largest page size (`ListRules`, `Limit`).
const PAGE: u32 = 100;
/// A listing with more pages than this goes in a circle: an account may have some hundred rules, a
/// few thousand if it asks for more.
const MOST_PAGES: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RulePage {
    #[serde(default)]
    rules: Vec<ListedRule>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedRule {
    name: String,
    state: Option<String>,
    /// JSON. Rules with a schedule have none.
    event_pattern: Option<String>,
}

impl From<ListedRule> for Rule {
    fn from(listed: ListedRule) -> Self {
        let pattern = listed.event_pattern.as_deref().map(serde_json::from_str);
        Self {
            name: listed.name,
            enabled: listed.state.as_deref() != Some("DISABLED"),
            // EventBridge only accepts patterns that are JSON.
            pattern: pattern.and_then(Result::ok).unwrap_or(Value::Null),
        }
    }
}

impl EventRules {
    pub(crate) fn new(config: &SdkConfig) -> Result<Self, StepError> {
        let service = SignedService {
            name: "EventBridge",
            signing_name: "events",
            protocol: JSON_1_1,
        };
        let endpoint = environment("AWS_ENDPOINT_URL_EVENTBRIDGE");
        let calls = SignedCalls::new(config, service, endpoint, |region| {
            address("events", region)
        })?;
        Ok(Self(calls))
    }

    pub(crate) async fn read(&self) -> Fact<Vec<Rule>> {
        let mut rules = Vec::new();
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let page = match self.page(token.as_deref()).await {
                Ok(page) => page,
                Err(failure) => return fact(Err(failure)),
            };
            rules.extend(page.rules.into_iter().map(Rule::from));
            token = page.next_token;
            if token.is_none() {
                return Fact::Known(rules);
            }
        }
        fact(Err(Failure::not_understood(
            "ListRules",
            "its pages do not end",
        )))
    }

    async fn page(&self, token: Option<&str>) -> Result<RulePage, Failure> {
        const OPERATION: &str = "ListRules";
        let target = [("x-amz-target", format!("AWSEvents.{OPERATION}"))];
        let mut input = json!({"Limit": PAGE});
        if let Some(token) = token {
            input["NextToken"] = token.into();
        }
        let answer = self.0.post(OPERATION, &target, input.to_string()).await?;
        read_json(OPERATION, &answer)
    }
}
