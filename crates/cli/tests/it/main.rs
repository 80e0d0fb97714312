//! The `quarry` command as its users see it: its input, files, output and exit codes.

mod bad_input;
mod command;
mod compare;
mod demo;
mod deploy_check;
mod deployed;
#[cfg(unix)]
mod document_examples;
#[cfg(unix)]
mod documents;
mod environment;
mod estimate;
mod estimate_count;
mod fake_aws;
mod help;
mod init;
#[cfg(unix)]
mod interrupt;
mod merge;
mod models;
mod moving_over;
#[cfg(unix)]
mod overlap;
mod parse;
mod preview;
#[cfg(unix)]
mod pty;
mod recorded;
mod remote_data;
mod remote_ends;
mod remote_errors;
mod remote_retry;
mod remote_runs;
mod remote_submit;
#[cfg(unix)]
mod remote_terminal;
mod report;
mod run;
mod sample;
mod simulate_bedrock;
#[cfg(target_os = "linux")]
mod special_files;
#[cfg(target_os = "linux")]
mod streams;
mod table;
#[cfg(unix)]
mod terminal;
mod unused_script;
