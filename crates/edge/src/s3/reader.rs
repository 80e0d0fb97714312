//! Reading a range of an object in order, with several ranged GETs ahead.
//!
//! Every GET runs in its own task, which receives the body at once, however slowly the caller
//! works: the SDK gives up on a body that is not read. [`ReadOptions`] bounds the read-ahead. A
//! caller that drops one piece before it requests the next one holds at most `part_bytes ×
//! (in_flight + 1)` bytes.
//!
//! The first GETs are small, so that the caller can begin to work soon: GETs that begin together share the
//! network, and a function of Lambda would wait a quarter of a second for the first of two bodies of 8 MiB.
//!
//! A body is returned in small pieces. Between two of them the reader lets other tasks run, because a function has one
//! thread: while the caller works on a piece, nobody takes bytes from the network or gives it any, and it would
//! rest for as long as a whole body takes. Besides, a small piece stays in the processor's cache while it is worked on.

use crate::s3::retry;
use crate::store::{ObjectStore, Pin, StoreError};
use bytes::{Bytes, BytesMut};
use quarry_contract::location::S3Uri;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// How much to read ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions {
    /// The bytes of the first GET; at least 1. Each later one has twice as many as the one before, up to
    /// `part_bytes`.
    pub first_bytes: u64,
    /// The most bytes of one GET; at least 1.
    pub part_bytes: u64,
    /// The number of GETs ahead of the caller; at least 1.
    pub in_flight: usize,
    /// The most bytes that are returned at once; at least 1.
    pub piece_bytes: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            first_bytes: 1 << 20,
            part_bytes: 8 << 20,
            in_flight: 2,
            piece_bytes: 256 << 10,
        }
    }
}

impl ReadOptions {
    /// Returns the options for a caller that needs all of a range before it begins to work.
    pub fn for_all_at_once() -> Self {
        let options = Self::default();
        Self {
            first_bytes: options.part_bytes,
            piece_bytes: usize::MAX,
            ..options
        }
    }
}

/// The bytes of a range, in order, in pieces. Dropping it ends its GETs.
pub struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    location: Arc<S3Uri>,
    pin: Pin,
    options: ReadOptions,
    /// The bytes of the next GET.
    next_bytes: u64,
    /// The range for which no GET was started yet.
    rest: Range<u64>,
    ahead: VecDeque<Ahead>,
    /// The bytes of a body that were not returned yet.
    body: Bytes,
}

/// A GET under way.
struct Ahead {
    start: u64,
    task: JoinHandle<Result<Bytes, StoreError>>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ObjectReader {
    /// Reads `range`, which must be inside the object; `pin` is the object's content when the range
    /// was chosen (an `ETag` alone is enough). No call is made before [`request`](Self::request) or
    /// the first [`next`](Self::next).
    pub fn open(
        store: Arc<dyn ObjectStore>,
        location: S3Uri,
        range: Range<u64>,
        pin: impl Into<Pin>,
        options: ReadOptions,
    ) -> Self {
        let part_bytes = options.part_bytes.max(1);
        let first_bytes = options.first_bytes.clamp(1, part_bytes);
        Self {
            store,
            location: Arc::new(location),
            pin: pin.into(),
            options: ReadOptions {
                first_bytes,
                part_bytes,
                in_flight: options.in_flight.max(1),
                piece_bytes: options.piece_bytes.max(1),
            },
            next_bytes: first_bytes,
            rest: range,
            ahead: VecDeque::new(),
            body: Bytes::new(),
        }
    }

    /// Requests the first pieces, without waiting for them. Needs a tokio runtime.
    pub fn request(&mut self) {
        self.fill();
    }

    /// Returns the next piece, never empty; `None` at the end of the range.
    ///
    /// [`StoreError::Changed`] says that the object is no longer the expected one. After an error,
    /// the next call requests the bytes from there again. Dropping a future of this call loses nothing.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.body.is_empty() {
            let Some(body) = self.next_body().await? else {
                return Ok(None);
            };
            self.body = body;
        } else {
            tokio::task::yield_now().await;
        }
        let length = self.body.len().min(self.options.piece_bytes);
        Ok(Some(self.body.split_to(length)))
    }

    /// Returns the body of the next GET, which is never empty.
    async fn next_body(&mut self) -> Result<Option<Bytes>, StoreError> {
        self.fill();
        let Some(first) = self.ahead.front_mut() else {
            return Ok(None);
        };
        let body = match (&mut first.task).await {
            Ok(body) => body,
            Err(lost) => Err(StoreError::Unavailable(
                self.location.to_string(),
                Box::new(lost),
            )),
        };
        match body {
            Ok(body) => {
                self.ahead.pop_front();
                self.fill();
                Ok(Some(body))
            }
            Err(error) => {
                self.rest.start = first.start;
                self.ahead.clear();
                Err(error)
            }
        }
    }

    /// Starts GETs until enough are ahead.
    fn fill(&mut self) {
        while self.ahead.len() < self.options.in_flight && !self.rest.is_empty() {
            let start = self.rest.start;
            let end = start.saturating_add(self.next_bytes).min(self.rest.end);
            self.next_bytes = self
                .next_bytes
                .saturating_mul(2)
                .min(self.options.part_bytes);
            self.rest.start = end;
            let (store, location) = (Arc::clone(&self.store), Arc::clone(&self.location));
            let pin = self.pin.clone();
            let task = tokio::spawn(async move { get(&*store, &location, start..end, &pin).await });
            self.ahead.push_back(Ahead { start, task });
        }
    }
}

/// Returns all bytes of `range`. The rest of a short response is requested again, as long as there
/// is progress.
async fn get(
    store: &dyn ObjectStore,
    location: &S3Uri,
    range: Range<u64>,
    pin: &Pin,
) -> Result<Bytes, StoreError> {
    let mut data = BytesMut::new();
    let mut attempt = 1;
    loop {
        let rest = range.start + data.len() as u64..range.end;
        let wanted = rest.end - rest.start;
        let error = match store.get_range(location, rest, pin).await {
            Ok(piece) if piece.len() as u64 == wanted && data.is_empty() => return Ok(piece),
            Ok(piece) if piece.len() as u64 > wanted => {
                let text = format!("got {} bytes of {wanted}", piece.len());
                return Err(StoreError::Refused(location.to_string(), text.into()));
            }
            Ok(piece) => {
                data.extend_from_slice(&piece);
                if piece.len() as u64 == wanted {
                    return Ok(data.freeze());
                }
                if !piece.is_empty() {
                    attempt = 1;
                    continue;
                }
                StoreError::Unavailable(location.to_string(), "the body was empty".into())
            }
            Err(error) => error,
        };
        if !retry::is_passing(&error) || attempt == retry::ATTEMPTS {
            return Err(error);
        }
        retry::pause(attempt).await;
        attempt += 1;
    }
}
