//! An object store in memory, for tests: it has the rules of S3, but not its size.
//!
//! Conditional puts are atomic, and multipart uploads obey the documented limits. `ETag`s depend only
//! on content (and on the parts of a multipart object), except those of a store
//! [`with_new_etags`](MemoryStore::with_new_etags). Buckets need not be created.

use crate::store::{ObjectInfo, ObjectPage, ObjectStore, Pin, StoreError, WriteCondition};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use quarry_contract::location::S3Uri;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most objects of a page of a listing, as in S3.
const OBJECTS_OF_A_PAGE: usize = 1_000;

/// The limits of multipart uploads (S3 user guide, "Amazon S3 multipart upload limits").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MultipartLimits {
    /// The smallest size of a part other than the last, bytes. A range can be copied only from a
    /// larger object.
    pub min_part: u64,
    /// The largest part, bytes.
    pub max_part: u64,
    /// The most parts.
    pub max_parts: i32,
}

impl MultipartLimits {
    /// The limits of S3.
    pub const S3: Self = Self {
        min_part: 5 << 20,
        max_part: 5 << 30,
        max_parts: 10_000,
    };
}

/// Objects in memory. Clones share their objects.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    limits: MultipartLimits,
    keeps_versions: bool,
    new_etags: bool,
    state: Arc<Mutex<StoredObjects>>,
}

#[derive(Debug, Default)]
struct StoredObjects {
    objects: BTreeMap<S3Uri, StoredObject>,
    /// Every version that was written, with those that are not current any more.
    versions: BTreeMap<(S3Uri, String), StoredObject>,
    writes: u64,
    uploads: BTreeMap<String, OpenUpload>,
    created_uploads: u64,
}

#[derive(Debug, Clone)]
struct StoredObject {
    data: Bytes,
    etag: String,
    version: Option<String>,
}

#[derive(Debug)]
struct OpenUpload {
    at: S3Uri,
    parts: BTreeMap<i32, StoredObject>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// Creates an empty store with the limits of S3.
    pub fn new() -> Self {
        Self::with_limits(MultipartLimits::S3)
    }

    /// Creates an empty store with other limits, so that tests of parts need no megabytes.
    pub fn with_limits(limits: MultipartLimits) -> Self {
        Self {
            limits,
            keeps_versions: false,
            new_etags: false,
            state: Arc::default(),
        }
    }

    /// Keeps every version of an object, as a bucket with versioning does.
    #[must_use]
    pub fn with_versions(self) -> Self {
        Self {
            keeps_versions: true,
            ..self
        }
    }

    /// Gives every write an `ETag` of its own, also for the same bytes, as S3 does for objects that are
    /// encrypted with a KMS key.
    #[must_use]
    pub fn with_new_etags(self) -> Self {
        Self {
            new_etags: true,
            ..self
        }
    }

    /// Returns the locations of all objects, in order.
    pub fn locations(&self) -> Vec<S3Uri> {
        self.state().objects.keys().cloned().collect()
    }

    /// Returns the targets of the uploads that are neither completed nor aborted.
    pub fn open_uploads(&self) -> Vec<S3Uri> {
        let state = self.state();
        state.uploads.values().map(|u| u.at.clone()).collect()
    }

    /// Deletes an object, as another user of the bucket could. Its versions stay.
    pub fn delete(&self, at: &S3Uri) {
        self.state().objects.remove(at);
    }

    fn state(&self) -> MutexGuard<'_, StoredObjects> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an object the current one. Returns its `ETag`.
    fn store(&self, state: &mut StoredObjects, at: &S3Uri, mut object: StoredObject) -> String {
        state.writes += 1;
        if self.new_etags {
            let plain = object.etag.trim_matches('"');
            object.etag = match plain.split_once('-') {
                Some((_, parts)) => format!("\"{:016x}-{parts}\"", state.writes),
                None => format!("\"{:016x}\"", state.writes),
            };
        }
        let etag = object.etag.clone();
        if self.keeps_versions {
            let version = format!("v{}", state.writes);
            object.version = Some(version.clone());
            state.versions.insert((at.clone(), version), object.clone());
        }
        state.objects.insert(at.clone(), object);
        etag
    }
}

impl StoredObjects {
    fn object(&self, at: &S3Uri) -> Result<&StoredObject, StoreError> {
        self.objects
            .get(at)
            .ok_or_else(|| StoreError::NotFound(at.to_string()))
    }

