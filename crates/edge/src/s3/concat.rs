//! Making one object from ranges of others, inside S3 as far as possible.
//!
//! S3 itself copies ranges of 5 MiB and more; only smaller ones are read and sent again, gathered
//! into parts that are large enough (see [`plan`]). The work so far can be stored as a
//! [`ConcatProgress`] and continued by another call, so that it may outlast an invocation.
//!
//! Limits: 10,000 parts, so about 10,000 copied ranges. If there are more, somewhat larger ranges
//! are also read, before [`ConcatError::TooManyParts`] says that the object cannot be made. A
//! gathered part takes at most 64 MiB of memory, and usually 8.

pub mod plan;

use crate::clock::TimeLeft;
use crate::error::{AwsError, StepErrorKind};
use crate::s3::retry;
use crate::s3::upload::{self, UploadTarget};
use crate::s3::writer::Written;
use crate::store::{ObjectInfo, ObjectStore, Pin, StoreError, WriteCondition};
use bytes::{Bytes, BytesMut};
use futures::stream::{FuturesOrdered, FuturesUnordered, TryStreamExt};
use plan::{ConcatPart, ConcatSource, CopyLimits, SourceRange};
use quarry_contract::location::S3Uri;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// The number of GETs under way for one gathered part, whose inputs may be many and tiny.
const READS_IN_FLIGHT: usize = 16;

/// Bytes of the new object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConcatSegment {
    /// These bytes, e.g. a header line or a footer.
    Bytes(Bytes),
    /// A range of an object, which must not have changed since `info` was read.
    Object {
        /// The object.
        info: ObjectInfo,
        /// The range, inside the object's size.
        range: Range<u64>,
    },
}

impl ConcatSegment {
    /// Returns a segment of a whole object.
    pub fn whole(info: ObjectInfo) -> Self {
        let range = 0..info.size;
        Self::Object { info, range }
    }

    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Object { range, .. } => range.end.saturating_sub(range.start),
        }
    }
}

/// How to do the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcatOptions<'a> {
    /// The limits of the store.
    pub limits: CopyLimits,
    /// The number of parts under way at once; at least 1.
    pub in_flight: usize,
    /// What must be at the target.
    pub condition: WriteCondition<'a>,
}

impl Default for ConcatOptions<'_> {
    fn default() -> Self {
        Self {
            limits: CopyLimits::S3,
            in_flight: 4,
            condition: WriteCondition::Always,
        }
    }
}

/// The work so far, which a call with the same target and segments can continue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConcatProgress {
    /// The multipart upload.
    upload_id: String,
    /// The fingerprint of the segments and the plan, in hexadecimal.
    fingerprint: String,
    /// The number and `ETag` of the finished parts, in order.
    parts: Vec<(i32, String)>,
}

impl ConcatProgress {
    /// Returns the number of finished parts.
    pub fn parts_done(&self) -> usize {
        self.parts.len()
    }
}

/// The outcome of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concatenated {
    /// The object exists.
    Done(Written),
    /// The time was up; call again with this progress.
    Unfinished(ConcatProgress),
}

/// Why the object was not made. Nothing of it is left in S3.
#[derive(Debug, thiserror::Error)]
pub enum ConcatError {
    /// S3 failed, or an input is missing or has changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The segments need more parts than an object may have.
    #[error(
        "{needed} parts are needed, more than the {limit} that S3 allows; use fewer, larger slices"
    )]
    TooManyParts {
        /// The number of parts that are needed.
        needed: usize,
        /// The number of parts that are allowed.
        limit: usize,
    },
    /// The new object does not have the size of its segments.
    #[error("{target} has {found} bytes instead of {expected}")]
    WrongSize {
        /// The new object.
        target: S3Uri,
        /// The sum of the segments, bytes.
        expected: u64,
        /// The size that S3 reports, bytes.
        found: u64,
    },
}

impl AwsError for ConcatError {
    fn kind(&self) -> StepErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::TooManyParts { .. } => StepErrorKind::BadRequest,
            Self::WrongSize { .. } => StepErrorKind::Inconsistent,
        }
    }
}

