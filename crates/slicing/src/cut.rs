//! Chooses the cuts among the marks.

use crate::marks::{Chunk, Marks, Place, SliceLimits};
use serde::{Deserialize, Serialize};

/// Consecutive rows of a table that make one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The first row, counted from 0 in the whole table.
    pub first_row: u64,
    /// Number of rows.
    pub rows: u64,
    /// Number of rows that have a record to upload.
    pub records: u64,
    /// Bytes of these records.
    pub bytes: u64,
    /// Bytes of all rows in their table.
    pub row_bytes: u64,
    /// Where the first row begins.
    pub start: Place,
    /// Where the row after the last one begins, or the end of the table.
    pub end: Place,
}

/// Sums over all rows before a mark.
#[derive(Clone, Copy, Default)]
struct Sums {
    rows: u64,
    records: u64,
    bytes: u64,
    row_bytes: u64,
}

impl Sums {
    /// Whether the rows from here to `to` are within the limits of a slice.
    fn fit_to(&self, to: &Self, limits: &SliceLimits) -> bool {
        to.records - self.records <= limits.max_records
            && to.bytes - self.bytes <= limits.max_bytes
            && to.row_bytes - self.row_bytes <= limits.max_row_bytes
    }
}

/// The marks of a table. Mark 0 is before the first row, mark `last()` after the last.
struct CutTable<'a> {
    limits: SliceLimits,
    chunks: &'a [Chunk],
    sums: Vec<Sums>,
}

impl Marks {
    /// Cuts the table, whose last row ends at `end`, into slices. A table without rows has no
    /// slices.
    pub fn cut(&self, end: Place) -> Vec<Slice> {
        cut(self.limits, &self.chunks, end)
    }
}

fn cut(limits: SliceLimits, chunks: &[Chunk], end: Place) -> Vec<Slice> {
    let mut sums = vec![Sums::default()];
    sums.extend(chunks.iter().scan(Sums::default(), |sum, chunk| {
        sum.rows += chunk.rows;
        sum.records += chunk.records;
        sum.bytes += chunk.bytes;
        sum.row_bytes += chunk.row_bytes;
        Some(*sum)
    }));
    let table = CutTable {
        limits,
        chunks,
        sums,
    };
    let mut cuts = table.even_cuts();
    if cuts
        .windows(2)
        .any(|pair| table.starved(pair[0], pair[1]) > 0)
    {
        cuts = table.best_cuts();
    }
    cuts.windows(2)
        .map(|pair| table.slice(pair[0], pair[1], end))
        .collect()
}

impl CutTable<'_> {
    fn last(&self) -> usize {
        self.chunks.len()
    }

    /// Returns the farthest mark at which a slice from `from` may end.
    fn reach(&self, from: usize) -> usize {
        let beyond = &self.sums[from..];
        let fits = beyond.partition_point(|to| beyond[0].fit_to(to, &self.limits));
        // The partition point includes `from` itself.
        from + fits - 1
    }

    /// Returns the first mark at which a slice to `to` may begin.
    fn reach_back(&self, to: usize) -> usize {
        let end = self.sums[to];
        self.sums[..to].partition_point(|from| !from.fit_to(&end, &self.limits))
    }

    /// Returns the number of records of a slice if it is below the minimum, and 0 for all other
    /// slices. A slice without records becomes no job and does not count as below the minimum.
    fn starved(&self, from: usize, to: usize) -> u64 {
        let records = self.sums[to].records - self.sums[from].records;
        if records < self.limits.min_records {
            records
        } else {
            0
        }
    }

    /// Returns the least number of slices, each as near to its even share of the rows as the limits
    /// allow.
    fn even_cuts(&self) -> Vec<usize> {
        // From the end: the earliest mark from which this number of slices can hold the rest.
        let mut earliest = vec![self.last()];
        let mut mark = self.last();
        while mark > 0 {
            mark = self.reach_back(mark);
            earliest.push(mark);
        }
        earliest.reverse();

        let slices = earliest.len() - 1;
        let rows = u128::from(self.sums[self.last()].rows);
        let mut cuts = vec![0];
        let mut previous = 0;
        for (index, &earliest) in earliest.iter().enumerate().skip(1) {
            // Every later slice needs a chunk.
            let latest = self.reach(previous).min(self.last() - (slices - index));
            let share = self.nearest(rows * index as u128, slices as u128);
            previous = share.max(earliest).max(previous + 1).min(latest);
            cuts.push(previous);
        }
        cuts
    }

    /// Returns the mark whose number of rows before it is nearest to `numerator / denominator`; of
    /// two, the earlier.
    fn nearest(&self, numerator: u128, denominator: u128) -> usize {
        let scaled = |mark: usize| u128::from(self.sums[mark].rows) * denominator;
        let after = self
            .sums
            .partition_point(|sum| u128::from(sum.rows) * denominator < numerator);
        if after == 0 || after > self.last() {
            return after.min(self.last());
        }
        let before = after - 1;
        if numerator - scaled(before) <= scaled(after) - numerator {
            before
        } else {
            after
        }
    }

    /// Returns the cuts that leave the fewest records in slices below the minimum; among these the
    /// fewest slices, and among these the most even ones.
    ///
    /// Tries all pairs of marks that may bound a slice. The distance of the marks limits these to
    /// some hundred for each mark.
    fn best_cuts(&self) -> Vec<usize> {
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        struct Cost {
            starved: u64,
            slices: u64,
            /// Sum of the squared numbers of rows. It is least if they are equal.
            unevenness: u128,
        }
        let nothing = Cost {
            starved: 0,
            slices: 0,
            unevenness: 0,
        };
        let mut best = vec![(nothing, 0)];
        for to in 1..=self.last() {
            let costs = (self.reach_back(to)..to).map(|from| {
                let (before, _) = best[from];
                let rows = u128::from(self.sums[to].rows - self.sums[from].rows);
                let cost = Cost {
                    starved: before.starved + self.starved(from, to),
                    slices: before.slices + 1,
                    unevenness: before.unevenness + rows * rows,
                };
                (cost, from)
            });
            // There is always one, because a single chunk fits.
            best.push(costs.min().unwrap_or((nothing, to - 1)));
        }
        let mut cuts = vec![self.last()];
        let mut mark = self.last();
        while mark > 0 {
            mark = best[mark].1;
            cuts.push(mark);
        }
        cuts.reverse();
        cuts
    }

    fn slice(&self, from: usize, to: usize, end: Place) -> Slice {
        let (before, behind) = (self.sums[from], self.sums[to]);
        Slice {
            first_row: before.rows,
            rows: behind.rows - before.rows,
            records: behind.records - before.records,
            bytes: behind.bytes - before.bytes,
            row_bytes: behind.row_bytes - before.row_bytes,
            start: self.chunks[from].start,
            end: self.chunks.get(to).map_or(end, |chunk| chunk.start),
        }
    }
}
