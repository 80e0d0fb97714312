//! quarry-result
