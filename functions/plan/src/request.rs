//! Checks of the request itself, and of the places it names.

use quarry_contract::check_version;
use quarry_contract::location::S3Uri;
use quarry_contract::payload::PlanInput;
use quarry_contract::request::Request;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::store::ObjectStore;

/// Checks everything that needs no access to S3. Returns the work prefix.
pub(crate) fn check(input: &PlanInput, default_work: Option<&S3Uri>) -> Result<S3Uri, StepError> {
    let request = &input.request;
    for (what, version) in [("payload", input.version), ("request", request.version)] {
        check_version(format!("the {what}"), version).map_err(StepError::bad_request)?;
    }
    if let Some(sample) = &request.sample {
        sample.check().map_err(StepError::bad_request)?;
    }
    let work = request.work.as_ref().or(default_work).ok_or_else(|| {
        StepError::bad_request(
            "the request has no `work` location and the deployment has no default; set `work`",
        )
    })?;
    work.join(&input.execution)
        .check_for_jobs()
        .map_err(StepError::bad_request)?;
    if request.output.join("") == request.data.join("") {
        return Err(StepError::bad_request(format!(
            "`output` is the data folder {}: a later run would read its own results; use another folder",
            request.output
        )));
    }
    Ok(work.clone())
}

/// Checks whether the result can be written, without leaving anything behind.
pub(crate) async fn check_output(
    store: &dyn ObjectStore,
    request: &Request,
) -> Result<(), StepError> {
    let mut places = vec![&request.output];
    places.extend(&request.summary);
    for place in places {
        let at = place.join("write-check");
        let doing = format!("checking that {place} can be written");
        let upload = store.create_upload(&at).await.doing(|| &doing)?;
        store.abort_upload(&at, &upload).await.doing(|| &doing)?;
    }
    Ok(())
}
