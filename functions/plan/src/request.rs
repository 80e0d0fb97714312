//! Checks of the request itself, and of the places it names.

use quarry_contract::VERSION;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::PlanInput;
use quarry_contract::request::Request;
use quarry_edge::error::StepError;
use quarry_edge::store::ObjectStore;

/// Checks what needs no look at S3; answers the work prefix.
pub(crate) fn check(input: &PlanInput, default_work: Option<&S3Uri>) -> Result<S3Uri, StepError> {
    let request = &input.request;
    for (what, version) in [("payload", input.version), ("request", request.version)] {
        if version != VERSION {
            return Err(StepError::bad_request(format!(
                "the {what} has version {version}; this is version {VERSION} of Quarry"
            )));
        }
    }
    let work = request.work.as_ref().or(default_work).ok_or_else(|| {
        StepError::bad_request(
            "the request has no `work` location and the deployment has no default; set `work`",
        )
    })?;
    check_job_location(&work.join(&input.execution))?;
    if request.output.join("") == request.data.join("") {
        return Err(StepError::bad_request(format!(
            "`output` is the data folder {}: a later run would read its own results; use another folder",
            request.output
        )));
    }
    Ok(work.clone())
}

/// The pattern of `s3Uri` in a job's input and output (`S3InputDataConfig`): narrower than what
/// S3 takes as a key.
fn check_job_location(uri: &S3Uri) -> Result<(), StepError> {
    let bucket = uri.bucket();
    if let Some(c) = bucket
        .chars()
        .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '.'))
    {
        return Err(StepError::bad_request(format!(
            "Bedrock takes no bucket with `{c}` for job files: {bucket}; use a bucket of a-z, 0-9, `-` and `.`"
        )));
    }
    if uri.key().split('/').any(str::is_empty) {
        return Err(StepError::bad_request(format!(
            "Bedrock takes no `//` in the location of job files: {uri}"
        )));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-!_*'()./".contains(c);
    match uri.key().chars().find(|c| !allowed(*c)) {
        Some(c) => Err(StepError::bad_request(format!(
            "Bedrock takes no `{c}` in the location of job files: {uri}; change `work` or the execution's name \
             to letters, digits and -!_*'().",
        ))),
        None => Ok(()),
    }
}

/// Finds out whether the result can be written, without leaving anything behind.
pub(crate) async fn check_output(
    store: &dyn ObjectStore,
    request: &Request,
) -> Result<(), StepError> {
    let mut places = vec![&request.output];
    places.extend(&request.summary);
    for place in places {
        let at = place.join("write-check");
        let doing = format!("checking that {place} can be written");
        let upload = store
            .create_upload(&at)
            .await
            .map_err(|error| error.into_step(&doing))?;
        store
            .abort_upload(&at, &upload)
            .await
            .map_err(|error| error.into_step(&doing))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_that_bedrock_refuses_are_refused_with_the_character() {
        for (uri, character) in [
            ("s3://bucket/dt=2026/x", '='),
            ("s3://bucket/a b/x", ' '),
            ("s3://bucket/a+b/x", '+'),
            ("s3://my_bucket/a", '_'),
            ("s3://bucket/ä", 'ä'),
        ] {
            let error = check_job_location(&uri.parse().unwrap()).unwrap_err();
            assert!(
                error.to_string().contains(&format!("`{character}`")),
                "{error}"
            );
        }
        assert!(check_job_location(&"s3://bucket/a//b".parse().unwrap()).is_err());
        assert!(check_job_location(&"s3://my-bucket/work/run-1_a.csv".parse().unwrap()).is_ok());
    }
}
