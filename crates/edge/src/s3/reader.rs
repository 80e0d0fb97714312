//! Reading a range of an object in order, with several ranged GETs ahead.
//!
//! Every GET runs in its own task, which receives the body at once, however slowly the caller
//! works: the SDK gives up on a body that is not read. [`ReadOptions`] bounds the read-ahead: a
//! caller that drops one piece before it requests the next one holds at most `part_bytes ×
//! in_flight + piece_bytes` bytes.
//!
//! A caller gets the bytes of a body while it arrives. The first GETs are small, because GETs that begin together share
//! the network, and the first bytes are the ones that the caller waits for.
//!
//! Before each piece the reader lets other tasks run, because a function has one thread: while the caller works, nobody
//! takes bytes from the network or gives it any, and the network would rest. Besides, a piece stays in the processor's
//! cache while it is worked on. The pieces are cut at the same places however the network cuts a body, so that the same
//! range is the same work each time.

use crate::error::Source;
use crate::s3::retry;
use crate::store::{ObjectStore, Pin, StoreError};
use bytes::{Bytes, BytesMut};
use quarry_contract::location::S3Uri;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

/// How much to read ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions {
    /// The bytes of the first GET; at least 1. Each later one has twice as many as the one before, up to
    /// `part_bytes`.
    pub first_bytes: u64,
    /// The most bytes of one GET; at least 1.
    pub part_bytes: u64,
    /// The number of GETs under way, or come and not returned to the caller yet; at least 1.
    pub in_flight: usize,
    /// The bytes of a piece; at least 1. The last one of a GET may have fewer.
    pub piece_bytes: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            first_bytes: 1 << 20,
            part_bytes: 8 << 20,
            in_flight: 3,
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
            // A piece is a whole part, which the caller holds besides.
            in_flight: options.in_flight - 1,
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
    /// Whether the caller has worked on a piece.
    has_worked: bool,
}

/// A GET under way.
struct Ahead {
    /// The bytes that were not taken from it yet.
    rest: Range<u64>,
    pieces: UnboundedReceiver<Bytes>,
    task: JoinHandle<Result<(), StoreError>>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if !self.rest.is_empty() {
            self.task.abort();
        }
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
            has_worked: false,
        }
    }

    /// Starts the first GETs, without waiting for them. Needs a tokio runtime.
    pub fn request(&mut self) {
        self.fill();
    }

    /// Returns the next piece, never empty; `None` at the end of the range.
    ///
    /// [`StoreError::Changed`] says that the object is no longer the expected one. After an error,
    /// the next call requests the bytes from there again. Dropping a future of this call loses nothing.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if std::mem::replace(&mut self.has_worked, true) {
            tokio::task::yield_now().await;
        }
        self.fill();
        let Some(first) = self.ahead.front_mut() else {
            return Ok(None);
        };
        let error = match first.pieces.recv().await {
            Some(piece) => {
                first.rest.start += piece.len() as u64;
                if first.rest.is_empty() {
                    self.ahead.pop_front();
                    self.fill();
                }
                return Ok(Some(piece));
            }
            None => match (&mut first.task).await {
                Ok(Err(error)) => error,
                Ok(Ok(())) => self.lost("the body is not whole".into()),
                Err(lost) => self.lost(Box::new(lost)),
            },
        };
        if let Some(first) = self.ahead.front() {
            self.rest.start = first.rest.start;
        }
        self.ahead.clear();
        Err(error)
    }

    fn lost(&self, why: Source) -> StoreError {
        StoreError::Unavailable(self.location.to_string(), why)
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
            let (to, pieces) = mpsc::unbounded_channel();
            let rest = start..end;
            let cutter = PieceCutter::new(&rest, self.options.piece_bytes, to);
            let task = tokio::spawn(async move { get(&*store, &location, &pin, cutter).await });
            self.ahead.push_back(Ahead { rest, pieces, task });
        }
    }
}

/// The least bytes of a piece that is passed on as it has come. What the network gives can be a small part of a large
/// buffer, and a piece that is kept would keep all of it.
const LEAST_PASSED_ON: usize = 64 << 10;

/// Cuts the bytes of a range into pieces, and sends them.
struct PieceCutter {
    /// The bytes that have not come yet.
    rest: Range<u64>,
    piece_bytes: usize,
    piece: BytesMut,
    to: UnboundedSender<Bytes>,
}

impl PieceCutter {
    fn new(range: &Range<u64>, piece_bytes: usize, to: UnboundedSender<Bytes>) -> Self {
        Self {
            rest: range.clone(),
            piece_bytes,
            piece: BytesMut::new(),
            to,
        }
    }

    /// Takes the next bytes, which are not more than the rest.
    fn push(&mut self, mut bytes: Bytes) {
        while !bytes.is_empty() {
            let begun = self.piece.len();
            let rest = usize::try_from(self.rest.end - self.rest.start).unwrap_or(usize::MAX);
            let room = (self.piece_bytes - begun).min(rest);
            let now = bytes.split_to(room.min(bytes.len()));
            self.rest.start += now.len() as u64;
            let is_whole = now.len() == room;
            let piece = if is_whole && begun == 0 && now.len() >= LEAST_PASSED_ON {
                now
            } else {
                self.piece.reserve(room);
                self.piece.extend_from_slice(&now);
                if !is_whole {
                    continue;
                }
                std::mem::take(&mut self.piece).freeze()
            };
            // Without a receiver, nobody needs the bytes, and the task ends.
            let _ = self.to.send(piece);
        }
    }
}

/// Gives all bytes of the cutter's range to it. The rest of a short response is requested again, as long as there is
/// progress.
async fn get(
    store: &dyn ObjectStore,
    location: &S3Uri,
    pin: &Pin,
    mut cutter: PieceCutter,
) -> Result<(), StoreError> {
    let mut attempt = 1;
    while !cutter.rest.is_empty() {
        let asked = cutter.rest.clone();
        let wanted = asked.end - asked.start;
        let mut got = 0;
        let mut take = |bytes: Bytes| {
            got += bytes.len() as u64;
            if got <= wanted {
                cutter.push(bytes);
            }
        };
        let read = store.read_range(location, asked, pin, &mut take).await;
        if got > wanted {
            let text = format!("got {got} bytes of {wanted}");
            return Err(StoreError::Refused(location.to_string(), text.into()));
        }
        if got > 0 {
            attempt = 1;
        }
        let error = match read {
            Ok(()) if got > 0 => continue,
            Ok(()) => StoreError::Unavailable(location.to_string(), "the body was empty".into()),
            Err(_) if got == wanted => return Ok(()),
            Err(error) => error,
        };
        if !retry::is_passing(&error) || attempt == retry::ATTEMPTS {
            return Err(error);
        }
        retry::pause(attempt).await;
        attempt += 1;
    }
    Ok(())
}
