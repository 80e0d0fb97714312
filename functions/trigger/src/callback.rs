//! What a Callback step's message requests: to start a run, or to stop it.
//!
//! A queue does not preserve order, so the request to stop can come first. The one that stops
//! leaves a mark in the run's folder before it looks for the execution; the one that starts looks
//! for the mark before and after it starts. In any order, one of the two sees the other.

use crate::confinement::Confinement;
use crate::defaults;
use crate::deps::Deps;
use bytes::Bytes;
use quarry_contract::VERSION;
use quarry_contract::callback::{Callback, CallbackToken};
use quarry_contract::execution_name;
use quarry_contract::layout::RunFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::request::{JobType, Request, SampleRequest};
use quarry_contract::request_file::DEFAULT_JOB_TYPE;
use quarry_edge::callbacks::{FailureReason, MAX_OUTPUT_VALUE};
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::executions::{Started, Stopped};
use quarry_edge::store::{StoreError, WriteCondition};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// The name of the error with which a stopped run ends.
const STOPPED: &str = "Quarry.Stopped";

/// The longest name of a summary file, in characters, with room to spare.
const SUMMARY_NAME: usize = 80;

/// The status of the step that a message reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepStatus {
    /// The step has begun.
    Executing,
    /// The pipeline is being stopped; it ends when the step gets a result.
    Stopping,
}

/// A message, read as far as it can be read.
pub(crate) struct CallbackMessage {
    /// The token of the waiting step, if it can be read.
    pub(crate) token: Option<CallbackToken>,
    /// The request, or why it cannot be understood.
    pub(crate) meaning: Result<(Callback, StepStatus, Map<String, Value>), String>,
}

pub(crate) fn read(body: &str) -> CallbackMessage {
    let mut message = match serde_json::from_str(body) {
        Ok(Value::Object(message)) => message,
        Ok(_) => return unread("the message is not a JSON object"),
        Err(error) => return unread(&format!("the message is not JSON: {error}")),
    };
    let token: CallbackToken = match message.get("token").and_then(Value::as_str) {
        Some(text) => match text.parse() {
            Ok(token) => token,
            Err(error) => return unread(&format!("the message has no valid `token`: {error}")),
        },
        None => return unread("the message has no `token`"),
    };
    let meaning = meaning(&token, &mut message);
    CallbackMessage {
        token: Some(token),
        meaning,
    }
}

fn unread(reason: &str) -> CallbackMessage {
    CallbackMessage {
        token: None,
        meaning: Err(reason.to_owned()),
    }
}

fn meaning(
    token: &CallbackToken,
    message: &mut Map<String, Value>,
) -> Result<(Callback, StepStatus, Map<String, Value>), String> {
    let arn = message.get("pipelineExecutionArn").and_then(Value::as_str);
    let arn = arn
        .filter(|arn| !arn.is_empty())
        .ok_or("the message has no `pipelineExecutionArn`")?;
    let callback = Callback {
        token: token.clone(),
        pipeline_execution_arn: arn.to_owned(),
    };
    let status = match message
        .get("status")
        .map(|status| (status, status.as_str()))
    {
        None | Some((_, Some("Executing"))) => StepStatus::Executing,
        Some((_, Some("Stopping"))) => StepStatus::Stopping,
        Some((other, _)) => {
            return Err(format!(
                "the message has the status {other}; known are Executing and Stopping"
            ));
        }
    };
    let arguments = match message.get_mut("arguments").map(Value::take) {
        Some(Value::Object(arguments)) => arguments,
        // Stopping needs no arguments.
        _ if status == StepStatus::Stopping => Map::new(),
        _ => return Err("the message has no `arguments`".to_owned()),
    };
    Ok((callback, status, arguments))
}

