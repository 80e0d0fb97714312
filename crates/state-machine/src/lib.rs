//! quarry-state-machine