/// Writes the segments, one after the other, to `target`, if the condition of the options holds.
///
/// `time` is checked before each part; when it is up, the parts under way are finished and
/// [`Concatenated::Unfinished`] is returned. If the upload of `progress` no longer exists, or its
/// segments are others, the work begins anew.
///
/// # Errors
/// See [`ConcatError`]; the upload is aborted then.
pub async fn concatenate(
    store: &dyn ObjectStore,
    target: &S3Uri,
    segments: &[ConcatSegment],
    progress: Option<ConcatProgress>,
    time: &dyn TimeLeft,
    options: &ConcatOptions<'_>,
) -> Result<Concatenated, ConcatError> {
    let work = Assembly::new(store, target, segments, options)?;
    if let Some(progress) = progress {
        if progress.fingerprint == work.fingerprint {
            match work.run(progress, time).await {
                // The upload no longer exists; a missing input causes an error again below.
                Err(ConcatError::Store(StoreError::NotFound(_))) => {}
                result => return result,
            }
        } else {
            retry::repeating(|| store.abort_upload(target, &progress.upload_id)).await?;
        }
    }
    match work.parts.as_slice() {
        [] => work.put(&[]).await,
        [ConcatPart::Gather(pieces)] => work.put(pieces).await,
        _ => {
            let upload_id = retry::repeating(|| store.create_upload(target)).await?;
            let progress = ConcatProgress {
                upload_id,
                fingerprint: work.fingerprint.clone(),
                parts: Vec::new(),
            };
            work.run(progress, time).await
        }
    }
}

struct Assembly<'a> {
    store: &'a dyn ObjectStore,
    target: &'a S3Uri,
    segments: &'a [ConcatSegment],
    parts: Vec<ConcatPart>,
    fingerprint: String,
    bytes: u64,
    in_flight: usize,
    condition: WriteCondition<'a>,
}

impl<'a> Assembly<'a> {
    fn new(
        store: &'a dyn ObjectStore,
        target: &'a S3Uri,
        segments: &'a [ConcatSegment],
        options: &ConcatOptions<'a>,
    ) -> Result<Self, ConcatError> {
        let limits = &options.limits;
        let sources: Vec<_> = segments
            .iter()
            .map(|segment| ConcatSource {
                length: segment.length(),
                can_be_copied: match segment {
                    ConcatSegment::Bytes(_) => false,
                    ConcatSegment::Object { info, .. } => info.size > limits.min_part,
                },
            })
            .collect();
        let parts = plan::plan(&sources, limits).map_err(|needed| ConcatError::TooManyParts {
            needed,
            limit: limits.max_parts,
        })?;
        Ok(Self {
            store,
            target,
            segments,
            fingerprint: fingerprint(segments, &parts),
            parts,
            bytes: sources.iter().map(|source| source.length).sum(),
            in_flight: options.in_flight.max(1),
            condition: options.condition,
        })
    }

    /// Writes an object that fits into one part, without an upload.
    async fn put(&self, pieces: &[SourceRange]) -> Result<Concatenated, ConcatError> {
        let body = self.gather(pieces).await?;
        let put = || self.store.put(self.target, body.clone(), self.condition);
        let etag = retry::repeating(put).await?;
        self.verified(etag).await
    }

    /// Makes the missing parts, then the object.
    async fn run(
        &self,
        mut progress: ConcatProgress,
        time: &dyn TimeLeft,
    ) -> Result<Concatenated, ConcatError> {
        match self.advance(&mut progress, time).await {
            Ok(Some(etag)) => self.verified(etag).await,
            Ok(None) => Ok(Concatenated::Unfinished(progress)),
            Err(error) => {
                let abort = || self.store.abort_upload(self.target, &progress.upload_id);
                if let Err(left) = retry::repeating(abort).await {
                    tracing::warn!(
                        error = &left as &dyn std::error::Error,
                        "upload left behind"
                    );
                }
                Err(error.into())
            }
        }
    }

    async fn advance(
        &self,
        progress: &mut ConcatProgress,
        time: &dyn TimeLeft,
    ) -> Result<Option<String>, StoreError> {
        let upload_id = progress.upload_id.clone();
        let mut done: BTreeMap<_, _> = progress.parts.drain(..).collect();
        let mut todo = (1..)
            .zip(&self.parts)
            .filter(|(number, _)| !done.contains_key(number))
            .collect::<Vec<_>>()
            .into_iter();
        let mut working = FuturesUnordered::new();
        loop {
            while working.len() < self.in_flight && todo.len() > 0 && time.enough() {
                if let Some((number, part)) = todo.next() {
                    working.push(self.part(&upload_id, number, part));
                }
            }
            match working.try_next().await? {
                Some((number, etag)) => done.insert(number, etag),
                None => break,
            };
        }
        drop(working);
        progress.parts = done.into_iter().collect();
        if progress.parts.len() < self.parts.len() || !time.enough() {
            return Ok(None);
        }
        let target = UploadTarget {
            at: self.target,
            bytes: self.bytes,
            condition: self.condition,
        };
        upload::complete(self.store, &target, &upload_id, &progress.parts)
            .await
            .map(Some)
    }

