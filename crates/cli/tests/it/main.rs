//! The `quarry` command from the outside: what it reads, writes, prints and exits with.

mod bad_input;
mod command;
mod deploy_check;
mod fake_aws;
mod merge;
mod moving_over;
mod parse;
mod preview;
mod run;
mod simulate_bedrock;
mod table;
mod vectors;