/// Starts the run, unless it was stopped before it began.
pub(crate) async fn start(
    deps: &Deps,
    callback: &Callback,
    arguments: &Map<String, Value>,
) -> Result<(), StepError> {
    let run = execution_name::of_callback(&deps.deployment, callback);
    let request = request(deps, callback, arguments, &run).await?;
    if is_stopped(deps, &run).await? {
        // An earlier delivery of this message may have started the run.
        return end(deps, callback, &run).await;
    }
    let input = serde_json::to_string(&request).map_err(StepError::bad_request)?;
    let started = deps.executions.start(&run, &input).await;
    let started = started.doing(|| format!("starting run {run}"))?;
    let pipeline = callback.pipeline_execution_arn.as_str();
    match started {
        Started::Running => tracing::info!(%run, pipeline, "run started"),
        Started::AlreadyRan => tracing::info!(%run, pipeline, "the message was delivered before"),
    }
    if is_stopped(deps, &run).await? {
        let stopped = deps.executions.stop(&run, STOPPED, &cause(callback)).await;
        let doing = format!("stopping run {run}");
        return match stopped.doing(|| &doing)? {
            Stopped::Stopping => Ok(()),
            // The run was started a moment ago and is not visible yet.
            Stopped::NoSuchExecution => Err(StepError::new(StepErrorKind::Unavailable, doing)),
        };
    }
    Ok(())
}

/// Stops the run, or prevents its start.
pub(crate) async fn stop(deps: &Deps, callback: &Callback) -> Result<(), StepError> {
    let run = execution_name::of_callback(&deps.deployment, callback);
    let mark = mark(deps, &run);
    let body = json!({
        "version": VERSION,
        "pipeline_execution_arn": callback.pipeline_execution_arn,
    });
    deps.store
        .put(&mark, Bytes::from(body.to_string()), WriteCondition::Always)
        .await
        .doing(|| format!("writing {mark}"))?;
    end(deps, callback, &run).await
}

/// Stops the execution; `settle` sends the pipeline its result. If there is no execution, the
/// result is sent here, since nobody else would send it.
async fn end(deps: &Deps, callback: &Callback, run: &str) -> Result<(), StepError> {
    let elsewhere = execution_name::of_callback_in_any_deployment(callback);
    for run in [run, &elsewhere] {
        let stopped = deps.executions.stop(run, STOPPED, &cause(callback)).await;
        let stopped = stopped.doing(|| format!("stopping run {run}"))?;
        if stopped == Stopped::Stopping {
            tracing::info!(run, "run stopped");
            return Ok(());
        }
    }
    let reason = FailureReason::new("stopped before the run began");
    deps.callbacks
        .fail(&callback.token, &reason)
        .await
        .doing(|| "sending the result of the pipeline's step")?;
    tracing::info!(run, "stopped before it began");
    Ok(())
}

fn cause(callback: &Callback) -> String {
    format!(
        "the pipeline is being stopped: {}",
        callback.pipeline_execution_arn
    )
}

fn mark(deps: &Deps, run: &str) -> S3Uri {
    RunFolder::new(deps.places.work(), run).stop()
}

async fn is_stopped(deps: &Deps, run: &str) -> Result<bool, StepError> {
    let mark = mark(deps, run);
    match deps.store.head(&mark).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound(_)) => Ok(false),
        Err(error) => Err(error).doing(|| format!("reading {mark}")),
    }
}

/// The step's arguments, by the logical names of the step that Quarry replaces.
const ARGUMENTS: &str = "input_data, prompt_templates, processed_data, analysis_summary, job_type, \
                         validation_schema, sample_rows, sample_seed and BEDROCK_… settings";

/// Returns a pipeline's name from `arn:…:pipeline/<name>/execution/<id>`. The name becomes a folder
/// of its own below each of the deployment's prefixes, so it must be one.
fn pipeline_name(callback: &Callback) -> Result<&str, StepError> {
    let arn = &callback.pipeline_execution_arn;
    let name = match arn.split('/').collect::<Vec<_>>()[..] {
        [before, name, "execution", _] if before.ends_with(":pipeline") => Some(name),
        _ => None,
    };
    let is_name = |name: &&str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.filter(is_name).ok_or_else(|| {
        StepError::bad_request(format!(
            "`pipelineExecutionArn` is {arn}, which names no pipeline; expected arn:…:pipeline/<name>/execution/<id>"
        ))
    })
}

