//! What a command is asked to work on, and its files.

use super::folder::{self, StagedFolder};
use super::upload::upload;
use super::{DATA, PROMPTS, SCHEMA, overlap, place};
use crate::failure::Failure;
use crate::input::{is_standard_input, read_file, shown};
use clap::Args;
use quarry_contract::VERSION;
use quarry_contract::location::S3Uri;
use quarry_contract::request::{JobType, Request};
use quarry_contract::request_file::{DEFAULT_JOB_TYPE, RequestFile};
use quarry_edge::store::ObjectStore;
use quarry_local_stack::{BUCKET, RunError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What prompts and schemas are called in a folder of them.
const PROMPTS_FILE: &str = "prompts.json";
const SCHEMA_FILES: &str = "validation_schema_*.json";

/// What a command is asked to work on.
#[derive(Debug, Clone, Args)]
pub(crate) struct JobArguments {
    /// A folder with a `request.json`, or the data: a file, or a folder of files.
    pub(crate) data: PathBuf,
    /// The prompts: a file, the folder with `prompts.json`, or - for standard input. Not needed with a
    /// `request.json`.
    #[arg(long, value_name = "FILE")]
    pub(crate) prompts: Option<PathBuf>,
    /// The JSON Schema of an answer: a file, the folder with `validation_schema_*.json`, or -.
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// A setting, e.g. `BEDROCK_MAX_TOKENS=512`; may be given several times. `quarry settings` lists
    /// them.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<String>,
    /// The kind of data set: training, validation, testing or calibration.
    #[arg(long, value_name = "TYPE")]
    pub(crate) job_type: Option<String>,
}

/// The values of `--set NAME=VALUE`.
pub(crate) fn read_settings(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    texts
        .iter()
        .map(|text| {
            let pair = text.split_once('=');
            let pair = pair.map(|(name, value)| (name.to_owned(), value.to_owned()));
            pair.ok_or_else(|| Failure::usage(format!("--set takes NAME=VALUE, found `{text}`")))
        })
        .collect()
}

/// A `request.json` of this version.
pub(crate) fn read_request(file: &Path) -> Result<RequestFile, Failure> {
    let text = read_file(file)?;
    let request: RequestFile = serde_json::from_slice(&text)
        .map_err(|error| Failure::input(format!("{}: {error}", shown(file))))?;
    if request.version == VERSION {
        return Ok(request);
    }
    Err(Failure::input(format!(
        "{} has version {}; this is version {VERSION}",
        shown(file),
        request.version
    )))
}

/// A file that is read once: a pipe cannot be read again.
#[derive(Debug, Clone)]
struct Document {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Document {
    fn read(path: PathBuf) -> Result<Self, Failure> {
        let bytes = read_file(&path)?;
        Ok(Self { path, bytes })
    }
}

/// A job whose files are on this machine.
#[derive(Debug, Clone)]
pub(crate) struct LocalJob {
    data: PathBuf,
    tables: StagedFolder,
    prompts: Document,
    schema: Option<Document>,
    pub(crate) settings: BTreeMap<String, String>,
    job_type: JobType,
}

/// Where a job's files are, before any is read.
struct Places {
    data: PathBuf,
    prompts: PathBuf,
    schema: Option<PathBuf>,
    settings: BTreeMap<String, String>,
    job_type: JobType,
}

impl LocalJob {
    /// Reads the arguments and, when the folder has one, its `request.json`; then prompts and schema.
    pub(crate) fn read(arguments: &JobArguments) -> Result<Self, Failure> {
        let mut places = Places::of(arguments)?;
        if let Some(prompts) = &arguments.prompts {
            places.prompts.clone_from(prompts);
        }
        if let Some(schema) = &arguments.schema {
            places.schema = Some(schema.clone());
        }
        if let Some(text) = &arguments.job_type {
            places.job_type = text.parse().map_err(Failure::usage)?;
        }
        places.settings.extend(read_settings(&arguments.settings)?);
        let prompts = in_folder(places.prompts, PROMPTS_FILE, |name| name == PROMPTS_FILE)?;
        let schema = places
            .schema
            .map(|schema| in_folder(schema, SCHEMA_FILES, is_schema_file))
            .transpose()?;
        Ok(Self {
            tables: tables(&places.data)?,
            data: places.data,
            prompts: Document::read(prompts)?,
            schema: schema.map(Document::read).transpose()?,
            settings: places.settings,
            job_type: places.job_type,
        })
    }

    /// Refuses an output folder whose results would be read as input, or take an input's place. `more` are files that
    /// the command reads besides the job's own.
    pub(crate) fn check_output(&self, out: &Path, more: &[&Path]) -> Result<(), Failure> {
        if is_standard_input(out) {
            return Err(Failure::usage(
                "--out - is not possible: results are several files; give a folder",
            ));
        }
        let tables = self.tables.tables.iter().map(|(path, _)| path.clone());
        let documents = self.schema.iter().chain([&self.prompts]);
        let inputs: Vec<PathBuf> = tables
            .chain(documents.map(|document| document.path.clone()))
            .chain(more.iter().map(|file| file.to_path_buf()))
            .filter(|file| !is_standard_input(file))
            .collect();
        overlap::check(out, &self.data, &inputs, self.job_type)
    }

    /// The data's bytes, as far as they are known.
    pub(crate) fn data_bytes(&self) -> u64 {
        let tables = self.tables.tables.iter();
        tables
            .filter_map(|(path, _)| Some(std::fs::metadata(path).ok()?.len()))
            .sum()
    }

    /// Puts the files into the bucket, and returns the request over them. `seen` is told how many more bytes of the
    /// data are read.
    pub(crate) async fn stage(
        &self,
        store: &Arc<dyn ObjectStore>,
        seen: &dyn Fn(u64),
    ) -> Result<Request, Failure> {
        for (file, name) in &self.tables.tables {
            upload(store, file, place(&format!("{DATA}{name}"))?, seen).await?;
        }
        // Planning only notes the names of these.
        for name in &self.tables.left_out {
            if let Ok(at) = place(&format!("{DATA}{name}")) {
                put(store, &at, &[], name).await?;
            }
        }
        let data = match self.tables.tables.as_slice() {
            [(_, name)] if !self.data.is_dir() => place(&format!("{DATA}{name}"))?,
            _ => place(DATA)?,
        };
        let prompts = place(PROMPTS)?;
        put(
            store,
            &prompts,
            &self.prompts.bytes,
            &shown(&self.prompts.path),
        )
        .await?;
        let schema = match &self.schema {
            Some(schema) => {
                let at = place(SCHEMA)?;
                put(store, &at, &schema.bytes, &shown(&schema.path)).await?;
                Some(at)
            }
            None => None,
        };
        Ok(Request {
            version: VERSION,
            data,
            prompts,
            schema,
            output: place("results/")?,
            summary: None,
            work: None,
            job_type: self.job_type,
            settings: self.settings.clone(),
            callback: None,
        })
    }

    /// What the stack says of its copies, said of the files that the user knows.
    pub(crate) fn in_local_names(&self, mut error: RunError) -> RunError {
        error.cause = self.local_names(&error.cause);
        error
    }

    /// A text of the stack with the names of the files that the user knows.
    pub(crate) fn local_names(&self, text: &str) -> String {
        let folder = if self.data.is_dir() {
            Some(self.data.as_path())
        } else {
            self.data.parent()
        };
        let data = folder.map(|folder| folder.join("").display().to_string());
        let schema = self.schema.as_ref().map(|schema| shown(&schema.path));
        [
            (PROMPTS, Some(shown(&self.prompts.path))),
            (SCHEMA, schema),
            (DATA, data),
        ]
        .into_iter()
        .filter_map(|(key, local)| Some((format!("s3://{BUCKET}/{key}"), local?)))
        .fold(text.to_owned(), |text, (at, local)| {
            text.replace(&at, &local)
        })
    }

    /// The schema for answers that the simulator makes, when the records do not carry it.
    pub(crate) fn schema_value(&self) -> Option<Value> {
        let schema: Value = serde_json::from_slice(&self.schema.as_ref()?.bytes).ok()?;
        schema.get("properties")?;
        Some(schema)
    }
}

impl Places {
    fn of(arguments: &JobArguments) -> Result<Self, Failure> {
        if is_standard_input(&arguments.data) {
            return Err(Failure::usage(
                "- cannot be the data: a table's format follows from its name; save it as a file, e.g. data.csv",
            ));
        }
        if let Err(error) = std::fs::symlink_metadata(&arguments.data) {
            return Err(Failure::input(match error.kind() {
                std::io::ErrorKind::NotFound => format!(
                    "{} does not exist; give a table file, a folder of them, or a folder with a request.json",
                    arguments.data.display()
                ),
                _ => format!("{} cannot be read: {error}", arguments.data.display()),
            }));
        }
        let request_file = arguments.data.join("request.json");
        if request_file.is_file() {
            return Self::of_example(&arguments.data, &request_file);
        }
        let prompts = arguments.prompts.clone().ok_or_else(|| {
            Failure::usage(format!(
                "{} has no request.json; give the prompts with --prompts FILE",
                arguments.data.display()
            ))
        })?;
        Ok(Self {
            data: arguments.data.clone(),
            prompts,
            schema: None,
            settings: BTreeMap::new(),
            job_type: DEFAULT_JOB_TYPE,
        })
    }

    fn of_example(folder: &Path, file: &Path) -> Result<Self, Failure> {
        let request = read_request(file)?;
        for (name, place) in [
            ("output", &request.output),
            ("summary", &request.summary),
            ("work", &request.work),
        ] {
            if place.is_some() {
                return Err(Failure::input(format!(
                    "{}: `{name}` is a place in S3; on this machine results go to --out, so leave it out",
                    file.display()
                )));
            }
        }
        Ok(Self {
            data: folder.join(request.data.as_deref().unwrap_or_default()),
            prompts: folder.join(request.prompts.as_deref().unwrap_or(PROMPTS_FILE)),
            schema: request.schema.map(|schema| folder.join(schema)),
            settings: request.settings,
            job_type: request.job_type.unwrap_or(DEFAULT_JOB_TYPE),
        })
    }
}

/// The tables of a folder, or the one file.
fn tables(data: &Path) -> Result<StagedFolder, Failure> {
    if data.is_dir() {
        return StagedFolder::read(data);
    }
    folder::check_table(data)?;
    let name = data.file_name().unwrap_or_default().to_string_lossy();
    Ok(StagedFolder::of_file(data.to_owned(), name.into_owned()))
}

async fn put(
    store: &Arc<dyn ObjectStore>,
    at: &S3Uri,
    bytes: &[u8],
    name: &str,
) -> Result<(), Failure> {
    store
        .put(at, bytes.to_vec().into(), false)
        .await
        .map(drop)
        .map_err(|error| Failure::run(format!("{name} cannot be staged: {error}")))
}

fn is_schema_file(name: &str) -> bool {
    let is_json = Path::new(name)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("json"));
    is_json && name.starts_with("validation_schema_")
}

/// The last file by name in a folder that `is_it`; a file stands for itself.
fn in_folder(place: PathBuf, what: &str, is_it: fn(&str) -> bool) -> Result<PathBuf, Failure> {
    if !place.is_dir() {
        return Ok(place);
    }
    folder::entries(&place)?
        .into_iter()
        .rev()
        .find_map(|(path, name)| (path.is_file() && is_it(&name)).then_some(path))
        .ok_or_else(|| Failure::input(format!("there is no {what} in {}", place.display())))
}
