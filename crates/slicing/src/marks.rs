//! What a scan remembers of the rows of a table.

use serde::{Deserialize, Serialize};

/// Marks are at most one part in this many of a limit apart.
const MARKS_PER_SLICE: u64 = 64;

/// The limits of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceLimits {
    /// The most records of a job.
    pub max_records: u64,
    /// The most bytes of a job's input, line ends included.
    pub max_bytes: u64,
    /// The fewest records of a job. 0 or 1 means that any number will do.
    pub min_records: u64,
}

/// Limits that no slice can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// No record fits.
    #[error(
        "a slice must be allowed at least one record and one byte, found {max_records} records and {max_bytes} bytes"
    )]
    Zero {
        /// The most records.
        max_records: u64,
        /// The most bytes.
        max_bytes: u64,
    },
    /// The minimum is above the maximum.
    #[error(
        "the minimum of {min_records} records for a slice is above the maximum of {max_records}"
    )]
    Contradiction {
        /// The fewest records.
        min_records: u64,
        /// The most records.
        max_records: u64,
    },
}

/// A position between two rows of a table, which may have several files.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Place {
    /// The file, counted from 0 in table order.
    pub file: u32,
    /// Offset in that file of the row's first byte.
    pub byte: u64,
    /// The row in that file, counted from 0.
    pub row: u64,
}

/// The rows between two marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredChunk", into = "StoredChunk")]
pub(crate) struct Chunk {
    pub(crate) start: Place,
    pub(crate) rows: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

/// A stored chunk. There can be many, so the names are left out. The fields are those of [`Chunk`],
/// the position first.
type StoredChunk = (u32, u64, u64, u64, u64, u64);

impl From<StoredChunk> for Chunk {
    fn from((file, byte, row, rows, records, bytes): StoredChunk) -> Self {
        Self {
            start: Place { file, byte, row },
            rows,
            records,
            bytes,
        }
    }
}

impl From<Chunk> for StoredChunk {
    fn from(
        Chunk {
            start,
            rows,
            records,
            bytes,
        }: Chunk,
    ) -> Self {
        (start.file, start.byte, start.row, rows, records, bytes)
    }
}

/// The marks of a table that is being scanned.
///
/// They can be stored between two rows and read back to continue the scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    pub(crate) limits: SliceLimits,
    pub(crate) chunks: Vec<Chunk>,
    /// Whether the next row begins a chunk.
    closed: bool,
    /// Records and bytes since the last position where filling one slice after the other would cut.
    filled_records: u64,
    filled_bytes: u64,
}

impl Marks {
    /// Starts a scan, before the first row.
    pub fn new(limits: SliceLimits) -> Result<Self, LimitsError> {
        let SliceLimits {
            max_records,
            max_bytes,
            min_records,
        } = limits;
        if max_records == 0 || max_bytes == 0 {
            return Err(LimitsError::Zero {
                max_records,
                max_bytes,
            });
        }
        if min_records > max_records {
            return Err(LimitsError::Contradiction {
                min_records,
                max_records,
            });
        }
        Ok(Self {
            limits,
            chunks: Vec::new(),
            closed: true,
            filled_records: 0,
            filled_bytes: 0,
        })
    }

    /// Counts the next row. It begins at `place`, and its record has `record_bytes` with the line
    /// end.
    ///
    /// A row that is not uploaded belongs to its slice, but neither its record nor its bytes count.
    /// The same holds for a record that is larger than a slice may be. Returns whether the row
    /// counts.
    pub fn row(&mut self, place: Place, record_bytes: u64, uploaded: bool) -> bool {
        let counts = uploaded && record_bytes <= self.limits.max_bytes;
        let (records, bytes) = if counts { (1, record_bytes) } else { (0, 0) };

        let room = self.limits.max_records - self.filled_records;
        if records > room || bytes > self.limits.max_bytes - self.filled_bytes {
            (self.filled_records, self.filled_bytes) = (0, 0);
            self.closed = true;
        }
        self.filled_records += records;
        self.filled_bytes += bytes;

        let most_rows = (self.limits.max_records / MARKS_PER_SLICE).max(1);
        let most_bytes = self.limits.max_bytes / MARKS_PER_SLICE;
        match self.chunks.last_mut() {
            Some(chunk)
                if !self.closed
                    && chunk.rows < most_rows
                    && bytes <= most_bytes.saturating_sub(chunk.bytes) =>
            {
                chunk.rows += 1;
                chunk.records += records;
                chunk.bytes += bytes;
            }
            _ => self.chunks.push(Chunk {
                start: place,
                rows: 1,
                records,
                bytes,
            }),
        }
        self.closed = false;
        counts
    }

    /// The limits.
    pub fn limits(&self) -> SliceLimits {
        self.limits
    }

    /// The rows so far.
    pub fn rows(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.rows).sum()
    }

    /// The records so far: the rows that count.
    pub fn records(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.records).sum()
    }

    /// The bytes of these records.
    pub fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.bytes).sum()
    }
}
