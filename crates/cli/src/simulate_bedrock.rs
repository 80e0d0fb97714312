//! `quarry simulate-bedrock`: runs the simulator as a separate process, in real time.

use crate::failure::Failure;
use crate::input::{read_file, shown};
use crate::output::{printable_lines, write};
use crate::staging::{read_answers, read_faults, with_source};
use clap::Args;
use http::Uri;
use quarry_bedrock_simulator::{Schedule, Simulator, SimulatorConfig, SimulatorEvent};
use quarry_edge::clock::{Clock, SystemClock};
use quarry_edge::s3::client::S3Store;
use quarry_edge::sdk::{self, SdkOptions};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `quarry simulate-bedrock`.
#[derive(Debug, Args)]
pub(crate) struct SimulateBedrockArguments {
    /// The S3 server that jobs read from and write to, e.g. `http://127.0.0.1:8333`. The
    /// environment gives the credentials and the Region.
    #[arg(long, value_name = "URL")]
    s3: String,
    /// The address to listen on; port 0 is any free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8700")]
    listen: SocketAddr,
    /// How long a job stays in each of its statuses.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    seconds_per_status: u64,
    /// The fewest records in a job.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    min_records_per_job: u64,
    /// The script of faults: see docs/local-stack.md.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Answers of the simulated model, one on each line; by default they are made from the schema.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// The JSON Schema for answers to requests without a schema.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

/// Simulates until the process ends.
pub(crate) async fn simulate_bedrock(arguments: SimulateBedrockArguments) -> Result<(), Failure> {
    check_url(&arguments.s3)?;
    let schema = arguments.schema.as_deref().map(read_schema).transpose()?;
    let answers = read_answers(arguments.answers.as_deref(), schema)?;
    let faults = read_faults(arguments.faults.as_deref())?;
    let sdk = sdk::load(SdkOptions {
        endpoint_url: Some(arguments.s3),
        ..SdkOptions::default()
    })
    .await;
    let store = S3Store::new(&sdk, true);
    let mut config = SimulatorConfig::new(store.client().clone(), Arc::new(|| SystemClock.now()));
    if let Some(region) = sdk.region() {
        region.as_ref().clone_into(&mut config.region);
    }
    config.listen = arguments.listen;
    config.limits.min_records_per_job = arguments.min_records_per_job;
    config.schedule = Schedule::even(arguments.seconds_per_status);
    config.answers = answers;
    config.faults = faults;
    config.observer = Some(Arc::new(tell));
    let simulator = Simulator::start(config)
        .await
        .map_err(|error| Failure::run(with_source(&error)))?;
    print_line(&format!("listening on {}", simulator.endpoint()))?;
    std::future::pending().await
}

/// Refuses a text that is not the address of a server; otherwise only the first job would show the
/// error.
fn check_url(text: &str) -> Result<(), Failure> {
    let is_http = |url: &Uri| matches!(url.scheme_str(), Some("http" | "https"));
    match text.parse::<Uri>() {
        Ok(url) if is_http(&url) && url.host().is_some_and(|host| !host.is_empty()) => Ok(()),
        _ => Err(Failure::usage(format!(
            "--s3 takes the address of an S3 server, e.g. http://127.0.0.1:8333, found `{text}`"
        ))),
    }
}

fn read_schema(file: &Path) -> Result<Value, Failure> {
    serde_json::from_slice(&read_file(file)?)
        .map_err(|error| Failure::input(format!("{}: {error}", shown(file))))
}

fn print_line(line: &str) -> Result<(), Failure> {
    write(printable_lines(&format!("{line}\n")).as_bytes()).map(drop)
}

/// Prints one line for each event of a job. Records on demand are too many.
fn tell(event: &SimulatorEvent) {
    let line = match event {
        SimulatorEvent::JobCreated { arn, name } => format!("created {name}: {arn}"),
        SimulatorEvent::JobEnded {
            arn,
            status,
            processed,
        } => format!("{}, {processed} records: {arn}", status.as_str()),
        SimulatorEvent::Invoked { .. } => return,
    };
    // The simulator continues even if its output is no longer read.
    let _ = print_line(&line);
}
