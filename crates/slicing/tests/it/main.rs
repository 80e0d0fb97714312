//! Promises of the slicing crate, as seen from outside.

mod naive;
mod recorded;
mod slices;
