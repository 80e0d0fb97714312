//! Integration tests of `quarry-model`.

mod golden;
