//! Promises of the whole system in one process, whatever goes wrong.

mod definition;
mod ends;
mod faults;
mod inputs;
mod long;
mod models;
mod outages;
mod parquet_tables;
mod properties;
mod recorded;
mod refusals;
mod restarts;
mod support;
mod telemetry;
mod today;
