//! Recognising an object that is written again without a change.
//!
//! A client that received no response repeats its PUT, and a copy in place (another storage class,
//! another key, a restored version) writes the same bytes again. Each is a separate event with a
//! separate version, and would pay for the same table a second time. So the first event of an
//! object leaves a note in the work prefix, with the name of its run. Another event of the same object with
//! the same bytes within [`SAME_WRITE`] means the run of that name, which is started once. A later event is
//! a request to run again.
//!
//! Bytes are compared by size and by the checksum that S3 stores, because the `ETag` of an object that
//! is encrypted with a KMS key differs after each write. Objects without a checksum are compared by
//! their `ETag`.
//!
//! Limit: a program that uploads the same bytes with another checksum algorithm, or in parts of another
//! size where the checksum depends on the parts, starts a run.

use crate::deps::Deps;
use crate::event::ObjectCreated;
use bytes::Bytes;
use quarry_contract::VERSION;
use quarry_contract::digest::hex_digest;
use quarry_contract::location::S3Uri;
use quarry_edge::clock::timestamp;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::store::{ObjectInfo, ObjectStore, StoreError, WriteCondition};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long the same content under the same name counts as the same arrival. Clients stop repeating
/// a PUT within minutes.
const SAME_WRITE: Duration = Duration::from_hours(1);

/// The largest note, bytes.
const MAX_NOTE_BYTES: u64 = 4 * 1024;

/// The run of an arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArrivalNote {
    version: u32,
    run: String,
    /// The event's time, RFC 3339.
    time: String,
}

/// Returns the run that an earlier event of the same object with the same content has noted, if there
/// is one. It may not have been started. Otherwise notes `run` for later events.
///
/// Events without a time are never repetitions. `info` is about the event's object.
pub(crate) async fn noted_before(
    deps: &Deps,
    created: &ObjectCreated,
    info: &ObjectInfo,
    run: &str,
) -> Result<Option<String>, StepError> {
    let Some(time) = &created.time else {
        return Ok(None);
    };
    let Some(now) = timestamp(time) else {
        return Ok(None);
    };
    let bytes = info.checksum.as_ref().unwrap_or(&info.etag);
    let digest = hex_digest(format!("{}\n{} {bytes}", created.object, info.size));
    let at = deps.places.arrival_note(&digest);
    let note = ArrivalNote {
        version: VERSION,
        run: run.to_owned(),
        time: time.clone(),
    };
    let body = Bytes::from(serde_json::to_vec(&note).map_err(StepError::bad_request)?);
    let put = deps.store.put(&at, body.clone(), WriteCondition::IfAbsent);
    match put.await {
        Ok(_) => return Ok(None),
        Err(StoreError::Exists(_)) => {}
        Err(error) => return Err(error).doing(|| format!("writing {at}")),
    }
    let Some(earlier) = read(&*deps.store, &at).await? else {
        return Ok(None);
    };
    let apart = timestamp(&earlier.time).map(|then| now.abs_diff(then));
    if earlier.run != run && apart.is_some_and(|apart| apart < SAME_WRITE) {
        return Ok(Some(earlier.run));
    }
    if earlier.run != run {
        let written = deps.store.put(&at, body, WriteCondition::Always).await;
        written.doing(|| format!("writing {at}"))?;
    }
    Ok(None)
}

/// Returns the note, or `None` if it is missing or damaged: a note must never hold up an arrival.
async fn read(store: &dyn ObjectStore, at: &S3Uri) -> Result<Option<ArrivalNote>, StepError> {
    match store.get(at, MAX_NOTE_BYTES).await {
        Ok(body) => Ok(serde_json::from_slice(&body).ok()),
        Err(StoreError::NotFound(_) | StoreError::TooLarge(..)) => Ok(None),
        Err(error) => Err(error).doing(|| format!("reading {at}")),
    }
}
