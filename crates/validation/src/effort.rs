//! Bounds the time and the memory that the check of one answer takes.
//!
//! Validation can take exponential time in the depth of an answer: a recursive `oneOf` looks at
//! every value once for each branch of each level above it, and so does the list of violations,
//! which has one entry for each of these looks. So every look at a value is counted. When the looks
//! are used up, the values appear as null and the containers as empty, which ends the validation
//! soon; its result has no meaning then.

use std::cell::Cell;

/// The most looks at values while an answer is checked: a fraction of a second. An answer of
/// 100,000 values that each have ten keywords takes some two million.
const MOST_CHECKING: u64 = 20_000_000;

/// The most looks while the violations of an answer are listed. Every message counts as many looks,
/// so that the list stays below some 100 MB.
const MOST_LISTING: u64 = 1_000_000;

/// A number of looks that is left.
#[derive(Debug)]
pub(crate) struct Looks(Cell<u64>);

impl Looks {
    const fn new(count: u64) -> Self {
        Self(Cell::new(count))
    }

    /// Counts looks. Returns `false` if they are used up.
    pub(crate) fn take(&self, count: u64) -> bool {
        let left = self.0.get().saturating_sub(count);
        self.0.set(left);
        left > 0
    }

    pub(crate) fn are_used_up(&self) -> bool {
        self.0.get() == 0
    }
}

/// What may be spent on one answer, over all objects of its text.
#[derive(Debug)]
pub struct CheckEffort {
    pub(crate) checking: Looks,
    pub(crate) listing: Looks,
}

impl CheckEffort {
    /// Returns what one answer may take.
    pub const fn of_an_answer() -> Self {
        Self {
            checking: Looks::new(MOST_CHECKING),
            listing: Looks::new(MOST_LISTING),
        }
    }
}
