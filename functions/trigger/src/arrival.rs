//! Starting a run for an object that arrived in the inbox.

use crate::confinement::Confinement;
use crate::deps::Deps;
use crate::event::ObjectCreated;
use crate::places::{ArrivalKind, REQUEST_FILE};
use crate::{defaults, repeated};
use quarry_contract::VERSION;
use quarry_contract::execution_name::{self, ObjectState};
use quarry_contract::location::S3Uri;
use quarry_contract::request::{DataContent, Request};
use quarry_contract::request_file::{DEFAULT_JOB_TYPE, RequestFile, resolve};
use quarry_edge::error::{Doing, StepError, StepErrorKind};
use quarry_edge::executions::Started;
use quarry_edge::store::{ObjectInfo, StoreError};
use serde::Serialize;

/// What followed from an arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrived {
    /// The run of this name was started, or is under way.
    Started(String),
    /// The event was delivered before, and the run of this name is over.
    AlreadyRan(String),
    /// Nothing was started, for this reason.
    Ignored(String),
}

pub(crate) async fn handle(deps: &Deps, created: &ObjectCreated) -> Result<Arrived, StepError> {
    let (pipeline, kind) = match deps.places.arrival(&created.object) {
        Ok(arrival) => arrival,
        Err(reason) => return Ok(Arrived::Ignored(reason)),
    };
    let state = state(created)?;
    let run = execution_name::of_object(&deps.deployment, pipeline, &created.object, state);
    let info = match deps.store.head(&created.object).await {
        Ok(info) => info,
        Err(StoreError::NotFound(_)) => {
            return Ok(Arrived::Ignored("it has been deleted since".to_owned()));
        }
        Err(error) => return Err(error).doing(|| format!("reading {}", created.object)),
    };
    if is_replaced(created, &info) {
        return Ok(Arrived::Ignored(
            "it has been replaced since; the event of what is there now starts a run".to_owned(),
        ));
    }
    let arrival = Arrival {
        deps,
        created,
        pipeline,
        kind,
        info,
    };
    let request = arrival.request(&run).await?;
    let Some(earlier) = repeated::noted_before(deps, created, &arrival.info, &run).await? else {
        return start(deps, run, &request).await;
    };
    // The call that noted the earlier run may have failed before it started it, and the version of its event may be
    // gone by now. A name is started once, so this is harmless if that call did not fail.
    let request = arrival.request(&earlier).await?;
    Ok(match start(deps, earlier, &request).await? {
        Arrived::AlreadyRan(earlier) => Arrived::Ignored(format!(
            "run {earlier} has been started for the same content under this name less than an hour before; write it \
             again later, or under another name, to run again"
        )),
        started => started,
    })
}

async fn start(deps: &Deps, run: String, request: &Request) -> Result<Arrived, StepError> {
    let input = serde_json::to_string(request).map_err(StepError::bad_request)?;
    let started = deps.executions.start(&run, &input).await;
    Ok(match started.doing(|| format!("starting run {run}"))? {
        Started::Running => Arrived::Started(run),
        Started::AlreadyRan => Arrived::AlreadyRan(run),
    })
}

/// An object that starts a run.
struct Arrival<'a> {
    deps: &'a Deps,
    created: &'a ObjectCreated,
    pipeline: &'a str,
    kind: ArrivalKind,
    info: ObjectInfo,
}

impl Arrival<'_> {
    /// Returns the request of a run of this name.
    async fn request(&self, run: &str) -> Result<Request, StepError> {
        let Self {
            deps,
            created,
            pipeline,
            info,
            ..
        } = self;
        match &self.kind {
            ArrivalKind::Data => {
                let data = RequestFile {
                    data: Some(created.object.to_string()),
                    ..RequestFile::default()
                };
                let folder = deps.places.pipeline(pipeline);
                Ok(Request {
                    data_content: Some(DataContent {
                        etag: info.etag.clone(),
                        size: info.size,
                        version: info.version.clone(),
                    }),
                    ..request(deps, pipeline, run, &folder, data).await?
                })
            }
            ArrivalKind::Request(folder) => {
                let file = defaults::read_request(&*deps.store, &created.object)
                    .await?
                    .ok_or_else(|| missing(&created.object))?;
                let request = request(deps, pipeline, run, folder, file).await?;
                check_not_arriving(deps, pipeline, &request)?;
                Ok(request)
            }
        }
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
            "the event of {} has neither `version-id` nor `etag`, so it cannot be told apart from others",
            created.object
        ))),
    }
}

