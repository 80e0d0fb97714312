//! The KMS key that encrypts the output of jobs.

use crate::facts::{EncryptionKey, Fact, Facts};
use crate::finding::Findings;
use crate::policy::statements;
use crate::subject::Subject;
use quarry_contract::arn::Arn;
use serde_json::Value;

/// The actions of the roles on the key.
const USES: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

pub(crate) fn check(subject: &Subject, facts: &Facts, found: &mut Findings) {
    let Some(name) = &subject.settings.output_kms_key else {
        return;
    };
    let about = format!("KMS key {name}");
    let of_roles = subject.parameters.kms_key_arn.as_ref();
    if subject.is_of_request("BEDROCK_OUTPUT_KMS_KEY") && of_roles != Some(name) {
        let may = of_roles.map_or("none", String::as_str);
        found.error(
            "key-not-granted",
            &about,
            format!("is not the deployment's ({may}), the only one that the role of jobs may use"),
            "leave BEDROCK_OUTPUT_KMS_KEY out, or deploy with KmsKeyArn set to this key",
        );
    }
    let arn = facts.key.known().map_or(name, |key| &key.arn);
    if let Some(region) = Arn::of(arn).map(|arn| arn.region)
        && region != subject.deployment.region
    {
        found.error(
            "key-region",
            &about,
            format!(
                "is in {region}, and the deployment in {}",
                subject.deployment.region
            ),
            "use a key of the deployment's Region",
        );
    }
    match &facts.key {
        Fact::Absent => found.error(
            "key-missing",
            &about,
            "does not exist",
            "set KmsKeyArn to a key that is there, or leave it empty",
        ),
        Fact::Known(key) => check_key(key, &about, found),
        _ => {}
    }
    if let Fact::Known(policy) = &facts.key_policy {
        check_policy(subject, policy, &about, found);
    }
}

fn check_key(key: &EncryptionKey, about: &str, found: &mut Findings) {
    if key.state != "Enabled" {
        let remedy = match key.state.as_str() {
            "PendingDeletion" => {
                "cancel its deletion (aws kms cancel-key-deletion, then enable-key), or use another key"
            }
            _ => "enable it (aws kms enable-key), or use another key",
        };
        let problem = format!(
            "is {}: objects can be neither written nor read with it",
            key.state
        );
        found.error("key-state", about, problem, remedy);
    }
    if key.usage != "ENCRYPT_DECRYPT" || key.spec != "SYMMETRIC_DEFAULT" {
        found.error(
            "key-kind",
            about,
            format!(
                "is a key for {} ({}): S3 encrypts with symmetric keys only",
                key.usage, key.spec
            ),
            "use a symmetric key for encryption",
        );
    }
}

/// The deployment's roles get access to the key by IAM policies, so the key's own policy must allow
/// IAM policies to grant it.
fn check_policy(subject: &Subject, policy: &Value, about: &str, found: &mut Findings) {
    let account = subject.deployment.account.as_deref().unwrap_or_default();
    let root = format!("arn:{}:iam::{account}:root", subject.deployment.partition());
    let statements = statements(policy);
    let lets = |who: &dyn Fn(&str) -> bool| {
        USES.iter().all(|action| {
            statements.iter().any(|one| {
                one.allows()
                    && one.names_action(action)
                    && one.principals("AWS").iter().any(|principal| who(principal))
            })
        })
    };
    if lets(&|principal| principal == root || principal == account || principal == "*") {
        return;
    }
    let remedy = format!(
        "add a statement that allows kms:* to {root}: docs/security.md, \"With a KMS key\""
    );
    let role = subject.role().unwrap_or_default();
    if !role.is_empty() && lets(&|principal| principal == role) {
        found.warning(
            "key-policy",
            about,
            "its policy names the role of jobs, but does not let IAM decide: the functions' roles have to be named too",
            remedy,
        );
    } else {
        found.error(
            "key-policy",
            about,
            "its policy does not let the account's IAM policies decide, so no role of the deployment may use it",
            remedy,
        );
    }
}
