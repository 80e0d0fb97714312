//! A multipart upload under way, with several parts in flight. It leaves no upload behind.
//!
//! S3 keeps (and bills) the parts of an upload that is neither completed nor aborted, so dropping
//! an upload aborts it in the background. This is best effort: if the process ends first, the
//! bucket's lifecycle rule must clean up.

use crate::s3::retry;
use crate::store::{ObjectStore, StoreError, WriteCondition};
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle, JoinSet};

/// S3's limit (S3 user guide, "Amazon S3 multipart upload limits").
pub(crate) const MAX_PARTS: usize = 10_000;

type PartResult = Result<(i32, String), StoreError>;

/// Sends the parts of one upload, at most `in_flight` at once.
pub(crate) struct PartUpload {
    store: Arc<dyn ObjectStore>,
    at: S3Uri,
    id: Id,
    in_flight: usize,
    running: JoinSet<PartResult>,
    parts: BTreeMap<i32, String>,
}

/// The upload's id. A task requests it, so that it is not lost when a caller's future is dropped
/// meanwhile.
enum Id {
    None,
    Asked(JoinHandle<Result<String, StoreError>>),
    Known(Arc<str>),
    /// Completed or aborted, so there is nothing to clean up.
    Over,
}

impl PartUpload {
    /// Prepares an upload, which is created with its first part if [`begin`](Self::begin) does not do it before.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, at: S3Uri, in_flight: usize) -> Self {
        Self {
            store,
            at,
            id: Id::None,
            in_flight: in_flight.max(1),
            running: JoinSet::new(),
            parts: BTreeMap::new(),
        }
    }

    /// Creates the upload, without waiting for it. Needs a tokio runtime.
    pub(crate) fn begin(&mut self) {
        if matches!(self.id, Id::None) {
            let (store, at) = (Arc::clone(&self.store), self.at.clone());
            self.id = Id::Asked(tokio::spawn(async move {
                retry::repeating(|| store.create_upload(&at)).await
            }));
        }
    }

    /// Waits until another part may start. Returns the first failure of a part.
    pub(crate) async fn wait_for_room(&mut self) -> Result<(), StoreError> {
        self.id().await?;
        while self.running.len() >= self.in_flight {
            self.join_one().await?;
        }
        Ok(())
    }

    /// Starts part `number` (from 1). Call [`wait_for_room`](Self::wait_for_room) first.
    pub(crate) fn start(&mut self, number: i32, body: Bytes) -> Result<(), StoreError> {
        let Id::Known(id) = &self.id else {
            let text = "the upload has ended, so no part can be added";
            return Err(StoreError::Refused(self.at.to_string(), text.into()));
        };
        let (store, at, id) = (Arc::clone(&self.store), self.at.clone(), Arc::clone(id));
        self.running.spawn(async move {
            retry::repeating(|| store.upload_part(&at, &id, number, body.clone()))
                .await
                .map(|etag| (number, etag))
        });
        Ok(())
    }

    /// Waits for all parts and makes the object from them if the condition holds; `bytes` is its size. If
    /// the condition does not hold, the upload stays open.
    pub(crate) async fn complete(
        &mut self,
        bytes: u64,
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError> {
        let id = self.id().await?;
        while !self.running.is_empty() {
            self.join_one().await?;
        }
        let parts: Vec<_> = self
            .parts
            .iter()
            .map(|(n, tag)| (*n, tag.clone()))
            .collect();
        let target = UploadTarget {
            at: &self.at,
            bytes,
            condition,
        };
        let etag = complete(&*self.store, &target, &id, &parts).await?;
        self.id = Id::Over;
        Ok(etag)
    }

    /// Aborts the upload and waits until that is done.
    pub(crate) async fn abort(mut self) -> Result<(), StoreError> {
        match self.abandon() {
            Some(work) => work.await,
            None => Ok(()),
        }
    }

    async fn id(&mut self) -> Result<Arc<str>, StoreError> {
        self.begin();
        if let Id::Asked(task) = &mut self.id {
            let answer = task.await;
            self.id = Id::Over;
            let id = answer.map_err(|lost| self.lost(lost))??;
            self.id = Id::Known(id.into());
        }
        match &self.id {
            Id::Known(id) => Ok(Arc::clone(id)),
            _ => Err(StoreError::Refused(
                self.at.to_string(),
                "the upload is over".into(),
            )),
        }
    }

    async fn join_one(&mut self) -> Result<(), StoreError> {
        if let Some(part) = self.running.join_next().await {
            let (number, etag) = part.map_err(|lost| self.lost(lost))??;
            self.parts.insert(number, etag);
        }
        Ok(())
    }

    fn lost(&self, task: JoinError) -> StoreError {
        StoreError::Unavailable(self.at.to_string(), Box::new(task))
    }

    /// Returns the work that leaves nothing behind. Parts under way must be over before the abort,
    /// or they may be stored after it.
    fn abandon(&mut self) -> Option<impl Future<Output = Result<(), StoreError>> + Send + use<>> {
        let id = std::mem::replace(&mut self.id, Id::Over);
        let mut running = std::mem::take(&mut self.running);
        running.abort_all();
        if matches!(id, Id::None | Id::Over) {
            return None;
        }
        let (store, at) = (Arc::clone(&self.store), self.at.clone());
        Some(async move {
            let id = match id {
                Id::Known(id) => id,
                Id::Asked(task) => match task.await {
                    Ok(Ok(id)) => id.into(),
                    _ => return Ok(()),
                },
                Id::None | Id::Over => return Ok(()),
            };
            running.shutdown().await;
            retry::repeating(|| store.abort_upload(&at, &id)).await
        })
    }
}

impl Drop for PartUpload {
    fn drop(&mut self) {
        if let Ok(runtime) = Handle::try_current()
            && let Some(work) = self.abandon()
        {
            runtime.spawn(async move {
                if let Err(error) = work.await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "upload left behind"
                    );
                }
            });
        }
    }
}

/// The object that an upload becomes.
pub(crate) struct UploadTarget<'a> {
    pub(crate) at: &'a S3Uri,
    /// Its size.
    pub(crate) bytes: u64,
    pub(crate) condition: WriteCondition<'a>,
}

/// Completes an upload, even if the response to a first attempt was lost: then the upload no longer
/// exists, and the object exists with the right size and with the number of parts in its `ETag`.
pub(crate) async fn complete(
    store: &dyn ObjectStore,
    target: &UploadTarget<'_>,
    upload: &str,
    parts: &[(i32, String)],
) -> Result<String, StoreError> {
    let (at, condition) = (target.at, target.condition);
    let completing = || store.complete_upload(at, upload, parts, condition);
    match retry::repeating(completing).await {
        Err(StoreError::NotFound(name)) => {
            match completed_before(store, at, parts.len(), target.bytes).await? {
                Some(etag) => Ok(etag),
                None => Err(StoreError::NotFound(name)),
            }
        }
        result => result,
    }
}

/// Returns the `ETag` of the object at `at` if it matches an upload with this many parts and bytes.
pub(crate) async fn completed_before(
    store: &dyn ObjectStore,
    at: &S3Uri,
    parts: usize,
    bytes: u64,
) -> Result<Option<String>, StoreError> {
    match retry::repeating(|| store.head(at)).await {
        Ok(info) => {
            let made_so = info.size == bytes && info.etag.ends_with(&format!("-{parts}\""));
            Ok(made_so.then_some(info.etag))
        }
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
