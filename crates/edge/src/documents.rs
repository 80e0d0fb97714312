//! Stored JSON documents of a run: reading checks their version, and writing replaces the whole
//! document.

use crate::error::{Doing, StepError, StepErrorKind};
use crate::store::{ObjectStore, Pin, StoreError, WriteCondition};
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use quarry_contract::{VERSION, members};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest document of a run, bytes: a plan over tens of thousands of files.
pub const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

#[derive(serde::Deserialize)]
struct Versioned {
    version: u32,
}

/// Reads a document. Returns an error if another version wrote it.
pub async fn read<T: DeserializeOwned>(
    store: &dyn ObjectStore,
    at: &S3Uri,
) -> Result<T, StepError> {
    let body = store
        .get(at, MAX_DOCUMENT_BYTES)
        .await
        .doing(|| format!("reading {at}"))?;
    parse(at, &body)
}

/// Reads a document; `None` if it does not exist.
pub async fn read_if_there<T: DeserializeOwned>(
    store: &dyn ObjectStore,
    at: &S3Uri,
) -> Result<Option<T>, StepError> {
    match store.get(at, MAX_DOCUMENT_BYTES).await {
        Ok(body) => parse(at, &body).map(Some),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error).doing(|| format!("reading {at}")),
    }
}

/// Reads a JSON document without a version of its own, such as a summary.
pub async fn read_plain(
    store: &dyn ObjectStore,
    at: &S3Uri,
) -> Result<serde_json::Value, StepError> {
    let body = store
        .get(at, MAX_DOCUMENT_BYTES)
        .await
        .doing(|| format!("reading {at}"))?;
    serde_json::from_slice(&body).map_err(StepError::bad_request)
}

/// Writes a document, replacing an existing one.
pub async fn write<T: Serialize + Sync>(
    store: &dyn ObjectStore,
    at: &S3Uri,
    document: &T,
) -> Result<(), StepError> {
    let body = serde_json::to_vec(document).map_err(StepError::bad_request)?;
    store
        .put(at, Bytes::from(body), WriteCondition::Always)
        .await
        .doing(|| format!("writing {at}"))?;
    Ok(())
}

/// Writes a document that must not replace another. Returns `false`, and changes nothing, if there is
/// one.
pub async fn write_if_absent<T: Serialize + Sync>(
    store: &dyn ObjectStore,
    at: &S3Uri,
    document: &T,
) -> Result<bool, StepError> {
    let body = serde_json::to_vec(document).map_err(StepError::bad_request)?;
    let put = store.put(at, Bytes::from(body), WriteCondition::IfAbsent);
    match put.await {
        Ok(_) => Ok(true),
        Err(StoreError::Exists(_)) => Ok(false),
        Err(error) => Err(error).doing(|| format!("writing {at}")),
    }
}

/// Writes a document in place of the one with the `ETag` `found`, or as the first one. Returns its `ETag`.
/// One of the same bytes that is there already counts as written.
///
/// # Errors
///
/// `Quarry.Unavailable`, and nothing is changed, if another document is there: another copy of the step
/// has written it since.
pub async fn write_in_place_of<T: Serialize + Sync>(
    store: &dyn ObjectStore,
    at: &S3Uri,
    document: &T,
    found: Option<&str>,
) -> Result<String, StepError> {
    let doing = || format!("writing {at}");
    let body = Bytes::from(serde_json::to_vec(document).map_err(StepError::bad_request)?);
    let condition = found.map_or(WriteCondition::IfAbsent, WriteCondition::IfUnchanged);
    match store.put(at, body.clone(), condition).await {
        // The response to a first attempt may have been lost, or another copy agrees with this one.
        Err(StoreError::Exists(_) | StoreError::Changed(_)) => {
            let etag = etag_of_same(store, at, &body).await.doing(doing)?;
            etag.ok_or(StoreError::Changed(at.to_string())).doing(doing)
        }
        result => result.doing(doing),
    }
}

/// Returns the `ETag` of the object if it has these bytes.
async fn etag_of_same(
    store: &dyn ObjectStore,
    at: &S3Uri,
    body: &Bytes,
) -> Result<Option<String>, StoreError> {
    let info = match store.head(at).await {
        Ok(info) if info.size == body.len() as u64 => info,
        Ok(_) | Err(StoreError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let pin = Pin::from(info.etag.as_str());
    match store.get_range(at, 0..info.size, &pin).await {
        Ok(there) => Ok((there == *body).then_some(info.etag)),
        Err(StoreError::Changed(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse<T: DeserializeOwned>(at: &S3Uri, body: &[u8]) -> Result<T, StepError> {
    let refused = |source: serde_json::Error| {
        StepError::new(StepErrorKind::Refused, format!("reading {at}")).with_source(source)
    };
    if let Ok(Versioned { version }) = serde_json::from_slice(body)
        && version != VERSION
    {
        return Err(StepError::bad_request(format!(
            "{at} was written by version {version} of Quarry, this is version {VERSION}; \
             start the run again with one version"
        )));
    }
    members::from_slice(body).map_err(refused)
}
