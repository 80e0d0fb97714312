//! The deployment's bucket.

use crate::facts::{BucketKey, Fact, Facts};
use crate::finding::Findings;
use crate::subject::Subject;
use quarry_contract::location::S3Uri;

pub(crate) fn check(subject: &Subject, facts: &Facts, found: &mut Findings) {
    let name = &subject.parameters.bucket_name;
    if name.is_empty() {
        return;
    }
    check_name(name, found);
    check_presence(subject, facts, found);
    check_events(subject, facts, found);
    check_encryption(subject, facts, found);
}

/// Whether the stack will create the bucket, and has not yet.
fn is_coming(subject: &Subject) -> bool {
    !subject.is_deployed() && subject.parameters.create_bucket
}

fn check_name(name: &str, found: &mut Findings) {
    let problem = match S3Uri::new(name, "runs/run") {
        Err(error) => error.to_string(),
        Ok(location) => match location.check_for_jobs() {
            Err(error) => error.to_string(),
            Ok(()) if name.starts_with(['-', '.']) || name.ends_with(['-', '.']) => {
                "it begins or ends with `-` or `.`, which Bedrock takes in no bucket for job files"
                    .to_owned()
            }
            Ok(()) => return,
        },
    };
    let remedy = "choose a name of 3 to 63 of a-z, 0-9, `-` and `.`, that begins and ends with a letter or digit";
    found.error("bucket-name", format!("bucket {name}"), problem, remedy);
}

fn check_presence(subject: &Subject, facts: &Facts, found: &mut Findings) {
    let name = &subject.parameters.bucket_name;
    let about = format!("bucket {name}");
    match &facts.bucket {
        Fact::Absent if !is_coming(subject) => found.error(
            "bucket-missing",
            about,
            "does not exist",
            "create it, or deploy with CreateBucket=yes and a name that is free",
        ),
        Fact::Known(_) if is_coming(subject) => found.warning(
            "bucket-exists",
            about,
            "exists already; unless it is this stack's own, a stack that is to create it fails",
            "deploy with CreateBucket=no if the bucket is yours, or choose another name",
        ),
        Fact::Unreadable(why) if why.denied && is_coming(subject) => found.error(
            "bucket-taken",
            about,
            "exists already, and who runs this may not look at it: names of buckets are unique in the world",
            "choose another name",
        ),
        _ => {}
    }
    if let Fact::Known(bucket) = &facts.bucket
        && bucket.region != subject.deployment.region
    {
        found.error(
            "bucket-region",
            format!("bucket {name}"),
            format!(
                "is in {}, and the deployment in {}",
                bucket.region, subject.deployment.region
            ),
            "use a bucket in the deployment's Region: events, functions and jobs are there",
        );
    }
}

fn check_events(subject: &Subject, facts: &Facts, found: &mut Findings) {
    if is_coming(subject) || facts.events != Fact::Known(false) {
        return;
    }
    let name = &subject.parameters.bucket_name;
    found.error(
        "bucket-events",
        format!("bucket {name}"),
        "sends no events to EventBridge, so no arrival starts a run",
        format!(
            "add `EventBridgeConfiguration` to its notifications: aws s3api get-bucket-notification-configuration \
             --bucket {name}, then put-bucket-notification-configuration with the member added"
        ),
    );
}

fn check_encryption(subject: &Subject, facts: &Facts, found: &mut Findings) {
    let (Fact::Known(of_bucket), false) = (&facts.encryption, is_coming(subject)) else {
        return;
    };
    let about = format!("bucket {}", subject.parameters.bucket_name);
    match (of_bucket, &subject.parameters.kms_key_arn) {
        (BucketKey::Kms(key), None) => found.error(
            "bucket-key",
            about,
            format!("is encrypted with the KMS key {key}, and no role of the deployment may use it"),
            "set KmsKeyArn to the ARN of this key",
        ),
        (BucketKey::Kms(key), Some(_)) if key.contains("alias/") => found.warning(
            "bucket-key",
            about,
            format!("is encrypted with {key}, an alias, which may be one of another key than KmsKeyArn"),
            "compare with `aws kms describe-key`, and set KmsKeyArn to that key's ARN",
        ),
        (BucketKey::Kms(key), Some(of_roles)) if last_part(key) != last_part(of_roles) => found.error(
            "bucket-key",
            about,
            format!("is encrypted with the KMS key {key}, and the roles may use {of_roles}"),
            "set KmsKeyArn to the bucket's key",
        ),
        (BucketKey::S3, Some(of_roles)) => found.warning(
            "bucket-key",
            about,
            format!("is not encrypted with KmsKeyArn by default: of a run's objects only the answers of jobs are encrypted with {of_roles}"),
            "make the key the bucket's default, or leave KmsKeyArn empty",
        ),
        _ => {}
    }
}

/// Returns the id at the end of a key's ARN, or the id itself.
fn last_part(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}
