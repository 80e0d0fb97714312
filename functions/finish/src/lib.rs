//! quarry-finish
