//! Reads ahead: many small page reads become a few large ones, within a memory limit.

use crate::claims::PageClaims;
use crate::held::{Crowd, HeldPages, LargeRows};
use crate::page::{MAX_HEADER_BYTES, MAX_PAGE_BYTES, PageSize};
use crate::ranges::{Ranges, RangesError};
use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most compressed bytes of one row group that are kept at a time: 32 MiB.
const BUDGET: u64 = 32 << 20;

/// Column chunks at most this far apart are read together, in bytes.
const GAP: u64 = 256 << 10;

/// The size of a read from a large column chunk, in bytes.
const WINDOW: std::ops::RangeInclusive<u64> = (64 << 10)..=(8 << 20);

/// The number of bytes in which the header of a page is looked for first.
const FIRST_HEADER: u64 = 256;

/// The bytes of one row group's column chunks.
///
/// If all wanted chunks fit into the budget, they are read as a whole, neighbours together.
/// Otherwise each chunk has a window that moves through it.
///
/// A page that is too large is refused when its header is read, before it is read and unpacked, and so
/// are pages that are too many to be in memory at the same time.
pub(crate) struct Windows {
    ranges: Arc<dyn Ranges>,
    /// In order, without overlap.
    spans: Vec<Span>,
    window: u64,
    /// The offsets of pages that are read as a whole, with their headers; in order.
    whole_pages: Vec<u64>,
    failure: Mutex<Option<RangesError>>,
    held: Mutex<HeldPages>,
    claims: Mutex<PageClaims>,
    refused: Mutex<Option<RefusedPages>>,
}

/// Why pages were not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusedPages {
    /// One is too large.
    Large(LargePage),
    /// They are too many.
    Crowd(Crowd),
    /// Their values take too much memory.
    Rows(LargeRows),
}

/// A page that was refused because of its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LargePage {
    /// The offset of its header in the file.
    pub(crate) at: u64,
    /// Its size, in bytes.
    pub(crate) bytes: u64,
}

struct Span {
    range: Range<u64>,
    /// Some bytes of the span, and the offset at which they begin.
    held: Mutex<(u64, Bytes)>,
}

impl Windows {
    /// Creates windows over `chunks`, which are within the file. `whole_pages` are the offsets of
    /// the pages that the decoder knows the places of, and therefore reads as a whole.
    pub(crate) fn new(
        ranges: Arc<dyn Ranges>,
        mut chunks: Vec<Range<u64>>,
        mut whole_pages: Vec<u64>,
        held: HeldPages,
        claims: PageClaims,
    ) -> Arc<Self> {
        whole_pages.sort_unstable();
        chunks.retain(|chunk| !chunk.is_empty());
        chunks.sort_by_key(|chunk| chunk.start);
        let total: u64 = chunks.iter().map(|chunk| chunk.end - chunk.start).sum();
        let whole = total <= BUDGET;
        let mut spans: Vec<Range<u64>> = Vec::new();
        for chunk in chunks {
            match spans.last_mut() {
                Some(last)
                    if chunk.start < last.end
                        || (whole && chunk.start - last.end <= GAP.min(BUDGET)) =>
                {
                    last.end = last.end.max(chunk.end);
                }
                _ => spans.push(chunk),
            }
        }
        let window = if whole {
            u64::MAX
        } else {
            (BUDGET / spans.len().max(1) as u64).clamp(*WINDOW.start(), *WINDOW.end())
        };
        let spans = spans
            .into_iter()
            .map(|range| Span {
                held: Mutex::new((range.start, Bytes::new())),
                range,
            })
            .collect();
        Arc::new(Self {
            ranges,
            spans,
            window,
            whole_pages,
            failure: Mutex::new(None),
            held: Mutex::new(held),
            claims: Mutex::new(claims),
            refused: Mutex::new(None),
        })
    }

    /// Takes the error of the source of bytes, if it made decoding fail. The decoder passes errors
    /// on only as text.
    pub(crate) fn take_failure(&self) -> Option<RangesError> {
        locked(&self.failure).take()
    }

    /// Notes an error of the source of bytes. The next read fails.
    pub(crate) fn fail(&self, error: RangesError) {
        *locked(&self.failure) = Some(error);
    }

    /// Takes what made decoding fail because of the size of pages.
    pub(crate) fn take_refused(&self) -> Option<RefusedPages> {
        locked(&self.refused).take()
    }

    /// Notes rows that take too much memory.
    pub(crate) fn refuse_rows(&self, rows: LargeRows) {
        *locked(&self.refused) = Some(RefusedPages::Rows(rows));
    }

    /// Passes on what made other windows over the same bytes fail.
    pub(crate) fn fail_as(&self, other: &Self) {
        if let Some(refused) = other.take_refused() {
            *locked(&self.refused) = Some(refused);
        }
        if let Some(failure) = other.take_failure() {
            self.fail(failure);
        }
    }

