//! An object arrived in the inbox.

use crate::places::{ArrivalKind, REQUEST_FILE};
use crate::{Arrived, Deps, ObjectCreated};
use quarry_contract::VERSION;
use quarry_contract::execution_name::{self, ObjectState};
use quarry_contract::location::S3Uri;
use quarry_contract::request::Request;
use quarry_contract::request_file::{DEFAULT_JOB_TYPE, RequestFile, resolve};
use quarry_edge::error::StepError;
use quarry_edge::executions::Started;
use quarry_edge::store::{ObjectInfo, ObjectStore, StoreError};
use serde::de::DeserializeOwned;

/// The largest `request.json`, bytes; an execution's input is limited to 256 KiB.
const MAX_REQUEST_BYTES: u64 = 256 * 1024;

pub(crate) async fn handle(deps: &Deps, created: &ObjectCreated) -> Result<Arrived, StepError> {
    let (pipeline, kind) = match deps.places.arrival(&created.object) {
        Ok(arrival) => arrival,
        Err(reason) => return Ok(Arrived::Ignored(reason)),
    };
    let run = execution_name::of_object(pipeline, &created.object, state(created)?);
    let info = match deps.store.head(&created.object).await {
        Ok(info) => info,
        Err(StoreError::NotFound(_)) => {
            return Ok(Arrived::Ignored("it has been deleted since".to_owned()));
        }
        Err(error) => return Err(error.into_step(&format!("reading {}", created.object))),
    };
    if is_replaced(created, &info) {
        return Ok(Arrived::Ignored(
            "it has been replaced since; the event of what is there now starts a run".to_owned(),
        ));
    }
    let request = match kind {
        ArrivalKind::Data => {
            let data = RequestFile {
                data: Some(created.object.to_string()),
                ..RequestFile::default()
            };
            let folder = deps.places.pipeline(pipeline);
            request(deps, pipeline, &run, &folder, data).await?
        }
        ArrivalKind::Request(folder) => {
            let file = read_request(&*deps.store, &created.object)
                .await?
                .ok_or_else(|| missing(&created.object))?;
            request(deps, pipeline, &run, &folder, file).await?
        }
    };
    let input = serde_json::to_string(&request).map_err(StepError::bad_request)?;
    let started = deps.executions.start(&run, &input).await;
    match started.map_err(|error| error.into_step(&format!("starting run {run}")))? {
        Started::Running => Ok(Arrived::Started(run)),
        Started::AlreadyRan => Ok(Arrived::AlreadyRan(run)),
    }
}

fn state(created: &ObjectCreated) -> Result<ObjectState<'_>, StepError> {
    match (&created.version, &created.etag) {
        (Some(version), _) => Ok(ObjectState::Version(version)),
        (None, Some(etag)) => Ok(ObjectState::Written {
            etag,
            sequencer: created.sequencer.as_deref().unwrap_or_default(),
        }),
        (None, None) => Err(StepError::bad_request(format!(
            "the event of {} has neither `version-id` nor `etag`: it cannot be told from others",
            created.object
        ))),
    }
}

/// Whether what is there is not what the event is about.
fn is_replaced(created: &ObjectCreated, info: &ObjectInfo) -> bool {
    created
        .etag
        .as_deref()
        .is_some_and(|etag| etag != info.etag.trim_matches('"'))
}

/// The request of a file in `folder`, over its pipeline's defaults.
async fn request(
    deps: &Deps,
    pipeline: &str,
    run: &str,
    folder: &S3Uri,
    file: RequestFile,
) -> Result<Request, StepError> {
    let home = deps.places.pipeline(pipeline);
    let defaults_at = home.join(REQUEST_FILE);
    let defaults = read_request(&*deps.store, &defaults_at)
        .await?
        .unwrap_or_default();
    if defaults.data.is_some() {
        return Err(StepError::bad_request(format!(
            "{defaults_at}: `data` is what arrives and cannot have a default; remove it"
        )));
    }
    let locate = |folder: &S3Uri, text: &str| resolve(folder, text).map_err(StepError::bad_request);
    // The file's own, else the pipeline's.
    let chosen = |own: &Option<String>, default: &Option<String>| match (own, default) {
        (Some(own), _) => locate(folder, own).map(Some),
        (None, Some(default)) => locate(&home, default).map(Some),
        (None, None) => Ok(None),
    };
    // A default place is shared by all runs: each gets a folder of its own there.
    let written = |member: &str, own: &Option<String>, default: &Option<String>| {
        let place = match (own, default) {
            (Some(own), _) => Some(locate(folder, own)?),
            (None, Some(default)) => Some(locate(&home, default)?.join(run).join("")),
            (None, None) => None,
        };
        if let Some(place) = &place {
            deps.places.check_written(member, place)?;
        }
        Ok::<_, StepError>(place)
    };
    let schema = match chosen(&file.schema, &defaults.schema)? {
        Some(schema) => Some(schema),
        None => pipeline_schema(&*deps.store, &home).await?,
    };
    let work = chosen(&file.work, &defaults.work)?;
    if let Some(work) = &work {
        deps.places.check_written("work", work)?;
    }
    let mut settings = defaults.settings.clone();
    settings.extend(file.settings.clone());
    Ok(Request {
        version: VERSION,
        data: locate(folder, file.data.as_deref().unwrap_or_default())?,
        prompts: chosen(&file.prompts, &defaults.prompts)?.unwrap_or_else(|| home.clone()),
        schema,
        output: written("output", &file.output, &defaults.output)?
            .unwrap_or_else(|| deps.places.results(pipeline, run)),
        summary: written("summary", &file.summary, &defaults.summary)?,
        work,
        job_type: file
            .job_type
            .or(defaults.job_type)
            .unwrap_or(DEFAULT_JOB_TYPE),
        settings,
        callback: None,
    })
}

/// The pipeline's `validation_schema_*.json`, the last by name; a pipeline need not have one.
async fn pipeline_schema(
    store: &dyn ObjectStore,
    home: &S3Uri,
) -> Result<Option<S3Uri>, StepError> {
    let prefix = home.join("validation_schema_");
    let found = store.list(&prefix).await;
    let found = found.map_err(|error| error.into_step(&format!("listing {prefix}")))?;
    Ok(found
        .into_iter()
        .map(|object| object.location)
        .filter(|location| {
            let name = &location.key()[prefix.key().len()..];
            !name.contains('/') && name.to_ascii_lowercase().ends_with(".json")
        })
        .max_by(|a, b| a.key().cmp(b.key())))
}

async fn read_request(
    store: &dyn ObjectStore,
    at: &S3Uri,
) -> Result<Option<RequestFile>, StepError> {
    let body = match store.get(at, MAX_REQUEST_BYTES).await {
        Ok(body) => body,
        Err(StoreError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into_step(&format!("reading {at}"))),
    };
    let file: RequestFile = parse(at, &body)?;
    if file.version != VERSION {
        return Err(StepError::bad_request(format!(
            "{at} has version {}; this is version {VERSION} of Quarry",
            file.version
        )));
    }
    Ok(Some(file))
}

fn parse<T: DeserializeOwned>(at: &S3Uri, body: &[u8]) -> Result<T, StepError> {
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    serde_json::from_slice(text).map_err(|error| StepError::BadRequest {
        message: format!("{at}: {error}"),
        source: None,
    })
}

fn missing(at: &S3Uri) -> StepError {
    StepError::NotFound {
        doing: format!("reading {at}"),
        source: None,
    }
}