async fn request(
    deps: &Deps,
    callback: &Callback,
    arguments: &Map<String, Value>,
    run: &str,
) -> Result<Request, StepError> {
    let pipeline = pipeline_name(callback)?;
    let confinement = Confinement::new(&deps.places, &deps.elsewhere, pipeline);
    let read = Arguments::read(arguments).map_err(StepError::bad_request)?;
    confinement.check_read("input_data", &read.data)?;
    confinement.check_read("prompt_templates", &read.prompts)?;
    if let Some(schema) = &read.schema {
        confinement.check_read("validation_schema", schema)?;
    }
    let output = read
        .output
        .unwrap_or_else(|| deps.places.results(pipeline, run));
    for (name, place) in [
        ("processed_data", Some(&output)),
        ("analysis_summary", read.summary.as_ref()),
    ] {
        let Some(place) = place else { continue };
        confinement.check_written(name, place)?;
        // Values that cannot be returned at the end are refused before they cost anything.
        let longest = MAX_OUTPUT_VALUE - SUMMARY_NAME;
        if place.to_string().chars().count() > longest {
            return Err(StepError::bad_request(format!(
                "the argument `{name}` is longer than {longest} characters: a pipeline could not be given the \
                 result's place"
            )));
        }
    }
    // A message names its pipeline itself, so it may change no more than a request in the inbox.
    let defaults = defaults::of_pipeline(&*deps.store, &deps.places, pipeline).await?;
    confinement.check_settings(&read.settings, defaults.request_settings.as_deref())?;
    let mut settings = defaults.settings;
    settings.extend(read.settings);
    Ok(Request {
        version: VERSION,
        data: read.data,
        data_content: None,
        prompts: read.prompts,
        schema: read.schema,
        output,
        summary: read.summary,
        work: None,
        job_type: read.job_type,
        sample: read.sample.or(defaults.sample),
        settings,
        callback: Some(callback.clone()),
    })
}

/// The arguments of a Callback step.
struct Arguments {
    data: S3Uri,
    prompts: S3Uri,
    schema: Option<S3Uri>,
    output: Option<S3Uri>,
    summary: Option<S3Uri>,
    job_type: JobType,
    sample: Option<SampleRequest>,
    settings: BTreeMap<String, String>,
}

impl Arguments {
    /// Reads the arguments. The error names the argument and what is wrong with it.
    fn read(arguments: &Map<String, Value>) -> Result<Self, String> {
        let mut texts = BTreeMap::new();
        let mut settings = BTreeMap::new();
        for (name, value) in arguments {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => {
                    return Err(format!(
                        "the argument `{name}` is not text, a number or a boolean"
                    ));
                }
            };
            if name.starts_with("BEDROCK_") {
                settings.insert(name.clone(), text);
            } else if !text.is_empty() {
                texts.insert(name.as_str(), text);
            }
        }
        let mut location = |name: &str| {
            let text = texts.remove(name);
            text.map(|text| text.parse::<S3Uri>())
                .transpose()
                .map_err(|error| format!("the argument `{name}`: {error}"))
        };
        let required = |name: &str, found: Option<S3Uri>| {
            found.ok_or_else(|| format!("the argument `{name}` is missing"))
        };
        let data = required("input_data", location("input_data")?)?;
        let prompts = required("prompt_templates", location("prompt_templates")?)?;
        let (output, summary) = (location("processed_data")?, location("analysis_summary")?);
        let schema = location("validation_schema")?;
        let job_type = match texts.remove("job_type") {
            Some(text) => text
                .parse()
                .map_err(|error| format!("the argument `job_type`: {error}"))?,
            None => DEFAULT_JOB_TYPE,
        };
        let sample = sample(&mut texts)?;
        if let Some(unknown) = texts.keys().next() {
            return Err(format!(
                "the argument `{unknown}` is not known; known are {ARGUMENTS}"
            ));
        }
        Ok(Self {
            data,
            prompts,
            schema,
            output,
            summary,
            job_type,
            sample,
            settings,
        })
    }
}

/// Takes the arguments of a sample out of the texts.
fn sample(texts: &mut BTreeMap<&str, String>) -> Result<Option<SampleRequest>, String> {
    let rows = number(texts, "sample_rows")?;
    let seed = number(texts, "sample_seed")?;
    match (rows, seed) {
        (Some(rows), seed) => Ok(Some(SampleRequest { rows, seed })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(
            "the argument `sample_seed` needs `sample_rows`, the number of rows to ask".to_owned(),
        ),
    }
}

fn number<T: FromStr<Err: Display>>(
    texts: &mut BTreeMap<&str, String>,
    name: &str,
) -> Result<Option<T>, String> {
    let text = texts.remove(name);
    text.map(|text| text.parse())
        .transpose()
        .map_err(|error| format!("the argument `{name}` is not such a number: {error}"))
}
