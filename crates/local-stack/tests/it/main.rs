//! The whole system in one process: what a run promises, whatever goes wrong.

mod definition;
mod faults;
mod long;
mod parquet_tables;
mod properties;
mod restarts;
mod support;