    /// Whether decoding failed because the rows of a batch need too much memory together.
    pub(crate) fn is_crowded(&self) -> bool {
        let refused = *locked(&self.refused);
        matches!(
            refused,
            Some(RefusedPages::Crowd(_) | RefusedPages::Rows(_))
        )
    }

    /// Ends the batch of rows for which pages were read.
    pub(crate) fn batch_is_decoded(&self) {
        locked(&self.held).batch_is_decoded();
    }

    /// Refuses the page whose header is at `at` if it is too large, or claims what cannot be true.
    fn check_page(&self, at: u64) -> parquet::errors::Result<()> {
        if let Some(error) = &*locked(&self.failure) {
            return Err(ParquetError::General(error.to_string()));
        }
        let Some(span) = self.span(at) else {
            return Ok(());
        };
        let left = span.range.end - at;
        let mut length = FIRST_HEADER;
        loop {
            let bytes = self.exactly(at, offset(length.min(left))?)?;
            if let Some(page) = PageSize::of(&bytes) {
                let bytes = page.bytes;
                self.check_size(LargePage { at, bytes })?;
                let claim = locked(&self.claims).check(at, page);
                claim.map_err(ParquetError::General)?;
                locked(&self.held).announce(at, page);
                return Ok(());
            }
            if length >= left || length >= MAX_HEADER_BYTES {
                return Err(ParquetError::General(format!(
                    "the header of the page at byte {at} cannot be read"
                )));
            }
            length = length.saturating_mul(16);
        }
    }

    fn check_size(&self, page: LargePage) -> parquet::errors::Result<()> {
        if page.bytes <= MAX_PAGE_BYTES {
            return Ok(());
        }
        *locked(&self.refused) = Some(RefusedPages::Large(page));
        Err(ParquetError::General("a page is too large".to_owned()))
    }

    /// Counts the page at `at`, whose bytes are read now.
    fn hold(&self, at: u64) -> parquet::errors::Result<()> {
        let Err(crowd) = locked(&self.held).read(at) else {
            return Ok(());
        };
        *locked(&self.refused) = Some(RefusedPages::Crowd(crowd));
        Err(ParquetError::General("the pages are too many".to_owned()))
    }

    fn read(&self, range: Range<u64>) -> parquet::errors::Result<Bytes> {
        let length = range.end - range.start;
        let failed = match self.ranges.read(range) {
            Ok(bytes) if bytes.len() as u64 == length => return Ok(bytes),
            Ok(bytes) => {
                RangesError::new(format!("requested {length} bytes but got {}", bytes.len()))
            }
            Err(error) => error,
        };
        let text = failed.to_string();
        *locked(&self.failure) = Some(failed);
        Err(ParquetError::General(text))
    }

    /// Returns `length` bytes from `start`.
    fn exactly(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let end = start
            .checked_add(length as u64)
            .filter(|end| *end <= self.ranges.len())
            .ok_or_else(|| past_the_end(start))?;
        if length == 0 {
            return Ok(Bytes::new());
        }
        let Some(span) = self.span(start).filter(|span| end <= span.range.end) else {
            return self.read(start..end);
        };
        let mut held = locked(&span.held);
        let covered = held.0 <= start && end <= held.0 + held.1.len() as u64;
        if !covered {
            let piece = self.piece(span, start, end);
            *held = (piece.start, self.read(piece)?);
        }
        let from = offset(start - held.0)?;
        Ok(held.1.slice(from..from + length))
    }

    /// Returns at least one byte from `start`; none at the end of the file.
    fn some(&self, start: u64) -> parquet::errors::Result<Bytes> {
        if start == self.ranges.len() {
            return Ok(Bytes::new());
        }
        if start > self.ranges.len() {
            return Err(past_the_end(start));
        }
        let Some(span) = self.span(start) else {
            let end = self.ranges.len().min(start.saturating_add(*WINDOW.start()));
            return self.read(start..end);
        };
        let mut held = locked(&span.held);
        let covered = held.0 <= start && start < held.0 + held.1.len() as u64;
        if !covered {
            let piece = self.piece(span, start, start + 1);
            *held = (piece.start, self.read(piece)?);
        }
        Ok(held.1.slice(offset(start - held.0)?..))
    }

    /// Returns the range to read so that `start..end` is held.
    fn piece(&self, span: &Span, start: u64, end: u64) -> Range<u64> {
        if self.window == u64::MAX {
            return span.range.clone();
        }
        start..span.range.end.min(end.max(start + self.window))
    }

