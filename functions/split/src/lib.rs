//! quarry-split