/// Whether the object in the store is another one than the event's. A version with the same bytes as
/// the event's is another one too, because it has an event of its own.
fn is_replaced(created: &ObjectCreated, info: &ObjectInfo) -> bool {
    if let (Some(version), Some(current)) = (&created.version, &info.version) {
        return version != current;
    }
    created
        .etag
        .as_deref()
        .is_some_and(|etag| etag != info.etag.trim_matches('"'))
}

/// Returns the request of a file in `folder`, completed by its pipeline's defaults.
async fn request(
    deps: &Deps,
    pipeline: &str,
    run: &str,
    folder: &S3Uri,
    file: RequestFile,
) -> Result<Request, StepError> {
    let home = deps.places.pipeline(pipeline);
    let defaults = defaults::of_pipeline(&*deps.store, &deps.places, pipeline).await?;
    let confinement = Confinement::new(&deps.places, &deps.elsewhere, pipeline);
    if file.request_settings.is_some() {
        return Err(StepError::bad_request(format!(
            "`request_settings` says what requests may change, and so cannot be in a request; move it to \
             {home}{REQUEST_FILE}"
        )));
    }
    confinement.check_settings(&file.settings, defaults.request_settings.as_deref())?;
    let locate = |folder: &S3Uri, text: &str| resolve(folder, text).map_err(StepError::bad_request);
    // The file's own value takes precedence over the pipeline's.
    let read = |member: &str, own: &Option<String>, default: &Option<String>| {
        let place = match (own, default) {
            (Some(own), _) => locate(folder, own)?,
            (None, Some(default)) => locate(&home, default)?,
            (None, None) => return Ok(None),
        };
        confinement.check_read(member, &place)?;
        Ok::<_, StepError>(Some(place))
    };
    // All runs share a default place, so each gets a folder of its own there.
    let written = |member: &str, own: &Option<String>, default: &Option<String>| {
        let place = match (own, default) {
            (Some(own), _) => locate(folder, own)?,
            (None, Some(default)) => locate(&home, default)?.join(run).join(""),
            (None, None) => return Ok(None),
        };
        confinement.check_written(member, &place)?;
        Ok::<_, StepError>(Some(place))
    };
    let data = locate(folder, file.data.as_deref().unwrap_or_default())?;
    confinement.check_read("data", &data)?;
    let schema = match read("schema", &file.schema, &defaults.schema)? {
        Some(schema) => Some(schema),
        None => defaults::pipeline_schema(&*deps.store, &home).await?,
    };
    let work = match (&file.work, &defaults.work) {
        (Some(own), _) => Some(locate(folder, own)?),
        (None, Some(default)) => Some(locate(&home, default)?),
        (None, None) => None,
    };
    if let Some(work) = &work {
        confinement.check_written("work", work)?;
    }
    let mut settings = defaults.settings.clone();
    settings.extend(file.settings.clone());
    Ok(Request {
        version: VERSION,
        data,
        data_content: None,
        prompts: read("prompts", &file.prompts, &defaults.prompts)?.unwrap_or_else(|| home.clone()),
        schema,
        output: written("output", &file.output, &defaults.output)?
            .unwrap_or_else(|| deps.places.results(pipeline, run)),
        summary: written("summary", &file.summary, &defaults.summary)?,
        work,
        job_type: file
            .job_type
            .or(defaults.job_type)
            .unwrap_or(DEFAULT_JOB_TYPE),
        // Any request may ask fewer rows: it costs less.
        sample: file.sample.or(defaults.sample),
        settings,
        callback: None,
    })
}

/// Refuses a request for data that start runs by themselves. The tables directly in a pipeline's
/// inbox would be paid for twice.
fn check_not_arriving(deps: &Deps, pipeline: &str, request: &Request) -> Result<(), StepError> {
    let inbox = deps.places.arrivals(pipeline);
    let starts_runs = request.data.bucket() == inbox.bucket()
        && request
            .data
            .key()
            .strip_prefix(inbox.key())
            .is_some_and(|below| !below.contains('/'));
    if starts_runs {
        return Err(StepError::bad_request(format!(
            "`data` is {}, and a table directly in {inbox} starts a run of its own: its rows would be paid twice; \
             put the tables and the request into a folder below",
            request.data
        )));
    }
    Ok(())
}

fn missing(at: &S3Uri) -> StepError {
    StepError::new(StepErrorKind::NotFound, format!("reading {at}"))
}
