//! quarry-prompt
