//! Parquet tables from the outside.

mod cells;
mod fixture;
