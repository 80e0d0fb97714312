//! The role that Bedrock uses for jobs.

use crate::checks::profile;
use crate::deployment::Deployment;
use crate::facts::{AccessOutcome, Decision, Fact, Facts, Permission};
use crate::finding::Findings;
use crate::policy::{Condition, Statement, statements};
use crate::subject::Subject;
use quarry_contract::arn::Arn;

const BEDROCK: &str = "bedrock.amazonaws.com";
/// The condition keys of a trust policy that are checked.
const SOURCE_ACCOUNT: &str = "aws:SourceAccount";
const SOURCE_ARN: &str = "aws:SourceArn";

pub(crate) fn check(subject: &Subject, facts: &Facts, found: &mut Findings) {
    let (Some(role), true) = (subject.role(), subject.makes_jobs()) else {
        return;
    };
    let about = format!("role {role}");
    check_name(subject, role, &about, found);
    match &facts.role {
        Fact::Absent => found.error(
            "role-missing",
            &about,
            "does not exist",
            "deploy the stack again, or set BEDROCK_BATCH_ROLE_ARN to a role that is there",
        ),
        Fact::Known(role) => check_trust(&role.trust, &subject.deployment, &about, found),
        _ => {}
    }
    if let Fact::Known(decisions) = &facts.permissions {
        for decision in decisions {
            check_decision(decision, &about, found);
        }
    }
}

fn check_name(subject: &Subject, role: &str, about: &str, found: &mut Findings) {
    let account = Arn::of(role).map(|arn| arn.account);
    if let (Some(of_role), Some(of_deployment)) = (account, subject.deployment.account.as_deref())
        && of_role != of_deployment
    {
        found.error(
            "role-account",
            about,
            format!("is of account {of_role}, and the deployment of {of_deployment}: a role is handed to Bedrock in its own account only"),
            "use a role of the deployment's account",
        );
    }
    let own = subject.deployment.batch_role.as_deref();
    if subject.is_of_request("BEDROCK_BATCH_ROLE_ARN") && own != Some(role) {
        found.error(
            "role-not-passable",
            about,
            "is not the deployment's own, the one that the submit function may hand to Bedrock",
            "leave BEDROCK_BATCH_ROLE_ARN out, or allow iam:PassRole on it to the submit function's role",
        );
    }
}

fn check_trust(
    trust: &serde_json::Value,
    deployment: &Deployment,
    about: &str,
    found: &mut Findings,
) {
    let statements = statements(trust);
    let of_bedrock: Vec<_> = statements
        .iter()
        .filter(|one| one.allows() && one.names_action("sts:AssumeRole"))
        .filter(|one| {
            one.principals("Service")
                .iter()
                .any(|who| matches!(*who, BEDROCK | "*"))
        })
        .collect();
    // One statement that trusts Bedrock is enough.
    if of_bedrock
        .iter()
        .any(|one| lets_in(one, deployment) == Some(true))
    {
        return;
    }
    let remedy = format!(
        "trust {BEDROCK} with sts:AssumeRole, on condition that {SOURCE_ACCOUNT} is the account and {SOURCE_ARN} is like \
         {}",
        job_arn(deployment, "*")
    );
    let Some(first) = of_bedrock.first() else {
        found.error(
            "role-trust",
            about,
            format!("does not trust {BEDROCK}: no job can be created with it"),
            remedy,
        );
        return;
    };
    for condition in first.conditions() {
        let values = condition.values.join(", ");
        let (operator, key) = (condition.operator, condition.key);
        match met(&condition, deployment) {
            Some(true) => {}
            Some(false) => found.error(
                "role-trust-condition",
                about,
                format!("trusts Bedrock only if {key} ({operator}) is {values}, which no job of this account and Region is"),
                remedy.clone(),
            ),
            None => found.warning(
                "role-trust-unclear",
                about,
                format!("trusts Bedrock on a condition on {key} ({operator}: {values}) that is not judged here"),
                "see for yourself that it holds for a job of this account and Region",
            ),
        }
    }
}

/// Whether all conditions hold; `None` if one of them is not checked here.
fn lets_in(statement: &Statement<'_>, deployment: &Deployment) -> Option<bool> {
    let conditions = statement.conditions();
    let met: Vec<_> = conditions.iter().map(|one| met(one, deployment)).collect();
    if met.contains(&Some(false)) {
        return Some(false);
    }
    (!met.contains(&None)).then_some(true)
}

