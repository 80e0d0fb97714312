//! Turns answers into the result table: joins lines to rows, decides the outcome of each row, and
//! defines the result columns, the receipt of a slice and the summary of a run.
//!
//! Memory is bounded by the rows of one slice: a few dozen bytes for each, while the outcomes are
//! kept in a [`spool::Spool`].

pub mod columns;
mod counts;
pub mod digits;
pub mod excerpt;
pub mod given;
pub mod ledger;
pub mod outcome;
pub mod profile;
pub mod receipt;
pub mod refusals;
pub mod retried;
pub mod spool;
pub mod summary;
pub mod totals;
