//! Facts that could not be read.

use crate::facts::{Fact, Facts, Why};
use crate::finding::Findings;

/// A fact that was read or tried, as a report names it.
pub(crate) struct Look<'a> {
    /// `bucket`
    pub(crate) what: String,
    /// The permission for reading it.
    needs: &'static str,
    pub(crate) was_read: bool,
    unreadable: Option<&'a Why>,
}

fn look<'a, T>(
    what: impl Into<String>,
    needs: &'static str,
    fact: &'a Fact<T>,
) -> Option<Look<'a>> {
    (!matches!(fact, Fact::NotRead)).then(|| Look {
        what: what.into(),
        needs,
        was_read: fact.unreadable().is_none(),
        unreadable: fact.unreadable(),
    })
}

/// Returns all facts that were read or tried.
pub(crate) fn looks(facts: &Facts) -> Vec<Look<'_>> {
    let mut looks = vec![
        look("bucket", "s3:ListBucket", &facts.bucket),
        look(
            "bucket's notifications",
            "s3:GetBucketNotification",
            &facts.events,
        ),
        look(
            "bucket's encryption",
            "s3:GetEncryptionConfiguration",
            &facts.encryption,
        ),
        look("role", "iam:GetRole", &facts.role),
        look(
            "role's permissions",
            "iam:SimulatePrincipalPolicy",
            &facts.permissions,
        ),
        look("KMS key", "kms:DescribeKey", &facts.key),
        look("KMS key's policy", "kms:GetKeyPolicy", &facts.key_policy),
        look(
            "Lambda's concurrency",
            "lambda:GetAccountSettings",
            &facts.concurrency,
        ),
        look("EventBridge's rules", "events:ListRules", &facts.rules),
    ];
    for one in &facts.models {
        let id = &one.id;
        looks.push(look(
            format!("profile {id}"),
            "bedrock:GetInferenceProfile",
            &one.profile,
        ));
        looks.push(look(
            format!("model {id}"),
            "bedrock:GetFoundationModel",
            &one.model,
        ));
        looks.push(look(
            format!("access to {id}"),
            "bedrock:GetFoundationModelAvailability",
            &one.access,
        ));
    }
    looks.push(look(
        "quotas",
        "servicequotas:ListServiceQuotas",
        &facts.quotas,
    ));
    looks.into_iter().flatten().collect()
}

pub(crate) fn check(facts: &Facts, found: &mut Findings) {
    let looks = looks(facts);
    for one in &looks {
        let Some(why) = one.unreadable else { continue };
        let remedy = if why.denied {
            format!("run this with credentials that have {}", one.needs)
        } else {
            "see that the service can be reached, and run this again".to_owned()
        };
        found.warning(
            "unchecked",
            &one.what,
            format!(
                "could not be checked, because it could not be read: {}",
                why.message
            ),
            remedy,
        );
    }
    if !looks.is_empty() && looks.iter().all(|one| !one.was_read) {
        found.error(
            "nothing-checked",
            "AWS account",
            "nothing in it could be read, so nothing in it was checked",
            "run this with credentials that may read it: docs/security.md lists the permissions; or check the rest alone with --offline",
        );
    }
}

impl Facts {
    /// Returns what was read or tried, and whether it could be read.
    pub fn looked_at(&self) -> Vec<(String, bool)> {
        looks(self)
            .into_iter()
            .map(|one| (one.what, one.was_read))
            .collect()
    }
}
