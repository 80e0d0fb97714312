//! Writing an object of any size with bounded memory.
//!
//! Content that fits into one part is a single put; larger content is a multipart upload with
//! several parts in flight. A caller that writes faster than S3 accepts must wait. At most `part
//! size × (in_flight + 1)` bytes are held.
//!
//! A caller that [knows](ObjectWriter::expecting) that its object will be large begins to send sooner: the upload is
//! created before it is needed, and the first part is as small as S3 accepts.
//!
//! S3 accepts at most 10,000 parts, so the part size doubles after every 2,500 parts: with first
//! parts of 8 MiB, it stays at 8 MiB up to an object of 20 GiB, and is 64 MiB at the end, near 300
//! GiB.
//!
//! Two copies of a step may write the same object at the same time: a redrive starts one while the
//! connection to the other is lost. A later step may then have noted the `ETag` of the first object, and
//! an object that is encrypted with a KMS key has another `ETag` after each write. So
//! [`ObjectWriter::keeping_first`] leaves an object of the same bytes as it is. A write of a copy that was
//! overtaken may arrive at any time later, so [`ObjectWriter::in_place_of`] replaces only the object that the
//! copy has found, and S3 itself refuses a write that comes too late.
//!
//! The object appears only when [`ObjectWriter::finish`] succeeds. Dropping a writer aborts its
//! upload in the background, as long as the process lives.

use crate::s3::reader::{ObjectReader, ReadOptions};
use crate::s3::retry;
use crate::s3::upload::{MAX_PARTS, PartUpload};
use crate::store::{ObjectStore, StoreError, WriteCondition};
use bytes::{Bytes, BytesMut};
use crc_fast::{CrcAlgorithm, Digest};
use quarry_contract::location::S3Uri;
use std::sync::Arc;

/// The number of parts of one size before the size doubles.
const PARTS_OF_ONE_SIZE: usize = MAX_PARTS / 4;

/// How parts are cut and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOptions {
    /// The size of the first part of an object that is expected to have several, bytes; at most `part_bytes`.
    pub first_bytes: usize,
    /// The size of the first parts of other objects, and of the parts that follow, bytes. S3 accepts no less than 5 MiB.
    pub part_bytes: usize,
    /// The number of parts under way at once; at least 1.
    pub in_flight: usize,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            first_bytes: 5 << 20,
            part_bytes: 8 << 20,
            // Two parts that begin together end together, and the network would rest while S3 responds to both.
            in_flight: 3,
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
    /// Whether the object is expected to have several parts.
    is_large: bool,
    /// Whether the last byte was sent.
    is_sent: bool,
    bytes: u64,
    /// The checksum of the bytes so far, by which the same object is recognised.
    checksum: Option<Digest>,
    replaced: Replaced,
}

/// The object of other bytes that a writer which keeps the same bytes replaces.
enum Replaced {
    /// Any.
    Any,
    /// The one with this `ETag`, or none.
    Only(Option<String>),
}