fn met(condition: &Condition<'_>, deployment: &Deployment) -> Option<bool> {
    if condition.is_on(SOURCE_ARN) {
        return condition.holds_for(&job_arn(deployment, "abcdefghijkl"));
    }
    if condition.is_on(SOURCE_ACCOUNT) {
        return condition.holds_for(deployment.account.as_deref()?);
    }
    None
}

fn job_arn(deployment: &Deployment, job: &str) -> String {
    format!(
        "arn:{}:bedrock:{}:{}:model-invocation-job/{job}",
        deployment.partition(),
        deployment.region,
        deployment.account.as_deref().unwrap_or("<account>"),
    )
}

fn check_decision(decision: &Decision, about: &str, found: &mut Findings) {
    let Decision {
        action,
        resource,
        outcome,
        missing_context,
    } = decision;
    let why = match outcome {
        AccessOutcome::Allowed => return,
        AccessOutcome::ExplicitDeny => "a policy forbids it",
        AccessOutcome::ImplicitDeny => "no policy allows it",
    };
    if *outcome == AccessOutcome::ImplicitDeny && !missing_context.is_empty() {
        found.warning(
            "role-permission-unclear",
            about,
            format!(
                "{action} on {resource} depends on {}, which is not known here",
                missing_context.join(", ")
            ),
            "see for yourself that the condition holds when a job runs",
        );
        return;
    }
    let remedy = if action.starts_with("kms:") {
        "set KmsKeyArn to this key, so that the roles may use it; without that, jobs are accepted and fail minutes later with \
         a message about S3".to_owned()
    } else if action.starts_with("bedrock:") {
        "name the profile in ProfileArns and its models of all Regions in ModelArns, and deploy again".to_owned()
    } else {
        format!("allow {action} on it to the role, as infra/template.yaml does for `runs/`")
    };
    found.error(
        "role-permission",
        about,
        format!("may not {action} on {resource}: {why}"),
        remedy,
    );
}

/// Returns what jobs do with the role.
pub(crate) fn permissions(subject: &Subject, facts: &Facts) -> Vec<Permission> {
    let Some(round) = subject.some_round().filter(|_| subject.makes_jobs()) else {
        return Vec::new();
    };
    let deployment = &subject.deployment;
    let partition = deployment.partition();
    let account = deployment.account.clone().unwrap_or_default();
    let of_account = ("aws:ResourceAccount", account);
    let (input, output) = (round.input(), round.output().join("job/records.jsonl.out"));
    let object = |at: &quarry_contract::location::S3Uri| {
        format!("arn:{partition}:s3:::{}/{}", at.bucket(), at.key())
    };
    let mut needed = vec![
        Permission {
            actions: vec!["s3:ListBucket"],
            resource: format!("arn:{partition}:s3:::{}", input.bucket()),
            context: vec![of_account.clone(), ("s3:prefix", input.key().to_owned())],
        },
        Permission {
            actions: vec!["s3:GetObject"],
            resource: object(&input),
            context: vec![of_account.clone()],
        },
        Permission {
            actions: vec!["s3:PutObject"],
            resource: object(&output),
            context: vec![of_account.clone()],
        },
    ];
    if let Fact::Known(key) = &facts.key {
        let through = format!("s3.{}.{}", deployment.region, deployment.url_suffix());
        needed.push(Permission {
            actions: vec!["kms:Decrypt", "kms:GenerateDataKey"],
            resource: key.arn.clone(),
            context: vec![of_account, ("kms:ViaService", through)],
        });
    }
    // Only a job that uses a profile calls the model with this role.
    let asked = subject.models();
    let of_job = asked.first().filter(|_| subject.has_model());
    let profile = of_job.and_then(|asked| {
        let facts = facts.models.iter().find(|facts| facts.id == asked.id)?;
        facts.profile.known()
    });
    if let Some(profile) = profile {
        let models = profile::models(profile, partition);
        let asked = std::iter::once(profile.arn.clone()).chain(models);
        needed.extend(asked.map(|resource| Permission {
            actions: vec!["bedrock:InvokeModel"],
            resource,
            context: Vec::new(),
        }));
    }
    needed
}
