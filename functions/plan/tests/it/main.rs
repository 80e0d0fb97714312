//! What `plan` promises: everything that a plan names exists, its slices hold every row once, and
//! everything that is known to fail is refused before anything is paid for.

mod caps;
mod cost_cap;
mod discovery;
mod documents;
mod limits;
mod models;
mod modes;
mod ownership;
mod parquet;
mod pins;
mod prompts;
mod refusals;
mod repetitions;
mod samples;
mod slices;
mod sources;
mod support;
mod tables;
mod turns;
