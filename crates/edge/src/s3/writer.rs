//! Writing an object of any size with bounded memory.
//!
//! Content that fits into one part is a single put; larger content is a multipart upload with
//! several parts in flight. A caller that writes faster than S3 accepts must wait. At most `part
//! size × (in_flight + 1)` bytes are held.
//!
//! S3 accepts at most 10,000 parts, so the part size doubles after every 2,500 parts: with first
//! parts of 8 MiB, it stays at 8 MiB up to an object of 20 GiB, and is 64 MiB at the end, near 300
//! GiB.
//!
//! Two copies of a step may write the same object at the same time: a redrive starts one while the
//! connection to the other is lost. A later step may then have noted the `ETag` of the first object, and
//! an object that is encrypted with a KMS key has another `ETag` after each write. So
//! [`ObjectWriter::keeping_first`] leaves an object of the same bytes as it is.
//!
//! The object appears only when [`ObjectWriter::finish`] succeeds. Dropping a writer aborts its
//! upload in the background, as long as the process lives.

use crate::s3::reader::{ObjectReader, ReadOptions};
use crate::s3::retry;
use crate::s3::upload::{MAX_PARTS, PartUpload};
use crate::store::{ObjectStore, StoreError};
use bytes::{Bytes, BytesMut};
use crc_fast::{CrcAlgorithm, Digest};
use quarry_contract::location::S3Uri;
use std::sync::Arc;

/// The number of parts of one size before the size doubles.
const PARTS_OF_ONE_SIZE: usize = MAX_PARTS / 4;

/// How parts are cut and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOptions {
    /// The size of the first parts, bytes. S3 accepts no less than 5 MiB.
    pub part_bytes: usize,
    /// The number of parts under way at once; at least 1.
    pub in_flight: usize,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            part_bytes: 8 << 20,
            in_flight: 2,
        }
    }
}

/// An object that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its size.
    pub bytes: u64,
    /// Its `ETag` with the quotes.
    pub etag: String,
}

/// An object that is being written.
pub struct ObjectWriter {
    store: Arc<dyn ObjectStore>,
    location: S3Uri,
    options: WriteOptions,
    buffer: BytesMut,
    upload: Option<PartUpload>,
    started_parts: usize,
    bytes: u64,
    /// The checksum of the bytes so far, by which the same object is recognised.
    checksum: Option<Digest>,
}

impl ObjectWriter {
    /// Writes to `location`, replacing an existing object. Nothing is sent before the first part is
    /// full.
    pub fn new(store: Arc<dyn ObjectStore>, location: S3Uri, options: WriteOptions) -> Self {
        Self {
            store,
            location,
            options: WriteOptions {
                part_bytes: options.part_bytes.max(1),
                in_flight: options.in_flight.max(1),
            },
            buffer: BytesMut::new(),
            upload: None,
            started_parts: 0,
            bytes: 0,
            checksum: None,
        }
    }

    /// Like [`new`](Self::new), but if an object of the same bytes is there already, it is kept and
    /// counts as the one that was written. An object of other bytes is replaced.
    pub fn keeping_first(
        store: Arc<dyn ObjectStore>,
        location: S3Uri,
        options: WriteOptions,
    ) -> Self {
        Self {
            checksum: Some(checksum()),
            ..Self::new(store, location, options)
        }
    }

    /// Returns the number of bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends `data`. The error may be that of an earlier part. After an error, or after a future
    /// of this call was dropped, it is unknown what was written: drop or abort the writer.
    pub async fn write(&mut self, mut data: &[u8]) -> Result<(), StoreError> {
        while !data.is_empty() {
            self.make_room().await?;
            let room = self.part_bytes() - self.buffer.len();
            let (now, later) = data.split_at(room.min(data.len()));
            self.append(now);
            data = later;
        }
        Ok(())
    }

    /// Like [`write`](Self::write), but whole parts of `data` are sent without a copy.
    pub async fn write_bytes(&mut self, mut data: Bytes) -> Result<(), StoreError> {
        while !data.is_empty() {
            self.make_room().await?;
            let room = self.part_bytes() - self.buffer.len();
            if self.buffer.is_empty() && data.len() > room {
                self.ready().await?;
                let part = data.split_to(room);
                self.count(&part);
                self.start(part)?;
            } else {
                let now = data.split_to(room.min(data.len()));
                self.append(&now);
            }
        }
        Ok(())
    }

    /// Sends the rest and makes the object. If that fails, the upload is aborted.
    pub async fn finish(self) -> Result<Written, StoreError> {
        let place = self.location.to_string();
        let written = self.finish_if(async || true).await?;
        written.ok_or(StoreError::Exists(place))
    }

    /// Like [`finish`](Self::finish), but an object of other bytes that a writer
    /// [keeping the first](Self::keeping_first) finds is replaced only if it may be. Returns `None` if it may not.
    pub async fn finish_if<F, Fut>(mut self, may_replace: F) -> Result<Option<Written>, StoreError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = bool>,
    {
        if self.upload.is_none() {
            return self.finish_small(may_replace).await;
        }
        if !self.buffer.is_empty() {
            self.ready().await?;
            let part = self.buffer.split().freeze();
            self.start(part)?;
        }
        let mut upload = self.upload.take().ok_or_else(|| self.over())?;
        let made = match self.complete(&mut upload, may_replace).await {
            Ok(made) => made,
            Err(error) => return Err(abort_after(upload, error).await),
        };
        if !matches!(made, Made::New(_)) {
            upload.abort().await?;
        }
        Ok(self.written(made))
    }

