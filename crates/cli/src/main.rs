//! `quarry`: whole runs on one machine, their single steps, and the runs of a deployment.

mod cell_values;
mod compare;
mod completions;
mod demo;
mod deploy_check;
mod deployment;
mod estimate;
mod failure;
mod html_file;
mod init;
mod input;
mod interrupt;
mod local_result;
mod local_table;
mod merge;
mod models;
mod offered;
mod output;
mod parse;
mod parsing;
mod plan_total;
mod preview;
mod progress;
mod question;
mod reasons;
mod redrive;
mod report;
mod report_page;
mod results;
mod retry;
mod retry_failed;
mod run;
mod runs;
mod s3_place;
mod settings;
mod shell_word;
mod simulate_bedrock;
mod staging;
mod status;
mod stop;
mod submit;
mod unused_script;
mod watch;
mod workspace;

use clap::{CommandFactory, Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;
use std::time::Duration;

/// The version, and the commit that was built if it is known.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("QUARRY_BUILT_FROM"));

/// Send every row of a table to a model, at the batch price, and account for every row.
#[derive(Debug, Parser)]
#[command(
    name = "quarry",
    version = VERSION,
    about,
    max_term_width = parsing::HELP_WIDTH,
    after_help = "Example:\n  quarry demo"
)]
struct CommandLine {
    /// The subcommand.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write an example with 10,000 rows to a folder, and run it on the local stack.
    #[command(after_help = "Example:\n  quarry demo --out quarry-demo")]
    Demo(demo::DemoArguments),
    /// Write first prompts, a first schema and a first request for a table, to be edited.
    #[command(after_help = "Example:\n  quarry init table.csv --out job")]
    Init(init::InitArguments),
    /// Run the whole job on the local stack: state machine, functions, S3 and a Bedrock simulator.
    #[command(
        after_help = "Example:\n  quarry run table.csv --prompts prompts.json --schema schema.json --out results"
    )]
    Run(run::RunArguments),
    /// Print the records that a run would upload, one JSON object on each line.
    #[command(
        after_help = "Example:\n  quarry preview table.csv --prompts prompts.json --limit 1 --pretty"
    )]
    Preview(preview::PreviewArguments),
    /// Say what a run would cost, before anything is sent.
    #[command(
        after_help = "Example:\n  quarry estimate table.csv --prompts prompts.json --schema schema.json --max-cost 20\n  \
                      quarry estimate table.csv --prompts prompts.json --schema schema.json --count"
    )]
    Estimate(estimate::EstimateArguments),
    /// Read answers from standard input, one on each line, and print what Quarry reads from each.
    #[command(after_help = "Example:\n  quarry parse --schema schema.json < job.jsonl.out")]
    Parse(parse::ParseArguments),
    /// Make the result table from existing answers.
    #[command(
        after_help = "Example:\n  quarry merge table.csv --prompts prompts.json --answers job-*.out --out merged"
    )]
    Merge(merge::MergeArguments),
    /// Make a page about a run, from its summary and its tables.
    #[command(after_help = "Example:\n  quarry report quarry-out --rows 5")]
    Report(report_page::ReportArguments),
    /// Compare two results of the same table: of two models, two prompts, or two runs.
    #[command(after_help = "Example:\n  quarry compare haiku-out nova-out --out comparison.html")]
    Compare(compare::CompareArguments),
    /// Find what would fail in a deployment, or in a planned one, before anything is paid for.
    #[command(after_help = "Example:\n  quarry deploy-check --stack quarry --request request.json")]
    DeployCheck(deploy_check::DeployCheckArguments),
    /// Start a run of a deployment over files of this machine, or over data in S3.
    #[command(
        after_help = "Example:\n  quarry submit table.csv --prompts prompts.json --schema schema.json --stack quarry\n  \
                      quarry submit s3://bucket/inbox/strikes/ --prompts prompts.json --sample 50"
    )]
    Submit(submit::SubmitArguments),
    /// List the newest runs of a deployment.
    #[command(after_help = "Example:\n  quarry runs --stack quarry --state failed")]
    Runs(runs::RunsArguments),
    /// Say how far a run of a deployment is.
    #[command(after_help = "Example:\n  quarry status strikes-20261128 --stack quarry")]
    Status(status::StatusArguments),
    /// Follow a run of a deployment to its end.
    #[command(
        after_help = "Example:\n  quarry watch strikes-20261128 --stack quarry --out results"
    )]
    Watch(watch::WatchArguments),
    /// Stop a run of a deployment and its jobs.
    #[command(after_help = "Example:\n  quarry stop strikes-20261128 --stack quarry")]
    Stop(stop::StopArguments),
    /// Resume a run of a deployment that failed or was stopped.
    #[command(after_help = "Example:\n  quarry redrive strikes-20261128 --stack quarry")]
    Redrive(redrive::RedriveArguments),
    /// Start a run of a deployment over the rows that failed in an earlier one.
    #[command(
        after_help = "Example:\n  quarry retry-failed strikes-20261128 --stack quarry --wait --out results"
    )]
    RetryFailed(retry_failed::RetryFailedArguments),
    /// Copy the results of a run of a deployment to this machine.
    #[command(
        after_help = "Example:\n  quarry results strikes-20261128 --stack quarry --out results"
    )]
    Results(results::ResultsArguments),
    /// Run the Bedrock simulator alone, in real time, in place of Amazon Bedrock for functions that
    /// run elsewhere.
    #[command(
        after_help = "Example:\n  quarry simulate-bedrock --s3 http://127.0.0.1:8333 --seconds-per-status 2"
    )]
    SimulateBedrock(simulate_bedrock::SimulateBedrockArguments),
    /// List the settings with default, range and meaning.
    #[command(after_help = "Example:\n  quarry settings max_tokens")]
    Settings(settings::SettingsArguments),
    /// List the models: how each can be called, what it costs and when it ends.
    #[command(after_help = "Example:\n  quarry models haiku-4-5")]
    Models(models::ModelsArguments),
    /// Print the script that lets a shell complete the command.
    #[command(
        after_help = "Example:\n  quarry completions bash > ~/.local/share/bash-completion/completions/quarry"
    )]
    Completions(completions::CompletionsArguments),
}

