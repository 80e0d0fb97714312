//! quarry-table
