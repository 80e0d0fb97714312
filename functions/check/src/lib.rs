//! quarry-check