/// Whether the output is for a program. This reads the raw arguments, because it must also be known
/// when they cannot be parsed.
fn is_for_programs() -> bool {
    std::env::args_os().any(|argument| argument == "--json")
}

fn main() -> ExitCode {
    let arguments = match parsing::parse::<CommandLine>(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return not_parsed(&error),
    };
    let done = output::check_is_open().and_then(|()| run_command(arguments.command));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

/// Reports why the command failed, to people and to programs that read JSON.
fn failed(failure: &Failure) -> ExitCode {
    output::say(&format!("quarry: {failure}"));
    exit_of(failure)
}

fn exit_of(failure: &Failure) -> ExitCode {
    if is_for_programs()
        && let Some(json) = failure.json()
    {
        // If this cannot be printed, the message is on standard error, and the exit code stays the
        // same.
        let _ = output::write_json(&json);
    }
    failure.exit_code()
}

/// Prints the requested help, or what is wrong with the command line.
fn not_parsed(error: &clap::Error) -> ExitCode {
    let text = output::printable_lines(&error.render().to_string());
    if !error.use_stderr() {
        return match output::write(text.as_bytes()) {
            Ok(_) => ExitCode::SUCCESS,
            Err(failure) => failed(&failure),
        };
    }
    for line in text.lines() {
        output::say(line);
    }
    exit_of(&Failure::usage(text.trim_end()))
}

/// The threads for files and for decoding Parquet; each of the two functions that run at the same
/// time holds one. The allocator keeps what each thread has freed: with the runtime's own limit of
/// 512, a run took half as much memory again.
const BLOCKING_THREADS: usize = 8;

/// How long the command waits for work of other threads whose result it no longer needs.
const END: Duration = Duration::from_secs(1);

fn run_command(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(demo::demo(
            arguments,
        )))),
        Command::Run(arguments) => {
            in_runtime(interrupt::until_told_to_end(Box::pin(run::run(arguments))))
        }
        Command::Estimate(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(
            estimate::estimate(arguments),
        ))),
        Command::Preview(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(
            preview::preview(arguments),
        ))),
        Command::Merge(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(
            merge::merge(arguments),
        ))),
        Command::DeployCheck(arguments) => {
            in_runtime(Box::pin(deploy_check::deploy_check(arguments)))
        }
        Command::Submit(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(
            submit::submit(arguments),
        ))),
        Command::Runs(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(runs::runs(
            arguments,
        )))),
        Command::Status(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(
            status::status(arguments),
        ))),
        Command::Watch(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(
            watch::watch(arguments),
        )))
        .map_err(watch::interrupted),
        Command::Stop(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(stop::stop(
            arguments,
        )))),
        Command::Redrive(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(
            redrive::redrive(arguments),
        ))),
        Command::RetryFailed(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(
            retry_failed::retry_failed(arguments),
        ))),
        Command::Results(arguments) => in_runtime(interrupt::until_told_to_end(Box::pin(
            results::results(arguments),
        ))),
        Command::SimulateBedrock(arguments) => {
            in_runtime(Box::pin(simulate_bedrock::simulate_bedrock(arguments)))
        }
        Command::Report(arguments) => report_page::report(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Init(arguments) => init::init(&arguments),
        Command::Parse(arguments) => parse::parse(&arguments),
        Command::Models(arguments) => models::models(&arguments),
        Command::Settings(arguments) => settings::settings(&arguments),
        Command::Completions(arguments) => {
            completions::completions(&arguments, CommandLine::command())
        }
    }
}

fn in_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::run(format!("the runtime did not start: {error}")))?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(END);
    done
}
