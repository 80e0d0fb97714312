//! quarry-plan
