//! Promises of the whole system in one process, whatever goes wrong.

mod deaths;
mod definition;
mod ends;
mod fated;
mod faults;
mod inputs;
mod long;
mod models;
mod outages;
mod parquet_tables;
mod properties;
mod quota;
mod recorded;
mod refusals;
mod restarts;
mod support;
mod telemetry;
mod today;
