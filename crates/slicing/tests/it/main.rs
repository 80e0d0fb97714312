//! What the slicing crate promises its callers.

mod naive;
mod recorded;
mod samples;
mod slices;
