//! Chooses the rows of a sample.
//!
//! The numbers are made here and not by a library: the same seed has to give the same rows in every
//! later version, and libraries for random numbers do not promise that.

use std::collections::BTreeSet;

/// Returns the numbers of the rows of a sample, ascending: at most `wanted` of the rows 0 to `rows`.
///
/// Without a seed these are the first rows. With a seed each set of rows is equally likely, and the
/// same seed chooses the same rows of a table of as many rows.
///
/// ```
/// use quarry_slicing::sampled_rows;
///
/// assert_eq!(sampled_rows(10_000, 3, None), [0, 1, 2]);
/// assert_eq!(sampled_rows(10_000, 3, Some(7)), sampled_rows(10_000, 3, Some(7)));
/// assert_eq!(sampled_rows(2, 3, Some(7)), [0, 1]);
/// ```
pub fn sampled_rows(rows: u64, wanted: u64, seed: Option<u32>) -> Vec<u64> {
    let wanted = wanted.min(rows);
    let Some(seed) = seed else {
        return (0..wanted).collect();
    };
    let mut numbers = SeededNumbers(seed.into());
    let mut chosen = BTreeSet::new();
    // Robert Floyd's algorithm: it needs as many numbers as there are rows to choose, and memory for
    // these rows only.
    for last in rows - wanted..rows {
        let row = numbers.up_to(last);
        if !chosen.insert(row) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}

/// Numbers that follow from a seed: `SplitMix64`.
struct SeededNumbers(u64);

impl SeededNumbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to `last`, each equally likely: numbers above the last multiple are
    /// drawn again.
    fn up_to(&mut self, last: u64) -> u64 {
        let Some(count) = last.checked_add(1) else {
            return self.next();
        };
        let rest = (u64::MAX % count + 1) % count;
        loop {
            let number = self.next();
            if number <= u64::MAX - rest {
                return number % count;
            }
        }
    }
}
