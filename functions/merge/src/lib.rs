//! quarry-merge
