//! quarry-invoke