    async fn part(
        &self,
        upload_id: &str,
        number: i32,
        part: &ConcatPart,
    ) -> Result<(i32, String), StoreError> {
        let (store, at) = (self.store, self.target);
        let etag = match part {
            ConcatPart::Copy(piece) => {
                let (info, range) = self.object(piece)?;
                let pin = Pin::from(info);
                let copy =
                    || store.copy_part(at, upload_id, number, &info.location, range.clone(), &pin);
                retry::repeating(copy).await?
            }
            ConcatPart::Gather(pieces) => {
                let body = self.gather(pieces).await?;
                retry::repeating(|| store.upload_part(at, upload_id, number, body.clone())).await?
            }
        };
        Ok((number, etag))
    }

    /// Reads the ranges, several at once, and joins them in order.
    async fn gather(&self, pieces: &[SourceRange]) -> Result<Bytes, StoreError> {
        let length: u64 = pieces.iter().map(SourceRange::length).sum();
        let mut ranges = pieces.iter().flat_map(SourceRange::for_reading);
        let mut body = BytesMut::with_capacity(usize::try_from(length).unwrap_or(0));
        let mut reading = FuturesOrdered::new();
        loop {
            while reading.len() < READS_IN_FLIGHT {
                match ranges.next() {
                    Some(piece) => reading.push_back(self.read(piece)),
                    None => break,
                }
            }
            match reading.try_next().await? {
                Some(bytes) => body.extend_from_slice(&bytes),
                None => break,
            }
        }
        Ok(body.freeze())
    }

    async fn read(&self, piece: SourceRange) -> Result<Bytes, StoreError> {
        if let Some(ConcatSegment::Bytes(bytes)) = self.segments.get(piece.source) {
            let bounds = usize::try_from(piece.range.start)
                .ok()
                .zip(usize::try_from(piece.range.end).ok());
            return bounds
                .filter(|(start, end)| start <= end && *end <= bytes.len())
                .map(|(start, end)| bytes.slice(start..end))
                .ok_or_else(|| self.unplanned());
        }
        let (info, range) = self.object(&piece)?;
        let wanted = range.end - range.start;
        let pin = Pin::from(info);
        retry::repeating(async || {
            let bytes = self
                .store
                .get_range(&info.location, range.clone(), &pin)
                .await?;
            if bytes.len() as u64 == wanted {
                return Ok(bytes);
            }
            let text = format!("got {} bytes of {wanted}", bytes.len());
            Err(StoreError::Unavailable(
                info.location.to_string(),
                text.into(),
            ))
        })
        .await
    }

    /// Returns the object of a source range, and the range within that object.
    fn object(&self, piece: &SourceRange) -> Result<(&ObjectInfo, Range<u64>), StoreError> {
        match self.segments.get(piece.source) {
            Some(ConcatSegment::Object { info, range }) => {
                let (start, end) = (piece.range.start, piece.range.end);
                Ok((info, range.start + start..range.start + end))
            }
            _ => Err(self.unplanned()),
        }
    }

    fn unplanned(&self) -> StoreError {
        StoreError::Refused(
            self.target.to_string(),
            "a range belongs to no segment".into(),
        )
    }

    async fn verified(&self, etag: String) -> Result<Concatenated, ConcatError> {
        let found = retry::repeating(|| self.store.head(self.target))
            .await?
            .size;
        if found != self.bytes {
            return Err(ConcatError::WrongSize {
                target: self.target.clone(),
                expected: self.bytes,
                found,
            });
        }
        let bytes = self.bytes;
        Ok(Concatenated::Done(Written { bytes, etag }))
    }
}

/// Returns a hash of the segments and the plan (FNV-1a, 64 bits).
fn fingerprint(segments: &[ConcatSegment], parts: &[ConcatPart]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |data: &[u8]| {
        for byte in data.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for segment in segments {
        match segment {
            ConcatSegment::Bytes(bytes) => add(bytes),
            ConcatSegment::Object { info, range } => {
                add(info.location.to_string().as_bytes());
                add(info.etag.as_bytes());
                if let Some(version) = &info.version {
                    add(version.as_bytes());
                }
                add(&range.start.to_le_bytes());
                add(&range.end.to_le_bytes());
            }
        }
    }
    for part in parts {
        add(&part.length().to_le_bytes());
    }
    format!("{hash:016x}")
}
