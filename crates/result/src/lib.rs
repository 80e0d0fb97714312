//! From answers to the result table: joining lines to rows, what becomes of each row, result
//! columns, the receipt of a slice and the summary of a run.
//!
//! Memory is bounded by the rows of one slice: a few dozen bytes each, while the outcomes
//! themselves lie in a [`spool::Spool`].

pub mod columns;
pub mod given;
pub mod ledger;
pub mod outcome;
pub mod receipt;
pub mod refusals;
pub mod spool;
pub mod summary;
