//! quarry-model
