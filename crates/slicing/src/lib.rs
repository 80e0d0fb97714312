//! Cuts a table into slices, each of which makes one batch job.
//!
//! A table is scanned once. [`Marks`] gets the size of every row's record and remembers only some
//! of the positions between rows, so that its memory grows with the number of slices, not of rows.
//! At the end [`Marks::cut`] chooses the cuts among the marks:
//!
//! 1. All limits hold for every slice, exactly: the bytes are those of the records as they will be
//!    uploaded, and those of the rows as they are in the table.
//! 2. No slice is below the minimum of a job, as far as that can be avoided.
//! 3. There are as few slices as the limits allow. There are more only if that leaves fewer records
//!    in slices below the minimum.
//! 4. The rows are spread evenly.
//!
//! Marks are at most 1/64 of each limit apart (or one row, if rows are larger), and also at the
//! positions where filling one slice after the other would cut. The number of slices is therefore
//! the least possible for any cuts, not only for cuts at marks. If the limits leave the choice, a
//! cut is at most half the distance between two marks away from its even share.
//!
//! ```
//! use quarry_slicing::{Marks, Place, RowSize, SliceLimits};
//!
//! # fn main() -> Result<(), quarry_slicing::LimitsError> {
//! let limits = SliceLimits {
//!     max_records: 40,
//!     max_bytes: 1_000_000,
//!     min_records: 10,
//!     max_row_bytes: 1_000_000,
//! };
//! let mut marks = Marks::new(limits)?;
//! for row in 0..100 {
//!     let place = Place { file: 0, byte: row * 12, row };
//!     marks.row(place, RowSize { row: 12, record: 700 }, true);
//! }
//! let slices = marks.cut(Place { file: 0, byte: 1200, row: 100 });
//! let rows: Vec<u64> = slices.iter().map(|slice| slice.rows).collect();
//! assert_eq!(rows, [33, 34, 33]);
//! # Ok(())
//! # }
//! ```

mod cut;
mod marks;
mod sample;

pub use cut::Slice;
pub use marks::{LimitsError, Marks, Place, RowSize, SliceLimits};
pub use sample::sampled_rows;
