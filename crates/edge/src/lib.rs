//! quarry-edge
