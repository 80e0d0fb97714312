//! Where a row is.

use serde::{Deserialize, Serialize};

/// A row's place in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowPlace {
    /// The number of its table.
    pub table: usize,
    /// Its number in the table.
    pub row: u64,
}