    /// Writes an object that fits into one part.
    async fn finish_small<F, Fut>(mut self, may_replace: F) -> Result<Option<Written>, StoreError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = bool>,
    {
        let body = self.buffer.split().freeze();
        let put = async |absent| {
            retry::repeating(|| self.store.put(&self.location, body.clone(), absent)).await
        };
        let made = match put(self.checksum.is_some()).await {
            Err(StoreError::Exists(_)) => match self.etag_of_same().await? {
                Some(etag) => Made::Before(etag),
                None if may_replace().await => Made::New(put(false).await?),
                None => Made::Not,
            },
            result => Made::New(result?),
        };
        Ok(self.written(made))
    }

    /// Makes the object of an upload.
    async fn complete<F, Fut>(
        &self,
        upload: &mut PartUpload,
        may_replace: F,
    ) -> Result<Made, StoreError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = bool>,
    {
        match upload.complete(self.bytes, self.checksum.is_some()).await {
            Err(StoreError::Exists(_)) => match self.etag_of_same().await? {
                Some(etag) => Ok(Made::Before(etag)),
                None if may_replace().await => {
                    Ok(Made::New(upload.complete(self.bytes, false).await?))
                }
                None => Ok(Made::Not),
            },
            result => Ok(Made::New(result?)),
        }
    }

    fn written(&self, made: Made) -> Option<Written> {
        let bytes = self.bytes;
        match made {
            Made::New(etag) | Made::Before(etag) => Some(Written { bytes, etag }),
            Made::Not => None,
        }
    }

    /// Returns the `ETag` of the object that is there, if its bytes are those that were written.
    async fn etag_of_same(&self) -> Result<Option<String>, StoreError> {
        let Some(written) = &self.checksum else {
            return Ok(None);
        };
        let info = match retry::repeating(|| self.store.head(&self.location)).await {
            Ok(info) if info.size == self.bytes => info,
            Ok(_) | Err(StoreError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut reader = ObjectReader::open(
            Arc::clone(&self.store),
            self.location.clone(),
            0..info.size,
            info.etag.as_str(),
            ReadOptions::default(),
        );
        let mut found = checksum();
        while let Some(piece) = reader.next().await? {
            found.update(&piece);
        }
        let is_same = found.finalize() == written.finalize();
        Ok(is_same.then_some(info.etag))
    }

    /// Aborts the object and waits until nothing of it is left in S3.
    pub async fn abort(mut self) -> Result<(), StoreError> {
        match self.upload.take() {
            Some(upload) => upload.abort().await,
            None => Ok(()),
        }
    }

    /// Returns the size of the part that is being filled.
    fn part_bytes(&self) -> usize {
        self.options.part_bytes << (self.started_parts / PARTS_OF_ONE_SIZE).min(3)
    }

    /// Sends the buffer if it is a full part. It is sent only when more data follows, so that an
    /// object of exactly one part is a single put.
    async fn make_room(&mut self) -> Result<(), StoreError> {
        if self.buffer.len() < self.part_bytes() {
            return Ok(());
        }
        self.ready().await?;
        let part = std::mem::take(&mut self.buffer).freeze();
        self.start(part)?;
        self.buffer.reserve(self.part_bytes());
        Ok(())
    }

    fn append(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
        self.count(data);
    }

    fn count(&mut self, data: &[u8]) {
        self.bytes += data.len() as u64;
        if let Some(checksum) = &mut self.checksum {
            checksum.update(data);
        }
    }

    /// Waits until a part may start.
    async fn ready(&mut self) -> Result<(), StoreError> {
        if self.started_parts == MAX_PARTS {
            let text = format!("the object needs more than {MAX_PARTS} parts");
            return Err(StoreError::Refused(self.location.to_string(), text.into()));
        }
        if self.upload.is_none() && self.started_parts > 0 {
            return Err(self.over());
        }
        let upload = self.upload.get_or_insert_with(|| {
            PartUpload::new(
                Arc::clone(&self.store),
                self.location.clone(),
                self.options.in_flight,
            )
        });
        match (upload.wait_for_room().await, self.upload.take()) {
            (Ok(()), upload) => {
                self.upload = upload;
                Ok(())
            }
            (Err(error), Some(upload)) => Err(abort_after(upload, error).await),
            (Err(error), None) => Err(error),
        }
    }

    fn start(&mut self, part: Bytes) -> Result<(), StoreError> {
        let over = self.over();
        let upload = self.upload.as_mut().ok_or(over)?;
        self.started_parts += 1;
        let number = i32::try_from(self.started_parts).unwrap_or(i32::MAX);
        upload.start(number, part)
    }

    fn over(&self) -> StoreError {
        StoreError::Refused(self.location.to_string(), "the upload is over".into())
    }
}

/// Whose object is there, with its `ETag`.
enum Made {
    /// That of this writer.
    New(String),
    /// One of the same bytes, which was there before.
    Before(String),
    /// One of other bytes, which may not be replaced.
    Not,
}

/// Returns the checksum of no bytes.
fn checksum() -> Digest {
    Digest::new(CrcAlgorithm::Crc64Nvme)
}

/// Aborts within the call, because a Lambda function does nothing after its response. Returns the
/// first error.
async fn abort_after(upload: PartUpload, error: StoreError) -> StoreError {
    if let Err(left) = upload.abort().await {
        tracing::warn!(
            error = &left as &dyn std::error::Error,
            "upload left behind"
        );
    }
    error
}
