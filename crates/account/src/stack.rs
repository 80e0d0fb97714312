//! CloudFormation: the parameters and outputs of a stack.

use crate::error::AccountError;
use crate::query::{Members, QUERY, call};
use aws_config::SdkConfig;
use quarry_contract::arn::Arn;
use quarry_edge::environment::environment;
use quarry_edge::error::StepError;
use quarry_edge::failure::Kind;
use quarry_edge::signed::{SignedCalls, SignedService, address};
use quarry_preflight::{Deployment, DeploymentStage};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug)]
pub(crate) struct Stacks(SignedCalls);

/// A deployed stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedStack {
    /// The deployment.
    pub deployment: Deployment,
    /// The stack's outputs, by name.
    pub outputs: BTreeMap<String, String>,
}

const VERSION: &str = "2010-05-15";

#[derive(Debug, Deserialize)]
struct DescribeStacksResponse {
    #[serde(rename = "DescribeStacksResult")]
    result: DescribeStacksResult,
}

#[derive(Debug, Deserialize)]
struct DescribeStacksResult {
    #[serde(rename = "Stacks")]
    stacks: Members<Stack>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stack {
    #[serde(rename = "StackId")]
    id: String,
    #[serde(rename = "StackName")]
    name: Option<String>,
    #[serde(rename = "StackStatus")]
    status: Option<String>,
    #[serde(default)]
    parameters: Members<StackParameter>,
    #[serde(default)]
    outputs: Members<Output>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StackParameter {
    parameter_key: String,
    #[serde(default)]
    parameter_value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    #[serde(default)]
    output_value: String,
}

impl Stacks {
    pub(crate) fn new(config: &SdkConfig) -> Result<Self, StepError> {
        let service = SignedService {
            name: "CloudFormation",
            signing_name: "cloudformation",
            protocol: QUERY,
        };
        let endpoint = environment("AWS_ENDPOINT_URL_CLOUDFORMATION");
        let calls = SignedCalls::new(config, service, endpoint, |region| {
            address("cloudformation", region)
        })?;
        Ok(Self(calls))
    }

    pub(crate) async fn read(
        &self,
        name: &str,
        region: &str,
    ) -> Result<DeployedStack, AccountError> {
        let input = [("StackName".to_owned(), name.to_owned())];
        let missing = || AccountError::NoStack {
            name: name.to_owned(),
            region: region.to_owned(),
        };
        let answer =
            call::<DescribeStacksResponse>(&self.0, VERSION, "DescribeStacks", &input).await;
        let answer = answer.map_err(|source| {
            // CloudFormation has no error code for a missing stack.
            if source.kind == Kind::Invalid && source.message.contains("does not exist") {
                missing()
            } else {
                AccountError::Stack {
                    name: name.to_owned(),
                    source,
                }
            }
        })?;
        let stack = answer
            .result
            .stacks
            .members
            .into_iter()
            .next()
            .ok_or_else(missing)?;
        Ok(deployed(stack, region))
    }
}

fn deployed(stack: Stack, region: &str) -> DeployedStack {
    let account = Arn::of(&stack.id).map(|arn| arn.account.to_owned());
    let outputs: BTreeMap<String, String> = stack
        .outputs
        .members
        .into_iter()
        .map(|output| (output.output_key, output.output_value))
        .collect();
    let deployment = Deployment {
        stage: DeploymentStage::Deployed,
        stack: stack.name,
        region: region.to_owned(),
        account,
        parameters: stack
            .parameters
            .members
            .into_iter()
            .map(|parameter| (parameter.parameter_key, parameter.parameter_value))
            .collect(),
        batch_role: outputs.get("BatchRoleArn").cloned(),
        status: stack.status,
    };
    DeployedStack {
        deployment,
        outputs,
    }
}
