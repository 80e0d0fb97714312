//! Starting a stack for a job and running the job on it, with the simulated answers and faults of
//! the user.

use super::job::LocalJob;
use crate::failure::Failure;
use crate::input::{read_file, shown};
use quarry_bedrock_simulator::{AnswerSource, Faults, parse_given};
use quarry_contract::request::Request;
use quarry_local_stack::{Finished, LocalStack, SingleSteps, StackConfig};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The role of the local stack's jobs if none is set. The simulator only requires a valid name.
const LOCAL_ROLE: &str = "arn:aws:iam::123456789012:role/QuarryLocalBatchRole";
/// The name of the execution; every run has a new stack.
const EXECUTION: &str = "local-run";
/// The model of the local stack if none is set.
const LOCAL_MODEL: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

/// Returns the local stack's own settings, which the user's settings override.
fn local_settings() -> BTreeMap<String, String> {
    BTreeMap::from([
        (
            "BEDROCK_PRIMARY_MODEL_ID".to_owned(),
            LOCAL_MODEL.to_owned(),
        ),
        ("BEDROCK_BATCH_ROLE_ARN".to_owned(), LOCAL_ROLE.to_owned()),
    ])
}

/// Returns the start of the virtual clock.
fn now() -> Duration {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line is a shell: it reads the clock once"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}

/// Returns a stack configuration with faults and answers from files.
pub(crate) fn stack_config(
    directory: &Path,
    job: &LocalJob,
    faults: Option<&Path>,
    answers: Option<&Path>,
) -> Result<StackConfig, Failure> {
    let mut config = StackConfig::new(directory.to_owned(), now());
    config.settings = local_settings();
    if let Some(least) = job
        .settings
        .get("BEDROCK_MIN_RECORDS_PER_JOB")
        .and_then(|text| text.parse().ok())
    {
        config.limits.min_records_per_job = least;
    }
    config.answers = read_answers(answers, job.schema_value())?;
    config.faults = read_faults(faults)?;
    Ok(config)
}

/// Returns the simulated model's answers: those of the file, or ones made from the schema.
pub(crate) fn read_answers(
    file: Option<&Path>,
    schema: Option<serde_json::Value>,
) -> Result<AnswerSource, Failure> {
    Ok(match file {
        Some(file) => AnswerSource::Given {
            answers: parse_given(&read_file(file)?).map_err(|error| {
                Failure::input(format!("{}: {}", shown(file), with_source(&error)))
            })?,
            schema,
        },
        None => AnswerSource::FromSchema { schema },
    })
}

/// Reads the faults of the file; none without a file.
pub(crate) fn read_faults(file: Option<&Path>) -> Result<Faults, Failure> {
    let Some(file) = file else {
        return Ok(Faults::default());
    };
    Faults::from_json(&read_file(file)?)
        .map_err(|error| Failure::input(format!("{}: {}", shown(file), with_source(&error))))
}

/// Starts a stack.
pub(crate) async fn start(config: StackConfig) -> Result<LocalStack, Failure> {
    LocalStack::start(config)
        .await
        .map_err(|error| Failure::run(with_source(&error)))
}

impl LocalJob {
    /// Plans the request that [`Self::stage`] made.
    pub(crate) async fn plan<'a>(
        &self,
        stack: &'a LocalStack,
        request: Request,
    ) -> Result<SingleSteps<'a>, Failure> {
        stack
            .plan(EXECUTION, jiff::Timestamp::now().to_string(), request)
            .await
            .map_err(|error| self.names().in_error(error).into())
    }

    /// Runs the request that [`Self::stage`] made.
    pub(crate) async fn run(
        &self,
        stack: &LocalStack,
        request: &Request,
    ) -> Result<Finished, Failure> {
        stack
            .run(EXECUTION, request)
            .await
            .map_err(|error| self.names().in_error(error).into())
    }
}

/// Returns the failure of work on a stack, or its real cause if the stack's directory has no space:
/// the stack itself knows only an internal error of its S3 server.
pub(crate) fn explained(stack: &LocalStack, directory: &Path, failure: Failure) -> Failure {
    match stack.out_of_space() {
        Some(kind) => Failure::run(format!(
            "{} cannot be written: {kind}; the copies of the data and the answers need space there: free some, or \
             choose another folder",
            directory.display()
        )),
        None => failure,
    }
}

/// Returns an error's text with the text of its sources.
pub(crate) fn with_source(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}
