//! How much the pages take that are in memory at the same time.
//!
//! The decoder holds a dictionary and a page of each column, and a batch of rows holds every page
//! that its values are in. A file of a few kilobytes can have hundreds of columns with pages of 64
//! MiB each.

use crate::page::PageSize;
use std::ops::Range;

/// The most bytes of pages, unpacked, that are in memory at the same time: 256 MiB.
pub(crate) const MAX_HELD_BYTES: u64 = 256 << 20;

/// The most bytes that the values of rows take that are decoded together, or of a single row: 128 MiB. A list
/// of as many bytes as a row may have takes this much if its values have four bytes.
pub(crate) const MAX_DECODED_BYTES: u64 = 2 * quarry_table::MAX_ROW_BYTES as u64;

/// The bytes of a row group's column chunks. What is in them is counted when it is read.
pub(crate) struct HeldChunk {
    range: Range<u64>,
    /// Whether a row can have many values. The decoder has to unpack such pages to pass over rows, because
    /// only their contents say how many rows they have.
    is_repeated: bool,
    dictionary: u64,
    /// The page whose header was read last, while it is not read itself.
    announced: Option<PageSize>,
    current: u64,
    /// Pages before the current one with values of this batch.
    passed: u64,
    /// Whether a page was read for this batch.
    is_moved: bool,
}

impl HeldChunk {
    pub(crate) fn new(range: Range<u64>, is_repeated: bool) -> Self {
        Self {
            range,
            is_repeated,
            dictionary: 0,
            announced: None,
            current: 0,
            passed: 0,
            is_moved: false,
        }
    }

    fn bytes(&self) -> u64 {
        self.dictionary + self.current + self.passed
    }
}

/// The pages of a row group that are in memory.
pub(crate) struct HeldPages {
    /// In order.
    chunks: Vec<HeldChunk>,
    total: u64,
    /// The chunks of which a page was read for this batch.
    moved: Vec<usize>,
    /// Whether rows are being skipped, whose pages are not held.
    skips: bool,
}

/// Pages that are too many to be in memory at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crowd {
    /// The offset of the column chunk that has the most of them.
    pub(crate) at: u64,
    /// The bytes of that chunk's pages.
    pub(crate) of_chunk: u64,
    /// The bytes of all pages.
    pub(crate) bytes: u64,
}

/// Rows that would take too much memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LargeRows {
    /// The column that takes most of it.
    pub(crate) leaf: usize,
    /// What the values of all columns take, bytes.
    pub(crate) bytes: u64,
}

impl HeldPages {
    /// Counts the pages of some chunks. `skips` says whether rows are skipped before the first
    /// batch.
    pub(crate) fn new(mut chunks: Vec<HeldChunk>, skips: bool) -> Self {
        chunks.sort_by_key(|chunk| chunk.range.start);
        Self {
            chunks,
            total: 0,
            moved: Vec::new(),
            skips,
        }
    }

    /// Notes the header of a page at `at`, which may be read next or skipped.
    pub(crate) fn announce(&mut self, at: u64, page: PageSize) {
        let Some(index) = self.chunk(at) else {
            return;
        };
        let chunk = &mut self.chunks[index];
        if page.is_dictionary {
            self.total = self.total - chunk.dictionary + page.bytes;
            chunk.dictionary = page.bytes;
            chunk.announced = None;
        } else {
            chunk.announced = Some(page);
        }
    }

    /// Counts the page that was announced last, because bytes at `at` are read now.
    pub(crate) fn read(&mut self, at: u64) -> Result<(), Crowd> {
        if let Some(index) = self.chunk(at)
            && let Some(page) = self.chunks[index].announced.take()
        {
            let chunk = &mut self.chunks[index];
            if self.skips && chunk.is_repeated {
                self.total -= chunk.current;
            } else {
                if !chunk.is_moved {
                    chunk.is_moved = true;
                    self.moved.push(index);
                }
                chunk.passed += chunk.current;
            }
            chunk.current = page.bytes;
            self.total += page.bytes;
        }
        if self.total <= MAX_HELD_BYTES {
            return Ok(());
        }
        let largest = self.chunks.iter().max_by_key(|chunk| chunk.bytes());
        Err(Crowd {
            at: largest.map_or(at, |chunk| chunk.range.start),
            of_chunk: largest.map_or(0, HeldChunk::bytes),
            bytes: self.total,
        })
    }

    /// Ends a batch. All its pages but the current ones are forgotten.
    pub(crate) fn batch_is_decoded(&mut self) {
        self.skips = false;
        for index in self.moved.drain(..) {
            let chunk = &mut self.chunks[index];
            self.total -= std::mem::take(&mut chunk.passed);
            chunk.is_moved = false;
        }
    }

    fn chunk(&self, at: u64) -> Option<usize> {
        let after = self.chunks.partition_point(|chunk| chunk.range.start <= at);
        let index = after.checked_sub(1)?;
        self.chunks[index].range.contains(&at).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn page(bytes: u64, is_dictionary: bool) -> PageSize {
        PageSize {
            bytes,
            is_dictionary,
            values: 0,
            has_text_lengths: false,
        }
    }

    #[test]
    fn a_dictionary_a_page_of_each_column_and_those_of_the_batch_are_counted() {
        let chunks = [0..100, 100..200].map(|range| HeldChunk::new(range, false));
        let mut held = HeldPages::new(chunks.into(), false);
        let mut read = |at: u64, bytes: u64, is_dictionary: bool| {
            held.announce(at, page(bytes, is_dictionary));
            held.read(at + 1)
        };
        read(0, 60 * MIB, true).unwrap();
        read(10, 60 * MIB, false).unwrap();
        read(100, 60 * MIB, false).unwrap();
        read(110, 60 * MIB, false).unwrap();
        let crowd = read(120, 60 * MIB, false).unwrap_err();
        assert_eq!((crowd.at, crowd.of_chunk), (100, 180 * MIB));
        assert_eq!(crowd.bytes, 300 * MIB);
        held.batch_is_decoded();
        held.announce(130, page(60 * MIB, false));
        held.read(131).unwrap();
    }

    #[test]
    fn a_page_that_is_skipped_is_not_counted() {
        let chunks = [0..100, 100..200].map(|range| HeldChunk::new(range.clone(), range.start > 0));
        let mut held = HeldPages::new(chunks.into(), true);
        for at in 0..50 {
            held.announce(at, page(60 * MIB, false));
            held.announce(100 + at, page(60 * MIB, false));
            held.read(101 + at).unwrap();
        }
        assert_eq!(held.total, 60 * MIB);
    }
}
