//! Cutting a table into slices, each of which makes one batch job.
//!
//! A table is scanned once. [`Marks`] is told the size of every row's record and remembers only some of the places
//! between rows, so that its memory grows with the number of slices, not of rows. At the end [`Marks::cut`] chooses the
//! cuts among the marks:
//!
//! 1. both limits hold for every slice, exactly: what is counted are the bytes of the records as they will be uploaded;
//! 2. no slice is below the minimum a job needs, as far as that can be avoided;
//! 3. there are as few slices as the limits allow (more only where that saves records from a slice below the minimum);
//! 4. rows are spread evenly.
//!
//! Marks lie at most 1/64 of either limit apart (or one row, where rows are larger), and also where filling slices one
//! after the other would cut. The number of slices is therefore the least possible for any cuts, not only for cuts at
//! marks, and a cut is at most half the distance between two marks away from its even share, where the limits leave the
//! choice.
//!
//! ```
//! use quarry_slicing::{Marks, Place, SliceLimits};
//!
//! # fn main() -> Result<(), quarry_slicing::LimitsError> {
//! let limits = SliceLimits { max_records: 40, max_bytes: 1_000_000, min_records: 10 };
//! let mut marks = Marks::new(limits)?;
//! for row in 0..100 {
//!     marks.row(Place { file: 0, byte: row * 12, row }, 700, true);
//! }
//! let slices = marks.cut(Place { file: 0, byte: 1200, row: 100 });
//! let rows: Vec<u64> = slices.iter().map(|slice| slice.rows).collect();
//! assert_eq!(rows, [33, 34, 33]);
//! # Ok(())
//! # }
//! ```

mod cut;
mod marks;

pub use cut::Slice;
pub use marks::{LimitsError, Marks, Place, SliceLimits};
