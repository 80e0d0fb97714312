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
//! The object appears only when [`ObjectWriter::finish`] succeeds. Dropping a writer aborts its
//! upload in the background, as long as the process lives.

use crate::s3::retry;
use crate::s3::upload::{MAX_PARTS, PartUpload};
use crate::store::{ObjectStore, StoreError};
use bytes::{Bytes, BytesMut};
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
                self.bytes += part.len() as u64;
                self.start(part)?;
            } else {
                let now = data.split_to(room.min(data.len()));
                self.append(&now);
            }
        }
        Ok(())
    }

    /// Sends the rest and makes the object. If that fails, the upload is aborted.
    pub async fn finish(mut self) -> Result<Written, StoreError> {
        let bytes = self.bytes;
        if self.upload.is_none() {
            let body = self.buffer.split().freeze();
            let etag =
                retry::repeating(|| self.store.put(&self.location, body.clone(), false)).await?;
            return Ok(Written { bytes, etag });
        }
        if !self.buffer.is_empty() {
            self.ready().await?;
            let part = self.buffer.split().freeze();
            self.start(part)?;
        }
        let mut upload = self.upload.take().ok_or_else(|| self.over())?;
        match upload.complete(bytes).await {
            Ok(etag) => Ok(Written { bytes, etag }),
            Err(error) => Err(abort_after(upload, error).await),
        }
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
        self.bytes += data.len() as u64;
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
