//! A deployment: its Region and the parameters of `infra/template.yaml`.

use crate::finding::Findings;
use quarry_contract::arn::Arn;
use quarry_contract::settings::nearest;
use std::collections::BTreeMap;

/// Whether the stack exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentStage {
    /// The stack is about to be deployed with these parameters.
    Planned,
    /// The stack exists.
    Deployed,
}

/// The deployment to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Whether the stack exists.
    pub stage: DeploymentStage,
    /// The stack's name, if it is known.
    pub stack: Option<String>,
    /// The Region in which it is, or will be.
    pub region: String,
    /// The account that owns it, if it is known.
    pub account: Option<String>,
    /// The template's parameters, by name.
    pub parameters: BTreeMap<String, String>,
    /// The role that the stack created for jobs: its output `BatchRoleArn`.
    pub batch_role: Option<String>,
    /// CloudFormation's status of the stack: `CREATE_COMPLETE`, ….
    pub status: Option<String>,
}

impl Deployment {
    /// Returns the Region's partition.
    pub fn partition(&self) -> &'static str {
        match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// Returns the domain of the services' addresses.
    pub(crate) fn url_suffix(&self) -> &'static str {
        if self.partition() == "aws-cn" {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        }
    }
}

/// The parameters of the template.
pub const PARAMETERS: [&str; 26] = [
    "BucketName",
    "CreateBucket",
    "KmsKeyArn",
    "WorkDays",
    "MaxRows",
    "MaxDataBytes",
    "MaxCost",
    "PriceIn",
    "PriceOut",
    "ReadableArns",
    "WritableArns",
    "DataKeyArns",
    "ModelId",
    "ModelArns",
    "ProfileArns",
    "RedriveHours",
    "PipelineRoleArns",
    "Architecture",
    "InvokeReservedConcurrency",
    "PermissionsBoundaryArn",
    "Email",
    "LogLevel",
    "RunLogLevel",
    "LogDays",
    "RowsFailedThreshold",
    "JobAgeHours",
];

/// The template's defaults for parameters that decide whether runs work.
const DEFAULTS: [(&str, &str); 3] = [
    ("ModelId", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
    (
        "ModelArns",
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0,\
         arn:aws:bedrock:us-east-2::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0,\
         arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
    ),
    (
        "ProfileArns",
        "arn:aws:bedrock:*:*:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
    ),
];

/// The parameters that decide whether runs work. An empty one counts as not set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `BucketName`; empty when it is missing.
    pub bucket_name: String,
    /// `CreateBucket`.
    pub create_bucket: bool,
    /// `KmsKeyArn`.
    pub kms_key_arn: Option<String>,
    /// `ReadableArns`.
    pub readable_arns: Vec<String>,
    /// `WritableArns`.
    pub writable_arns: Vec<String>,
    /// `ModelId`.
    pub model_id: Option<String>,
    /// `ModelArns`.
    pub model_arns: Vec<String>,
    /// `ProfileArns`.
    pub profile_arns: Vec<String>,
    /// `InvokeReservedConcurrency`; 0 reserves nothing.
    pub invoke_reserved_concurrency: u32,
    /// `PermissionsBoundaryArn`.
    pub permissions_boundary_arn: Option<String>,
}

