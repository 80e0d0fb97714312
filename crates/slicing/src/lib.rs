//! quarry-slicing