    /// Returns the object that `pin` names, or an error if its content is another one.
    fn pinned(&self, at: &S3Uri, pin: &Pin) -> Result<&StoredObject, StoreError> {
        let object = match &pin.version {
            Some(version) => self
                .versions
                .get(&(at.clone(), version.to_string()))
                .ok_or_else(|| StoreError::NotFound(at.to_string()))?,
            None => self.object(at)?,
        };
        if object.etag != *pin.etag {
            return Err(StoreError::Changed(at.to_string()));
        }
        Ok(object)
    }

    fn range(&self, at: &S3Uri, range: Range<u64>, pin: &Pin) -> Result<Bytes, StoreError> {
        let object = self.pinned(at, pin)?;
        let bounds = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok());
        match bounds {
            Some((start, end)) if start <= end && end <= object.data.len() => {
                Ok(object.data.slice(start..end))
            }
            _ => Err(refused(
                at,
                format!(
                    "InvalidRange: {range:?} is not inside {} bytes",
                    object.data.len()
                ),
            )),
        }
    }

    /// Returns an error if what must be there for a write is not.
    fn check(&self, at: &S3Uri, condition: WriteCondition<'_>) -> Result<(), StoreError> {
        match (condition, self.objects.get(at)) {
            (WriteCondition::Always, _) | (WriteCondition::IfAbsent, None) => Ok(()),
            (WriteCondition::IfAbsent, Some(_)) => Err(StoreError::Exists(at.to_string())),
            (WriteCondition::IfUnchanged(etag), Some(object)) if object.etag == etag => Ok(()),
            (WriteCondition::IfUnchanged(_), _) => Err(StoreError::Changed(at.to_string())),
        }
    }

    /// Returns the object that an upload would become.
    fn assembled(
        &mut self,
        at: &S3Uri,
        upload: &str,
        parts: &[(i32, String)],
        min_part: u64,
    ) -> Result<StoredObject, StoreError> {
        let pending = self.upload(at, upload)?;
        if parts.is_empty() {
            return Err(refused(at, "MalformedXML: no parts".to_owned()));
        }
        if !parts.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(refused(at, "InvalidPartOrder".to_owned()));
        }
        let mut data = BytesMut::new();
        let mut tags = DefaultHasher::new();
        for (index, (number, etag)) in parts.iter().enumerate() {
            let part = pending
                .parts
                .get(number)
                .filter(|part| part.etag == *etag)
                .ok_or_else(|| refused(at, format!("InvalidPart: {number}")))?;
            let is_last = index + 1 == parts.len();
            if !is_last && (part.data.len() as u64) < min_part {
                let text = format!(
                    "EntityTooSmall: part {number} has {} bytes",
                    part.data.len()
                );
                return Err(refused(at, text));
            }
            data.extend_from_slice(&part.data);
            etag.hash(&mut tags);
        }
        let etag = format!("\"{:016x}-{}\"", tags.finish(), parts.len());
        Ok(StoredObject {
            data: data.freeze(),
            etag,
            version: None,
        })
    }

    fn upload(&mut self, at: &S3Uri, id: &str) -> Result<&mut OpenUpload, StoreError> {
        self.uploads
            .get_mut(id)
            .filter(|upload| upload.at == *at)
            .ok_or_else(|| no_upload(at, id))
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn head(&self, at: &S3Uri) -> Result<ObjectInfo, StoreError> {
        let state = self.state();
        Ok(info(at, state.object(at)?))
    }

    async fn get(&self, at: &S3Uri, limit: u64) -> Result<Bytes, StoreError> {
        let state = self.state();
        let data = &state.object(at)?.data;
        let size = data.len() as u64;
        if size > limit {
            return Err(StoreError::TooLarge(at.to_string(), size, limit));
        }
        Ok(data.clone())
    }

    async fn get_range(
        &self,
        at: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
    ) -> Result<Bytes, StoreError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.state().range(at, range, pin)
    }

    async fn put(
        &self,
        at: &S3Uri,
        body: Bytes,
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError> {
        let mut state = self.state();
        state.check(at, condition)?;
        Ok(self.store(&mut state, at, StoredObject::new(body)))
    }

    async fn list(&self, prefix: &S3Uri) -> Result<Vec<ObjectInfo>, StoreError> {
        let state = self.state();
        Ok(state
            .objects
            .range(prefix..)
            .take_while(|(at, _)| {
                at.bucket() == prefix.bucket() && at.key().starts_with(prefix.key())
            })
            .map(|(at, object)| ObjectInfo {
                // Listings of S3 tell neither.
                version: None,
                checksum: None,
                ..info(at, object)
            })
            .collect())
    }

    /// The token of a page is the last key of the one before.
    async fn page(&self, prefix: &S3Uri, token: Option<&str>) -> Result<ObjectPage, StoreError> {
        let mut objects = self.list(prefix).await?;
        objects.retain(|object| token.is_none_or(|last| object.location.key() > last));
        let is_last = objects.len() <= OBJECTS_OF_A_PAGE;
        objects.truncate(OBJECTS_OF_A_PAGE);
        let last = objects.last().filter(|_| !is_last);
        let next = last.map(|object| object.location.key().to_owned());
        Ok(ObjectPage { objects, next })
    }

    async fn create_upload(&self, at: &S3Uri) -> Result<String, StoreError> {
        let mut state = self.state();
        state.created_uploads += 1;
        let id = format!("upload-{}", state.created_uploads);
        let pending = OpenUpload {
            at: at.clone(),
            parts: BTreeMap::new(),
        };
        state.uploads.insert(id.clone(), pending);
        Ok(id)
    }

    async fn upload_part(
        &self,
        at: &S3Uri,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> Result<String, StoreError> {
        self.limits.check_part(at, number, body.len() as u64)?;
        let part = StoredObject::new(body);
        let etag = part.etag.clone();
        let mut state = self.state();
        state.upload(at, upload)?.parts.insert(number, part);
        Ok(etag)
    }

    async fn copy_part(
        &self,
        at: &S3Uri,
        upload: &str,
        number: i32,
        from: &S3Uri,
        range: Range<u64>,
        pin: &Pin,
    ) -> Result<String, StoreError> {
        self.limits
            .check_part(at, number, range.end - range.start)?;
        if range.is_empty() {
            return Err(refused(from, "InvalidArgument: an empty range".to_owned()));
        }
        let mut state = self.state();
        let data = state.range(from, range, pin)?;
        if state.pinned(from, pin)?.data.len() as u64 <= self.limits.min_part {
            let text = "InvalidRequest: too small to copy a range of it";
            return Err(refused(from, text.to_owned()));
        }
        let part = StoredObject::new(data);
        let etag = part.etag.clone();
        state.upload(at, upload)?.parts.insert(number, part);
        Ok(etag)
    }

    async fn complete_upload(
        &self,
        at: &S3Uri,
        upload: &str,
        parts: &[(i32, String)],
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError> {
        let mut state = self.state();
        let object = state.assembled(at, upload, parts, self.limits.min_part)?;
        state.check(at, condition)?;
        state.uploads.remove(upload);
        Ok(self.store(&mut state, at, object))
    }

    async fn abort_upload(&self, at: &S3Uri, upload: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.upload(at, upload).is_ok() {
            state.uploads.remove(upload);
        }
        Ok(())
    }
}

impl StoredObject {
    fn new(data: Bytes) -> Self {
        let etag = format!("\"{:016x}\"", hash(&data));
        Self {
            data,
            etag,
            version: None,
        }
    }
}

impl MultipartLimits {
    fn check_part(&self, at: &S3Uri, number: i32, size: u64) -> Result<(), StoreError> {
        if !(1..=self.max_parts).contains(&number) {
            let text = format!(
                "InvalidArgument: part {number} of {} at most",
                self.max_parts
            );
            return Err(refused(at, text));
        }
        if size > self.max_part {
            return Err(refused(at, format!("EntityTooLarge: {size} bytes")));
        }
        Ok(())
    }
}

fn info(at: &S3Uri, object: &StoredObject) -> ObjectInfo {
    ObjectInfo {
        location: at.clone(),
        size: object.data.len() as u64,
        etag: object.etag.clone(),
        version: object.version.clone(),
        checksum: Some(format!("memory {:016x}", hash(&object.data))),
    }
}

fn hash(data: &Bytes) -> u64 {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    hasher.finish()
}

fn no_upload(at: &S3Uri, id: &str) -> StoreError {
    StoreError::NotFound(format!("upload {id} of {at}"))
}

fn refused(at: &S3Uri, text: String) -> StoreError {
    StoreError::Refused(at.to_string(), text.into())
}
