//! quarry-answer