    fn span(&self, start: u64) -> Option<&Span> {
        let after = self.spans.partition_point(|span| span.range.start <= start);
        let span = self.spans.get(after.checked_sub(1)?)?;
        (start < span.range.end).then_some(span)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn past_the_end(start: u64) -> ParquetError {
    ParquetError::EOF(format!("the file has no bytes from {start} on"))
}

fn offset(distance: u64) -> parquet::errors::Result<usize> {
    usize::try_from(distance).map_err(|_| past_the_end(distance))
}

/// The decoder's view of the windows.
pub(crate) struct Source(pub(crate) Arc<Windows>);

impl Length for Source {
    fn len(&self) -> u64 {
        self.0.ranges.len()
    }
}

impl ChunkReader for Source {
    type T = Walk;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Walk> {
        Ok(Walk {
            windows: Arc::clone(&self.0),
            piece: self.0.some(start)?,
            at: start,
            is_checked: false,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if self.0.whole_pages.binary_search(&start).is_ok() {
            self.0.check_page(start)?;
        }
        self.0.check_size(LargePage {
            at: start,
            bytes: (length as u64).saturating_sub(MAX_HEADER_BYTES),
        })?;
        self.0.hold(start)?;
        self.0.exactly(start, length)
    }
}

/// Sequential bytes, for page headers, whose length is known only after they are read.
pub(crate) struct Walk {
    windows: Arc<Windows>,
    piece: Bytes,
    /// The offset at which `piece` begins.
    at: u64,
    /// Whether the page whose header is read may be as large as it is. The decoder also makes walks
    /// of which it reads nothing.
    is_checked: bool,
}

impl Read for Walk {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.is_checked {
            self.windows.check_page(self.at).map_err(io::Error::other)?;
            self.is_checked = true;
        }
        if self.piece.is_empty() {
            self.piece = self.windows.some(self.at).map_err(io::Error::other)?;
        }
        let length = out.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut out[..length]);
        self.at += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> HeldPages {
        HeldPages::new(Vec::new(), false)
    }

    fn windows(file: &Arc<Counted>, chunks: Vec<Range<u64>>) -> Source {
        let claims = PageClaims::new(Vec::new());
        Source(Windows::new(
            file.clone(),
            chunks,
            Vec::new(),
            none(),
            claims,
        ))
    }

    /// The header of a page of one byte.
    const HEADER: &[u8] = b"\x15\x00\x15\x02\x00";

    /// Bytes that tell their offset, with headers of pages at 0 and 15, and a list of what was read.
    struct Counted {
        bytes: Bytes,
        reads: Mutex<Vec<Range<u64>>>,
    }

    impl Counted {
        fn new(length: usize) -> Arc<Self> {
            let mut bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            for at in [0, 15] {
                bytes[at..at + HEADER.len()].copy_from_slice(HEADER);
            }
            Arc::new(Self {
                bytes: bytes.into(),
                reads: Mutex::new(Vec::new()),
            })
        }

        fn reads(&self) -> Vec<Range<u64>> {
            self.reads.lock().unwrap().clone()
        }
    }

    impl Ranges for Counted {
        fn len(&self) -> u64 {
            self.bytes.len() as u64
        }

        fn read(&self, range: Range<u64>) -> Result<Bytes, RangesError> {
            self.reads.lock().unwrap().push(range.clone());
            self.bytes.read(range)
        }
    }

    #[test]
    fn chunks_within_the_budget_are_read_once_and_neighbours_together() {
        let file = Counted::new(4 << 20);
        let near = [100..200_u64, 300..5_000, 2 << 20..3 << 20];
        let source = windows(&file, near.to_vec());
        for (start, length) in [(300, 50), (100, 100), (350, 4_000), ((2 << 20) + 7, 9_000)] {
            let bytes = source.get_bytes(start, length).unwrap();
            let from = usize::try_from(start).unwrap();
            assert_eq!(bytes, file.bytes.slice(from..from + length));
        }
        assert_eq!(file.reads(), [100..5_000, 2 << 20..3 << 20]);
    }

    #[test]
    fn large_chunks_are_read_window_by_window_and_never_twice_in_order() {
        let file = Counted::new(40 << 20);
        let length = file.len();
        let source = windows(&file, vec![0..length / 2, length / 2..length]);
        let mut walk = source.get_read(0).unwrap();
        let mut header = [0; 64];
        walk.read_exact(&mut header).unwrap();
        assert_eq!(header[..], file.bytes[..64]);
        let page = 300_000;
        let mut at = 64_u64;
        while at + page < length / 2 {
            source
                .get_bytes(at, usize::try_from(page).unwrap())
                .unwrap();
            at += page;
        }
        let reads = file.reads();
        assert!(reads.len() <= 4, "{reads:?}");
        let most = reads.iter().map(|range| range.end - range.start).max();
        assert!(most <= Some(8 << 20), "{reads:?}");
    }

    #[test]
    fn a_walk_continues_after_a_window_and_ends_with_the_file() {
        let file = Counted::new(100_000);
        let source = windows(&file, vec![10..20, 99_000..100_000]);
        let mut all = Vec::new();
        source.get_read(15).unwrap().read_to_end(&mut all).unwrap();
        assert_eq!(all, file.bytes[15..]);
        assert!(source.get_read(100_001).is_err());
        assert!(source.get_bytes(99_999, 2).is_err());
        assert!(source.get_bytes(u64::MAX, 2).is_err());
    }
}
