//! The source of a file's bytes.

use bytes::Bytes;
use std::error::Error;
use std::fmt;
use std::ops::Range;

/// The bytes of one file, read range by range.
///
/// Reading is synchronous: an implementation over a network blocks the calling thread. Every call
/// requests some hundred KiB to a few MiB, never single pages.
pub trait Ranges: Send + Sync {
    /// The file's length in bytes.
    fn len(&self) -> u64;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns exactly the bytes of `range`. The range is never empty and always within the file.
    fn read(&self, range: Range<u64>) -> Result<Bytes, RangesError>;
}

/// Why a range could not be read, with the source's own error.
#[derive(Debug)]
pub struct RangesError(Box<dyn Error + Send + Sync>);

impl RangesError {
    /// Wraps an error of the source.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }

    /// Returns the wrapped error, for `downcast`.
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl fmt::Display for RangesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for RangesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// A file in memory.
impl Ranges for Bytes {
    fn len(&self) -> u64 {
        Bytes::len(self) as u64
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, RangesError> {
        let piece = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok())
            .filter(|(start, end)| start <= end && *end <= Bytes::len(self))
            .map(|(start, end)| self.slice(start..end));
        piece.ok_or_else(|| {
            RangesError::new(format!(
                "bytes {}..{} of a file of {}",
                range.start,
                range.end,
                Bytes::len(self)
            ))
        })
    }
}