impl ObjectWriter {
    /// Writes to `location`, replacing an existing object. Nothing is sent before the first part is
    /// full, unless the object is [expected](Self::expecting) to be large.
    pub fn new(store: Arc<dyn ObjectStore>, location: S3Uri, options: WriteOptions) -> Self {
        Self {
            store,
            location,
            options: WriteOptions {
                first_bytes: options.first_bytes.clamp(1, options.part_bytes.max(1)),
                part_bytes: options.part_bytes.max(1),
                in_flight: options.in_flight.max(1),
            },
            buffer: BytesMut::new(),
            upload: None,
            started_parts: 0,
            is_large: false,
            is_sent: false,
            bytes: 0,
            checksum: None,
            replaced: Replaced::Any,
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

    /// Like [`keeping_first`](Self::keeping_first), but an object of other bytes is replaced only if it
    /// is the one with the `ETag` `found`; with `None`, no object is replaced. If another one is there,
    /// [`finish`](Self::finish) changes nothing, and the error is [`StoreError::Changed`].
    pub fn in_place_of(
        found: Option<String>,
        store: Arc<dyn ObjectStore>,
        location: S3Uri,
        options: WriteOptions,
    ) -> Self {
        Self {
            replaced: Replaced::Only(found),
            ..Self::keeping_first(store, location, options)
        }
    }

    /// Tells how many bytes will be written, so that a large object can be sent sooner. If there are fewer in the end,
    /// an upload may have been created for nothing.
    #[must_use]
    pub fn expecting(self, bytes: u64) -> Self {
        Self {
            is_large: bytes > self.options.part_bytes as u64,
            ..self
        }
    }

    /// Returns the object's location.
    pub fn location(&self) -> &S3Uri {
        &self.location
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

    /// Sends the last part of a large object, without waiting until it has arrived, so that the caller can do other
    /// things meanwhile. Nothing can be written afterwards.
    pub async fn send_rest(&mut self) -> Result<(), StoreError> {
        self.is_sent = true;
        if self.started_parts > 0 && !self.buffer.is_empty() {
            self.ready().await?;
            let part = self.buffer.split().freeze();
            self.start(part)?;
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
        if self.started_parts == 0 {
            return self.finish_small(may_replace).await;
        }
        self.send_rest().await?;
        let upload = self.upload.take().ok_or_else(|| self.over())?;
        let mut content = ObjectContent::Parts(upload);
        let made = self.make(&mut content, may_replace).await;
        let ObjectContent::Parts(upload) = content else {
            return Err(self.over());
        };
        match made {
            Ok(Made::New(_)) => {}
            Ok(_) => upload.abort().await?,
            Err(error) => return Err(abort_after(upload, error).await),
        }
        Ok(self.written(made?))
    }

    /// Writes an object that fits into one part.
    async fn finish_small<F, Fut>(mut self, may_replace: F) -> Result<Option<Written>, StoreError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = bool>,
    {
        let mut content = ObjectContent::Small(self.buffer.split().freeze());
        let unneeded = self.upload.take();
        let aborting = async {
            if let Some(upload) = unneeded {
                abort(upload).await;
            }
        };
        let (made, ()) = tokio::join!(self.make(&mut content, may_replace), aborting);
        Ok(self.written(made?))
    }

    /// Writes the object if the condition holds. Returns its `ETag`.
    async fn put(
        &self,
        content: &mut ObjectContent,
        condition: WriteCondition<'_>,
    ) -> Result<String, StoreError> {
        let (store, at) = (&self.store, &self.location);
        let body = match content {
            ObjectContent::Parts(upload) => return upload.complete(self.bytes, condition).await,
            ObjectContent::Small(body) => &*body,
        };
        retry::repeating(|| store.put(at, body.clone(), condition)).await
    }

    /// Makes the object, unless one of the same bytes is there.
    async fn make<F, Fut>(
        &self,
        content: &mut ObjectContent,
        may_replace: F,
    ) -> Result<Made, StoreError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = bool>,
    {
        if self.checksum.is_none() {
            return Ok(Made::New(self.put(content, WriteCondition::Always).await?));
        }
        match self.put(content, WriteCondition::IfAbsent).await {
            Err(StoreError::Exists(_)) => {}
            result => return Ok(Made::New(result?)),
        }
        let there = match self.there().await? {
            There::Same(etag) => return Ok(Made::Before(etag)),
            There::Other(etag) => etag,
            There::Nothing => return Err(self.changed()),
        };
        match &self.replaced {
            Replaced::Only(found) if found.as_ref() != Some(&there) => return Err(self.changed()),
            Replaced::Only(_) => {}
            Replaced::Any if may_replace().await => {}
            Replaced::Any => return Ok(Made::Not),
        }
        match self.put(content, WriteCondition::IfUnchanged(&there)).await {
            // The response to a first attempt may have been lost.
            Err(StoreError::Changed(place)) => match self.there().await? {
                There::Same(etag) => Ok(Made::Before(etag)),
                There::Other(_) | There::Nothing => Err(StoreError::Changed(place)),
            },
            result => Ok(Made::New(result?)),
        }
    }

    fn changed(&self) -> StoreError {
        StoreError::Changed(self.location.to_string())
    }

    fn written(&self, made: Made) -> Option<Written> {
        let bytes = self.bytes;
        match made {
            Made::New(etag) | Made::Before(etag) => Some(Written { bytes, etag }),
            Made::Not => None,
        }
    }

    /// Returns what is at the object's place.
    async fn there(&self) -> Result<There, StoreError> {
        let info = match retry::repeating(|| self.store.head(&self.location)).await {
            Ok(info) => info,
            Err(StoreError::NotFound(_)) => return Ok(There::Nothing),
            Err(error) => return Err(error),
        };
        let Some(written) = self.checksum.as_ref().filter(|_| info.size == self.bytes) else {
            return Ok(There::Other(info.etag));
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
        Ok(if found.finalize() == written.finalize() {
            There::Same(info.etag)
        } else {
            There::Other(info.etag)
        })
    }

    /// Aborts the object and waits until nothing of it is left in S3.
    pub async fn abort(mut self) -> Result<(), StoreError> {
        match self.upload.take() {
            Some(upload) => upload.abort().await,
            None => Ok(()),
        }
    }

    /// Returns the writer with the value of `work`, or aborts the object and returns the error. It aborts within the call,
    /// since a function does nothing after its response. If that fails, it is logged: the error is what the caller has to
    /// know.
    pub async fn or_give_up<T, E>(mut self, work: Result<T, E>) -> Result<(Self, T), E> {
        let error = match work {
            Ok(value) => return Ok((self, value)),
            Err(error) => error,
        };
        if let Some(upload) = self.upload.take() {
            abort(upload).await;
        }
        Err(error)
    }

    /// Returns the size of the part that is being filled.
    fn part_bytes(&self) -> usize {
        if self.is_large && self.started_parts == 0 {
            return self.options.first_bytes;
        }
        self.options.part_bytes << (self.started_parts / PARTS_OF_ONE_SIZE).min(3)
    }

    /// Sends the buffer if it is a full part. It is sent only when more data follows, so that an
    /// object of exactly one part is a single put.
    async fn make_room(&mut self) -> Result<(), StoreError> {
        if self.is_sent {
            return Err(self.over());
        }
        if self.is_large && self.started_parts == 0 && self.upload.is_none() {
            let mut upload = upload_of(&self.store, &self.location, self.options);
            upload.begin();
            self.upload = Some(upload);
        }
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
        // The upload stays in its place while this waits, so that a writer whose future was dropped can abort it.
        let upload = self
            .upload
            .get_or_insert_with(|| upload_of(&self.store, &self.location, self.options));
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

fn upload_of(store: &Arc<dyn ObjectStore>, at: &S3Uri, options: WriteOptions) -> PartUpload {
    PartUpload::new(Arc::clone(store), at.clone(), options.in_flight)
}

/// What an object is made of.
enum ObjectContent {
    /// Bytes that fit into one part.
    Small(Bytes),
    /// An upload with all parts.
    Parts(PartUpload),
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

/// What is at the place of an object that is being written, with its `ETag`.
enum There {
    /// An object of the same bytes.
    Same(String),
    /// An object of other bytes.
    Other(String),
    Nothing,
}

/// Returns the checksum of no bytes.
fn checksum() -> Digest {
    Digest::new(CrcAlgorithm::Crc64Nvme)
}

/// Aborts an upload after an error, and returns the error.
async fn abort_after(upload: PartUpload, error: StoreError) -> StoreError {
    abort(upload).await;
    error
}

/// Aborts an upload. If that fails, the bucket's lifecycle rule removes it.
async fn abort(upload: PartUpload) {
    if let Err(left) = upload.abort().await {
        tracing::warn!(
            error = &left as &dyn std::error::Error,
            "upload left behind"
        );
    }
}
