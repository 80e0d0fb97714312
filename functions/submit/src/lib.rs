//! quarry-submit
