//! IAM: a role's trust policy and permissions.

use crate::answer::fact;
use crate::query::{Members, QUERY, call};
use aws_config::SdkConfig;
use quarry_edge::environment::environment;
use quarry_edge::error::StepError;
use quarry_edge::failure::Failure;
use quarry_edge::signed::{SignedCalls, SignedService};
use quarry_preflight::{AccessOutcome, Decision, Fact, Permission, Role};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Iam(SignedCalls);

const VERSION: &str = "2010-05-08";

#[derive(Debug, Deserialize)]
struct GetRoleResponse {
    #[serde(rename = "GetRoleResult")]
    result: GetRoleResult,
}

#[derive(Debug, Deserialize)]
struct GetRoleResult {
    #[serde(rename = "Role")]
    role: IamRole,
}

#[derive(Debug, Deserialize)]
struct IamRole {
    /// JSON, URL-encoded.
    #[serde(rename = "AssumeRolePolicyDocument")]
    trust: String,
}

#[derive(Debug, Deserialize)]
struct SimulateResponse {
    #[serde(rename = "SimulatePrincipalPolicyResult")]
    result: SimulateResult,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SimulateResult {
    #[serde(default)]
    evaluation_results: Members<Evaluation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Evaluation {
    eval_action_name: String,
    eval_decision: String,
    #[serde(default)]
    missing_context_values: Members<String>,
}

impl Iam {
    pub(crate) fn new(config: &SdkConfig) -> Result<Self, StepError> {
        let service = SignedService {
            name: "IAM",
            signing_name: "iam",
            protocol: QUERY,
        };
        let region = config.region().map(ToString::to_string);
        let (address, of_partition) = home(&region.unwrap_or_default());
        let endpoint = environment("AWS_ENDPOINT_URL_IAM");
        let calls = SignedCalls::new(config, service, endpoint, |_| address.to_owned())?;
        Ok(Self(calls.signed_for(of_partition)))
    }

    pub(crate) async fn role(&self, arn: &str) -> Fact<Role> {
        // The name may follow a path.
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let input = [("RoleName".to_owned(), name.to_owned())];
        let answer = call::<GetRoleResponse>(&self.0, VERSION, "GetRole", &input).await;
        fact(answer.and_then(|answer| {
            let trust = percent_encoding::percent_decode_str(&answer.result.role.trust);
            let trust = trust.decode_utf8_lossy();
            let trust: Value = serde_json::from_str(&trust)
                .map_err(|error| Failure::not_understood("the role's trust policy", error))?;
            Ok(Role { trust })
        }))
    }

    /// Decides the permissions by the policies of the role and of the organisation. The policies of
    /// the resources are not considered.
    pub(crate) async fn may(&self, role: &str, permissions: &[Permission]) -> Fact<Vec<Decision>> {
        let mut decisions = Vec::new();
        for permission in permissions {
            match self.decisions(role, permission).await {
                Ok(more) => decisions.extend(more),
                Err(failure) => return fact(Err(failure)),
            }
        }
        Fact::Known(decisions)
    }

    async fn decisions(
        &self,
        role: &str,
        permission: &Permission,
    ) -> Result<Vec<Decision>, Failure> {
        let input = simulation(role, permission);
        let answer: SimulateResponse =
            call(&self.0, VERSION, "SimulatePrincipalPolicy", &input).await?;
        let evaluations = answer.result.evaluation_results.members;
        if evaluations.len() != permission.actions.len() {
            return Err(Failure::not_understood(
                "SimulatePrincipalPolicy",
                "there are not as many decisions as actions",
            ));
        }
        Ok(evaluations
            .into_iter()
            .map(|one| Decision {
                action: one.eval_action_name,
                resource: permission.resource.clone(),
                outcome: match one.eval_decision.as_str() {
                    "allowed" => AccessOutcome::Allowed,
                    "explicitDeny" => AccessOutcome::ExplicitDeny,
                    _ => AccessOutcome::ImplicitDeny,
                },
                missing_context: one.missing_context_values.members,
            })
            .collect())
    }
}

/// Returns the form fields of a simulation, without the operation's name.
fn simulation(role: &str, permission: &Permission) -> Vec<(String, String)> {
    let mut input = vec![
        ("PolicySourceArn".to_owned(), role.to_owned()),
        (
            "ResourceArns.member.1".to_owned(),
            permission.resource.clone(),
        ),
    ];
    for (number, action) in (1..).zip(&permission.actions) {
        input.push((format!("ActionNames.member.{number}"), (*action).to_owned()));
    }
    for (number, (key, value)) in (1..).zip(&permission.context) {
        let entry = format!("ContextEntries.member.{number}");
        input.push((format!("{entry}.ContextKeyName"), (*key).to_owned()));
        input.push((format!("{entry}.ContextKeyType"), "string".to_owned()));
        input.push((format!("{entry}.ContextKeyValues.member.1"), value.clone()));
    }
    input
}

/// Returns IAM's host and the Region of its signatures. Each partition has IAM in one Region.
fn home(region: &str) -> (&'static str, &'static str) {
    match region {
        region if region.starts_with("cn-") => {
            ("https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1")
        }
        region if region.starts_with("us-gov-") => {
            ("https://iam.us-gov.amazonaws.com", "us-gov-west-1")
        }
        _ => ("https://iam.amazonaws.com", "us-east-1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_names_one_resource_and_its_context() {
        let permission = Permission {
            actions: vec!["kms:Decrypt", "kms:GenerateDataKey"],
            resource: "arn:k".to_owned(),
            context: vec![("kms:ViaService", "s3.eu-central-1.amazonaws.com".to_owned())],
        };
        let form: Vec<String> = simulation("arn:r", &permission)
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            form,
            [
                "PolicySourceArn=arn:r",
                "ResourceArns.member.1=arn:k",
                "ActionNames.member.1=kms:Decrypt",
                "ActionNames.member.2=kms:GenerateDataKey",
                "ContextEntries.member.1.ContextKeyName=kms:ViaService",
                "ContextEntries.member.1.ContextKeyType=string",
                "ContextEntries.member.1.ContextKeyValues.member.1=s3.eu-central-1.amazonaws.com",
            ]
        );
    }

    #[test]
    fn iam_has_one_home_in_each_partition() {
        assert_eq!(home("eu-central-1").1, "us-east-1");
        assert_eq!(
            home("cn-northwest-1").0,
            "https://iam.cn-north-1.amazonaws.com.cn"
        );
        assert_eq!(home("us-gov-east-1").1, "us-gov-west-1");
    }
}
