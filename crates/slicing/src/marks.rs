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
    /// The most bytes of the rows of a slice, with the columns that are not in the records.
    #[serde(default = "no_limit")]
    pub max_row_bytes: u64,
}

fn no_limit() -> u64 {
    u64::MAX
}

/// The sizes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowSize {
    /// Bytes of the row in its table.
    pub row: u64,
    /// Bytes of its record with the line end.
    pub record: u64,
}

/// Limits that no slice can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// No record fits.
    #[error(
        "a slice must be allowed at least one record and one byte, found {max_records} records of {max_bytes} bytes and \
         rows of {max_row_bytes} bytes"
    )]
    Zero {
        /// The most records.
        max_records: u64,
        /// The most bytes.
        max_bytes: u64,
        /// The most bytes of the rows.
        max_row_bytes: u64,
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
    pub(crate) row_bytes: u64,
}

/// A stored chunk. There can be many, so the names are left out. The fields are those of [`Chunk`],
/// the position first.
#[derive(Serialize, Deserialize)]
struct StoredChunk(
    u32,
    u64,
    u64,
    u64,
    u64,
    u64,
    // Scans that an earlier build began lack it.
    #[serde(default)] u64,
);

impl From<StoredChunk> for Chunk {
    fn from(StoredChunk(file, byte, row, rows, records, bytes, row_bytes): StoredChunk) -> Self {
        Self {
            start: Place { file, byte, row },
            rows,
            records,
            bytes,
            row_bytes,
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
            row_bytes,
        }: Chunk,
    ) -> Self {
        Self(
            start.file, start.byte, start.row, rows, records, bytes, row_bytes,
        )
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
    #[serde(default)]
    filled_row_bytes: u64,
}

impl Marks {
    /// Starts a scan, before the first row.
    pub fn new(limits: SliceLimits) -> Result<Self, LimitsError> {
        let SliceLimits {
            max_records,
            max_bytes,
            min_records,
            max_row_bytes,
        } = limits;
        if max_records == 0 || max_bytes == 0 || max_row_bytes == 0 {
            return Err(LimitsError::Zero {
                max_records,
                max_bytes,
                max_row_bytes,
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
            filled_row_bytes: 0,
        })
    }

    /// Counts the next row, which begins at `place`.
    ///
    /// A row that is not uploaded belongs to its slice, but neither its record nor the record's
    /// bytes count. The same holds for a record that is larger than a slice may be. A row that is
    /// larger than the rows of a slice may be is alone in its slice. Returns whether the row's
    /// record counts.
    pub fn row(&mut self, place: Place, size: RowSize, uploaded: bool) -> bool {
        let limits = self.limits;
        let counts = uploaded && size.record <= limits.max_bytes;
        let (records, bytes) = if counts { (1, size.record) } else { (0, 0) };
        let row_bytes = size.row.min(limits.max_row_bytes);

        if records > limits.max_records - self.filled_records
            || bytes > limits.max_bytes - self.filled_bytes
            || row_bytes > limits.max_row_bytes - self.filled_row_bytes
        {
            (
                self.filled_records,
                self.filled_bytes,
                self.filled_row_bytes,
            ) = (0, 0, 0);
            self.closed = true;
        }
        self.filled_records += records;
        self.filled_bytes += bytes;
        self.filled_row_bytes += row_bytes;

        let most_rows = (limits.max_records / MARKS_PER_SLICE).max(1);
        let fits = |more: u64, limit: u64, so_far: u64| {
            more <= (limit / MARKS_PER_SLICE).saturating_sub(so_far)
        };
        match self.chunks.last_mut() {
            Some(chunk)
                if !self.closed
                    && chunk.rows < most_rows
                    && fits(bytes, limits.max_bytes, chunk.bytes)
                    && fits(row_bytes, limits.max_row_bytes, chunk.row_bytes) =>
            {
                chunk.rows += 1;
                chunk.records += records;
                chunk.bytes += bytes;
                chunk.row_bytes += row_bytes;
            }
            _ => self.chunks.push(Chunk {
                start: place,
                rows: 1,
                records,
                bytes,
                row_bytes,
            }),
        }
        self.closed = false;
        counts
    }

    /// The number of marks so far. Memory and the stored scan grow with it.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether there is no mark yet.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The limits.
    pub fn limits(&self) -> SliceLimits {
        self.limits
    }

    /// The marks, in order: each with the number of the row in the table that begins there.
    pub fn places(&self) -> impl Iterator<Item = (u64, Place)> {
        self.chunks.iter().scan(0, |row, chunk| {
            let first = *row;
            *row += chunk.rows;
            Some((first, chunk.start))
        })
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