impl Parameters {
    pub(crate) fn read(values: &BTreeMap<String, String>, findings: &mut Findings) -> Self {
        for name in values.keys() {
            if !PARAMETERS.contains(&name.as_str()) {
                let remedy = match nearest(name, &PARAMETERS) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => "leave it out; docs/deploy.md lists all parameters".to_owned(),
                };
                let subject = format!("parameter {name}");
                findings.error(
                    "parameter-unknown",
                    subject,
                    "the template has no such parameter",
                    remedy,
                );
            }
        }
        let text = |name: &str| {
            let default = DEFAULTS.iter().find(|(of, _)| *of == name);
            let default = default.map(|(_, value)| *value);
            let value = values.get(name).map(|value| value.trim()).or(default);
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let list = |name: &str| -> Vec<String> {
            let parts = text(name).unwrap_or_default();
            let parts = parts.split(',').map(str::trim);
            parts
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        for (name, example) in [
            ("BucketName", "the name of the bucket that Quarry works in"),
            ("ModelArns", "the ARNs of the models that runs may ask"),
        ] {
            if text(name).is_none() {
                let subject = format!("parameter {name}");
                findings.error(
                    "parameter-missing",
                    subject,
                    "is not set",
                    format!("set it to {example}"),
                );
            }
        }
        let parameters = Self {
            bucket_name: text("BucketName").unwrap_or_default(),
            create_bucket: text("CreateBucket").as_deref() != Some("no"),
            kms_key_arn: text("KmsKeyArn"),
            readable_arns: list("ReadableArns"),
            writable_arns: list("WritableArns"),
            model_id: text("ModelId"),
            model_arns: list("ModelArns"),
            profile_arns: list("ProfileArns"),
            invoke_reserved_concurrency: reserved(text("InvokeReservedConcurrency"), findings),
            permissions_boundary_arn: text("PermissionsBoundaryArn"),
        };
        parameters.check_arns(findings);
        parameters
    }

    /// Checks for texts that are not ARNs or are ARNs of other things.
    fn check_arns(&self, findings: &mut Findings) {
        if let Some(arn) = &self.kms_key_arn {
            require(
                "KmsKeyArn",
                arn,
                "kms",
                &["key/"],
                "the key's own ARN, no alias",
                findings,
            );
        }
        for arn in &self.model_arns {
            let kinds = ["foundation-model/", "custom-model/"];
            let example = "an ARN like arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0";
            require("ModelArns", arn, "bedrock", &kinds, example, findings);
        }
        for arn in &self.profile_arns {
            let kinds = ["inference-profile/", "application-inference-profile/"];
            let example = "the profile's ARN, which `aws bedrock get-inference-profile` shows";
            require("ProfileArns", arn, "bedrock", &kinds, example, findings);
        }
        if let Some(arn) = &self.permissions_boundary_arn {
            let example =
                "the ARN of a managed policy, like arn:aws:iam::123456789012:policy/boundary";
            require(
                "PermissionsBoundaryArn",
                arn,
                "iam",
                &["policy/"],
                example,
                findings,
            );
        }
        for (name, arns) in [
            ("ReadableArns", &self.readable_arns),
            ("WritableArns", &self.writable_arns),
        ] {
            for arn in arns {
                let example = "two ARNs for each place, the bucket's and the objects', with `*` at the end only";
                let prefix = arn.strip_suffix('*').unwrap_or(arn);
                // Trigger does not start with other patterns.
                let kinds: &[&str] = if prefix.contains(['*', '?']) {
                    &[]
                } else {
                    &[""]
                };
                require(name, arn, "s3", kinds, example, findings);
            }
        }
    }
}

/// Reads `InvokeReservedConcurrency`, a whole number.
fn reserved(text: Option<String>, findings: &mut Findings) -> u32 {
    let Some(text) = text else { return 0 };
    text.parse().unwrap_or_else(|_| {
        findings.error(
            "parameter-value",
            "parameter InvokeReservedConcurrency",
            format!("`{text}` is not what it takes"),
            "use a whole number; 0 reserves nothing",
        );
        0
    })
}

/// Reports a parameter's ARN that is not of this service, or of none of these kinds of resources.
fn require(
    name: &str,
    arn: &str,
    service: &str,
    kinds: &[&str],
    example: &str,
    findings: &mut Findings,
) {
    let fits = Arn::of(arn).is_some_and(|arn| {
        arn.service == service && kinds.iter().any(|kind| arn.resource.starts_with(kind))
    });
    if !fits {
        let problem = format!("`{arn}` is not what it takes");
        findings.error(
            "parameter-value",
            format!("parameter {name}"),
            problem,
            format!("use {example}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list is the same as the template's.
    #[test]
    fn the_parameters_are_the_templates() {
        let template = include_str!("../../../infra/template.yaml");
        let section = template.split("\nParameters:\n").nth(1).unwrap();
        let section = section.split("\nConditions:\n").next().unwrap();
        let names: Vec<&str> = section
            .lines()
            .filter(|line| {
                line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':')
            })
            .map(|line| line.trim().trim_end_matches(':'))
            .collect();
        assert_eq!(names, PARAMETERS);
    }

    /// The defaults are the same as the template's.
    #[test]
    fn the_defaults_are_the_templates() {
        let template = include_str!("../../../infra/template.yaml");
        for (name, value) in DEFAULTS {
            let parameter = template.split(&format!("\n  {name}:\n")).nth(1).unwrap();
            let default = parameter.split("Default: ").nth(1).unwrap();
            let default = default.split("AllowedPattern").next().unwrap();
            // YAML folds a text over several lines.
            let default: String = default
                .lines()
                .map(str::trim)
                .filter(|line| !line.starts_with('#'))
                .map(|line| line.trim_matches(['"', '\\']))
                .collect();
            assert_eq!(default, value, "{name}");
        }
    }
}
