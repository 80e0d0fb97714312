//! Objects: the one trait for reading and writing S3, and its errors.

use crate::error::{AwsError, Source, StepErrorKind};
use async_trait::async_trait;
use bytes::Bytes;
use quarry_contract::location::S3Uri;
use std::ops::Range;
use std::sync::Arc;

/// The facts that `head` and `list` return about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its location.
    pub location: S3Uri,
    /// Its size, bytes.
    pub size: u64,
    /// Its `ETag` with the quotes, as S3 gives it.
    pub etag: String,
    /// Its version, if the bucket keeps versions. A listing does not tell it. The version `null`, which
    /// S3 gives to objects of a bucket without versions, can be overwritten and so counts as none.
    pub version: Option<String>,
    /// A checksum of its bytes that S3 stores, after the name of its algorithm. Unlike the `ETag`, it is
    /// the same for the same bytes under a KMS key. A listing does not tell it.
    pub checksum: Option<String>,
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPage {
    /// Its objects.
    pub objects: Vec<ObjectInfo>,
    /// The token of the next page, if there is one.
    pub next: Option<String>,
}

/// The content of an object that a read expects: the read fails if it would return another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The `ETag` with its quotes.
    pub etag: Arc<str>,
    /// The version that is read, even if the object has been overwritten or deleted since. Without it,
    /// the current object is read.
    pub version: Option<Arc<str>>,
}

impl Pin {
    /// Returns the pin of a content with this `ETag` and, if the bucket keeps versions, this version.
    /// To read a version, a role needs `s3:GetObjectVersion`.
    pub fn new(etag: &str, version: Option<&str>) -> Self {
        Self {
            etag: etag.into(),
            version: version.map(Arc::from),
        }
    }
}

impl From<&str> for Pin {
    fn from(etag: &str) -> Self {
        Self::new(etag, None)
    }
}

impl From<String> for Pin {
    fn from(etag: String) -> Self {
        Self::new(&etag, None)
    }
}

impl From<&ObjectInfo> for Pin {
    fn from(info: &ObjectInfo) -> Self {
        Self::new(&info.etag, info.version.as_deref())
    }
}

/// What must be at the place of an object for S3 to write it.
///
/// S3 checks the condition and makes the object in one step: of several writes that arrive at the same time,
/// each [`IfAbsent`](Self::IfAbsent), only one succeeds (S3 user guide, "How to prevent object overwrites with
/// conditional writes"). A write whose condition does not hold changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteCondition<'a> {
    /// Anything: an object that is there is replaced.
    Always,
    /// No object (`If-None-Match: *`). If there is one, the error is [`StoreError::Exists`].
    IfAbsent,
    /// The object with this `ETag`, which is replaced (`If-Match`). If another one is there, or none, the
    /// error is [`StoreError::Changed`].
    IfUnchanged(&'a str),
}

/// The meaning of a failed call for the caller.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The object, bucket or upload does not exist.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The object exists already (`If-None-Match: *`).
    #[error("{0} exists already")]
    Exists(String),
    /// The object is not the expected one (`If-Match`).
    #[error("{0} was changed")]
    Changed(String),
    /// The role may not do this.
    #[error("access to {0} denied")]
    AccessDenied(String, #[source] Source),
    /// Too many calls.
    #[error("throttled at {0}")]
    Throttled(String, #[source] Source),
    /// The object is larger than the caller allows: `0` is its name, `1` its size, `2` the limit.
    #[error("{0} has {1} bytes, more than the {2} allowed here")]
    TooLarge(String, u64, u64),
    /// No response, a cut response, or an internal error of the service.
    #[error("{0} is unavailable")]
    Unavailable(String, #[source] Source),
    /// Refused for another reason that no retry can correct.
    #[error("{0} was refused")]
    Refused(String, #[source] Source),
}

/// Implementations make a bounded number of retries (the SDK's); callers see the errors that
/// remain.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Returns size, `ETag` and version of the current object.
    async fn head(&self, at: &S3Uri) -> Result<ObjectInfo, StoreError>;

    /// Returns a whole small object, or an error if it is larger than `limit` bytes.
    async fn get(&self, at: &S3Uri, limit: u64) -> Result<Bytes, StoreError>;

    /// Returns the bytes of `range`, which must be inside the object, or an error if the content is
    /// not that of `pin`. At most a few MiB: larger reads use [`crate::s3::reader`].
    async fn get_range(
        &self,
        at: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
    ) -> Result<Bytes, StoreError>;

    /// Like [`get_range`](Self::get_range), but gives the bytes to `take` while they arrive, in their order. After an
    /// error, `take` may have got the first of them.
    async fn read_range(
        &self,
        at: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
        take: &mut (dyn FnMut(Bytes) + Send),
    ) -> Result<(), StoreError> {
        take(self.get_range(at, range, pin).await?);
        Ok(())
    }

    /// Writes a small object if the condition holds. Returns its `ETag`.
    async fn put(
        &self,
        at: &S3Uri,
        body: Bytes,
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError>;

    /// Returns all objects whose key starts with the location's key, in key order, from all pages.
    async fn list(&self, prefix: &S3Uri) -> Result<Vec<ObjectInfo>, StoreError>;

    /// Returns a page of the objects whose key starts with the location's key: the first page, or the
    /// one of a token. For listings that may have more objects than fit into memory.
    async fn page(&self, prefix: &S3Uri, token: Option<&str>) -> Result<ObjectPage, StoreError>;

    /// Begins a multipart upload. Returns its id.
    async fn create_upload(&self, at: &S3Uri) -> Result<String, StoreError>;

    /// Uploads part `number` (from 1). Returns its `ETag`.
    async fn upload_part(
        &self,
        at: &S3Uri,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<String, StoreError>;

    /// Copies `range` of another object, whose content must be that of `pin`, as part `number` inside
    /// S3. Returns the part's `ETag`.
    async fn copy_part(
        &self,
        at: &S3Uri,
        upload: &str,
        number: i32,
        from: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
    ) -> Result<String, StoreError>;

    /// Makes the object from the parts, `(number, etag)` in order, if the condition holds. Returns its
    /// `ETag`. If the condition does not hold, the upload stays open. If S3 cannot tell, since another write
    /// is under way, the upload is over, and the error is [`StoreError::Changed`].
    async fn complete_upload(
        &self,
        at: &S3Uri,
        upload: &str,
        parts: &[(i32, String)],
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError>;

    /// Aborts an upload.
    async fn abort_upload(&self, at: &S3Uri, upload: &str) -> Result<(), StoreError>;
}

impl AwsError for StoreError {
    fn kind(&self) -> StepErrorKind {
        match self {
            Self::NotFound(_) => StepErrorKind::NotFound,
            Self::AccessDenied(..) => StepErrorKind::AccessDenied,
            Self::Throttled(..) => StepErrorKind::Throttled,
            // An object of a run's folder that another copy of the step, or Bedrock, wrote once more:
            // the next call begins with the new one. Who reads an input says `DataChanged` instead.
            Self::Changed(_) | Self::Unavailable(..) => StepErrorKind::Unavailable,
            Self::TooLarge(..) => StepErrorKind::BadRequest,
            Self::Exists(_) | Self::Refused(..) => StepErrorKind::Refused,
        }
    }
}
