//! Finds the least number of slices, and the fewest records in slices below the minimum, by trying
//! every cut between two rows.

use crate::slices::size;
use quarry_slicing::SliceLimits;

/// The bytes of a row's record, or none if the row is not uploaded.
pub(crate) type Row = Option<u64>;

/// Returns the fewest slices that meet all limits.
pub(crate) fn fewest_slices(limits: SliceLimits, rows: &[Row]) -> usize {
    best(limits, rows, |_, _| 0).1
}

/// Returns the fewest records in slices below the minimum, and the fewest slices that reach this.
pub(crate) fn fewest_starved(limits: SliceLimits, rows: &[Row]) -> (u64, usize) {
    best(limits, rows, |limits, records| {
        if records < limits.min_records {
            records
        } else {
            0
        }
    })
}

fn best(limits: SliceLimits, rows: &[Row], cost: impl Fn(SliceLimits, u64) -> u64) -> (u64, usize) {
    let mut best = vec![(0, 0)];
    for to in 1..=rows.len() {
        let (mut records, mut bytes, mut row_bytes) = (0, 0, 0);
        let mut found: Option<(u64, usize)> = None;
        for from in (0..to).rev() {
            records += u64::from(rows[from].is_some());
            bytes += rows[from].unwrap_or(0);
            row_bytes += size(rows[from]).row;
            if records > limits.max_records
                || bytes > limits.max_bytes
                || row_bytes > limits.max_row_bytes
            {
                break;
            }
            let (before, slices) = best[from];
            let candidate = (before + cost(limits, records), slices + 1);
            found = Some(found.map_or(candidate, |found| found.min(candidate)));
        }
        best.push(found.expect("every row fits alone"));
    }
    best[rows.len()]
}
