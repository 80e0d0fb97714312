//! What a pipeline's folder holds for its runs: `request.json` with defaults, and the schema.

use crate::places::{Prefixes, REQUEST_FILE};
use quarry_contract::location::S3Uri;
use quarry_contract::request_file::RequestFile;
use quarry_contract::schema_file::last_schema;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::store::{ObjectStore, StoreError};

/// The largest `request.json`, bytes; an execution's input is limited to 256 KiB.
const MAX_REQUEST_BYTES: u64 = 256 * 1024;

/// Returns the `request.json` of a pipeline, or an empty request if it has none.
///
/// # Errors
///
/// `Quarry.BadRequest` when it cannot be read, or has a default for `data`, which comes from the
/// arrival.
pub(crate) async fn of_pipeline(
    store: &dyn ObjectStore,
    prefixes: &Prefixes,
    pipeline: &str,
) -> Result<RequestFile, StepError> {
    let at = prefixes.pipeline(pipeline).join(REQUEST_FILE);
    let defaults = read_request(store, &at).await?.unwrap_or_default();
    if defaults.data.is_some() {
        return Err(StepError::bad_request(format!(
            "{at}: `data` is what arrives and cannot have a default; remove it"
        )));
    }
    Ok(defaults)
}

/// Returns the pipeline's `validation_schema_*.json`, the last one by name, or `None`. Only files
/// directly in the pipeline's folder count.
pub(crate) async fn pipeline_schema(
    store: &dyn ObjectStore,
    home: &S3Uri,
) -> Result<Option<S3Uri>, StepError> {
    let prefix = home.join("validation_schema_");
    let found = store.list(&prefix).await;
    let found = found.doing(|| format!("listing {prefix}"))?;
    let files = found
        .into_iter()
        .map(|object| object.location)
        .filter(|location| !location.key()[prefix.key().len()..].contains('/'));
    Ok(last_schema(files, S3Uri::file_name))
}

pub(crate) async fn read_request(
    store: &dyn ObjectStore,
    at: &S3Uri,
) -> Result<Option<RequestFile>, StepError> {
    let body = match store.get(at, MAX_REQUEST_BYTES).await {
        Ok(body) => body,
        Err(StoreError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error).doing(|| format!("reading {at}")),
    };
    RequestFile::read(&at.to_string(), &body)
        .map(Some)
        .map_err(|error| StepError::bad_request(error.to_string()))
}
