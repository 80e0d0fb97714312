//! Parquet tables.

mod calendar;
mod decimal;
mod error;
mod file;
mod footer;
mod kind;
mod layout;
mod notes;
mod part;
mod ranges;
mod result_array;
mod result_kind;
mod rows;
mod splice;
mod storage;
mod value;
mod window;

pub use error::FileError;
pub use file::{ParquetFile, Reading};
pub use layout::TableLayout;
pub use part::{PartMeta, PartWriter, Unfit};
pub use ranges::{Ranges, RangesError};
pub use result_kind::{ResultColumn, ResultKind};
pub use rows::{Row, RowBatch, RowReader};
pub use splice::{Joiner, Piece, Splice};
