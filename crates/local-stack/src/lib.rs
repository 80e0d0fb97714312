//! quarry-local-stack
