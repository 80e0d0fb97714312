//! Promises of the whole system in one process, whatever goes wrong.

mod cost;
mod deaths;
mod definition;
mod ends;
mod events;
mod fated;
mod faults;
mod inputs;
mod long;
mod model;
mod models;
mod outages;
mod parquet_tables;
mod properties;
mod quota;
mod random_run;
mod random_runs;
mod recorded;
mod refusals;
mod restarts;
mod samples;
mod settling;
mod support;
mod sweeps;
mod telemetry;
mod today;
