//! The locations in a request.

use crate::finding::Findings;
use crate::policy::covered;
use crate::subject::Subject;
use quarry_contract::location::S3Uri;

/// The prefixes of the deployment's bucket that plan, split and merge may read.
const READ: [&str; 2] = ["inbox/", "pipelines/"];
/// The prefix that results may be written to.
const WRITTEN: &str = "results/";
/// The prefix of job files; roles and jobs have access to no other.
const WORK: &str = "runs/";

pub(crate) fn check(subject: &Subject, found: &mut Findings) {
    let Some(request) = &subject.request else {
        return;
    };
    let places = [
        ("data", &request.data),
        ("prompts", &request.prompts),
        ("schema", &request.schema),
        ("output", &request.output),
        ("summary", &request.summary),
        ("work", &request.work),
    ];
    for (member, text) in places {
        let Some(text) = text else { continue };
        // The text is relative to the request's folder, which is not known here.
        if !text.contains("://") && member != "work" {
            continue;
        }
        let about = format!("request's {member} {text}");
        match text.parse::<S3Uri>() {
            Ok(at) => check_place(subject, member, &at, &about, found),
            Err(error) => found.error("place", about, error.to_string(), "use s3://bucket/prefix"),
        }
    }
    if let (Some(data), Some(output)) = (&request.data, &request.output)
        && data.trim_end_matches('/') == output.trim_end_matches('/')
    {
        found.error(
            "place-output",
            format!("request's output {output}"),
            "is the data folder: a later run would read its own results",
            "use another folder",
        );
    }
}

fn check_place(subject: &Subject, member: &str, at: &S3Uri, about: &str, found: &mut Findings) {
    let own = at.bucket() == subject.parameters.bucket_name;
    // Whether the location is a folder or something inside it.
    let below = |prefix: &str| {
        own && (at.key().starts_with(prefix)
            || at.key().trim_end_matches('/') == prefix.trim_end_matches('/'))
    };
    let among = |arns: &[String]| {
        let partition = subject.deployment.partition();
        let arn = format!("arn:{partition}:s3:::{}/{}", at.bucket(), at.key());
        covered(&arn, arns) || covered(&format!("{}/x", arn.trim_end_matches('/')), arns)
    };
    let bucket = &subject.parameters.bucket_name;
    match member {
        "work" => {
            if let Err(error) = at.join("run").check_for_jobs() {
                found.error(
                    "place-work",
                    about,
                    error.to_string(),
                    "change `work`, or leave it out",
                );
            }
            if !below(WORK) {
                found.error(
                    "place-work",
                    about,
                    format!("is not below s3://{bucket}/{WORK}, the one place for job files that roles and jobs reach"),
                    "leave `work` out, or move it there",
                );
            }
        }
        "output" | "summary" => {
            if !below(WRITTEN) && !among(&subject.parameters.writable_arns) {
                found.error(
                    "place-output",
                    about,
                    format!("is neither below s3://{bucket}/{WRITTEN} nor in WritableArns: the result could not be written"),
                    "add the bucket's ARN and the objects' to WritableArns",
                );
            }
        }
        _ => {
            if !READ.iter().any(|prefix| below(prefix)) && !among(&subject.parameters.readable_arns)
            {
                found.error(
                    "place-input",
                    about,
                    format!("is neither below s3://{bucket}/inbox/ or pipelines/ nor in ReadableArns: it could not be read"),
                    "add the bucket's ARN and the objects' to ReadableArns",
                );
            }
        }
    }
}
