//! `quarry`: the main job on one machine, and its single steps.

mod deploy_check;
mod failure;
mod merge;
mod parse;
mod preview;
mod report;
mod run;
mod show;
mod simulate_bedrock;
mod staging;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

/// Ask a model about every row of a table, at the batch price, with every row accounted for.
#[derive(Debug, Parser)]
#[command(name = "quarry", version, about)]
struct Arguments {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Do the whole job on the local stack: state machine, functions, S3 and a Bedrock simulator.
    Run(run::RunArguments),
    /// Print the records that would be uploaded, one JSON object a line.
    Preview(preview::PreviewArguments),
    /// Read answers from standard input, one a line, and print what is read from each.
    Parse(parse::ParseArguments),
    /// Make the result table from answers that are already at hand.
    Merge(merge::MergeArguments),
    /// Say what would fail in a deployment, or in one that is planned, before anything is paid for.
    DeployCheck(deploy_check::DeployCheckArguments),
    /// Stand in for Amazon Bedrock, for functions that run elsewhere: the simulator alone, in real time.
    SimulateBedrock(simulate_bedrock::SimulateBedrockArguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run_command(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("quarry: {failure}");
            failure.exit_code()
        }
    }
}

/// Threads for files and for decoding Parquet, of which the two functions that work at the same time hold one each. The
/// allocator keeps what each thread has freed: with the runtime's own limit of 512, a run took half as much memory again.
const BLOCKING_THREADS: usize = 8;

fn run_command(command: Command) -> Result<(), Failure> {
    if let Command::Parse(arguments) = command {
        return parse::parse(&arguments);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::run(format!("the runtime did not start: {error}")))?;
    runtime.block_on(async {
        match command {
            Command::Run(arguments) => Box::pin(run::run(arguments)).await,
            Command::Preview(arguments) => Box::pin(preview::preview(arguments)).await,
            Command::Merge(arguments) => Box::pin(merge::merge(arguments)).await,
            Command::DeployCheck(arguments) => {
                Box::pin(deploy_check::deploy_check(arguments)).await
            }
            Command::SimulateBedrock(arguments) => {
                Box::pin(simulate_bedrock::simulate_bedrock(arguments)).await
            }
            Command::Parse(arguments) => parse::parse(&arguments),
        }
    })
}
