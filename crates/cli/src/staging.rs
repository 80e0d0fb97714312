//! Bringing local files into the stack's bucket and results out of it.

use crate::failure::Failure;
use clap::Args;
use quarry_bedrock_simulator::{AnswerSource, Faults, parse_given};
use quarry_contract::location::S3Uri;
use quarry_contract::request::{JobType, Request};
use quarry_contract::request_file::{DEFAULT_JOB_TYPE, RequestFile};
use quarry_contract::{VERSION, request};
use quarry_edge::s3::reader::{ObjectReader, ReadOptions};
use quarry_edge::s3::writer::{ObjectWriter, WriteOptions};
use quarry_edge::store::ObjectStore;
use quarry_local_stack::{BUCKET, LocalStack, RunError, StackConfig};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The role of the local stack's jobs, used when none is set: the simulator asks for a valid name
/// and nothing more.
const LOCAL_ROLE: &str = "arn:aws:iam::123456789012:role/QuarryLocalBatchRole";
/// The model of the local stack, used when none is set.
const LOCAL_MODEL: &str = "anthropic.claude-sonnet-4-20250514-v1:0";

/// Where the files are in the stack's bucket.
const DATA: &str = "data/";
const PROMPTS: &str = "pipeline/prompts.json";
const SCHEMA: &str = "pipeline/schema.json";

/// What a command is asked to work on.
#[derive(Debug, Clone, Args)]
pub(crate) struct JobArguments {
    /// A folder with a `request.json`, or the data: a file, or a folder of files.
    pub(crate) data: PathBuf,
    /// The prompts file, or the folder with `prompts.json`; not needed with a `request.json`.
    #[arg(long, value_name = "FILE")]
    pub(crate) prompts: Option<PathBuf>,
    /// The JSON Schema of an answer.
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// A setting, e.g. `BEDROCK_MAX_TOKENS=512`; may be given several times.
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
        .map_err(|error| Failure::input(format!("{}: {error}", file.display())))?;
    if request.version == VERSION {
        return Ok(request);
    }
    Err(Failure::input(format!(
        "{} has version {}; this is version {VERSION}",
        file.display(),
        request.version
    )))
}

/// A job whose files are on this machine.
#[derive(Debug, Clone)]
pub(crate) struct LocalJob {
    data: PathBuf,
    prompts: PathBuf,
    schema: Option<PathBuf>,
    pub(crate) settings: BTreeMap<String, String>,
    job_type: JobType,
}

impl LocalJob {
    /// Reads the arguments and, when the folder has one, its `request.json`.
    pub(crate) fn read(arguments: &JobArguments) -> Result<Self, Failure> {
        if !arguments.data.exists() {
            return Err(Failure::input(format!(
                "{} does not exist; give a table file, a folder of them, or a folder with a request.json",
                arguments.data.display()
            )));
        }
        let request_file = arguments.data.join("request.json");
        let mut job = if request_file.is_file() {
            Self::of_example(&arguments.data, &request_file)?
        } else {
            let prompts = arguments.prompts.clone().ok_or_else(|| {
                Failure::usage(format!(
                    "{} has no request.json; give the prompts with --prompts FILE",
                    arguments.data.display()
                ))
            })?;
            Self {
                data: arguments.data.clone(),
                prompts,
                schema: None,
                settings: BTreeMap::new(),
                job_type: DEFAULT_JOB_TYPE,
            }
        };
        if let Some(prompts) = &arguments.prompts {
            job.prompts.clone_from(prompts);
        }
        if let Some(schema) = &arguments.schema {
            job.schema = Some(schema.clone());
        }
        if let Some(text) = &arguments.job_type {
            job.job_type = text.parse().map_err(Failure::usage)?;
        }
        job.settings.extend(read_settings(&arguments.settings)?);
        job.prompts = in_folder(job.prompts, PROMPTS_FILE, |name| name == PROMPTS_FILE)?;
        job.schema = job
            .schema
            .map(|schema| in_folder(schema, SCHEMA_FILES, is_schema_file))
            .transpose()?;
        Ok(job)
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
            prompts: folder.join(request.prompts.as_deref().unwrap_or("prompts.json")),
            schema: request.schema.map(|schema| folder.join(schema)),
            settings: request.settings,
            job_type: request.job_type.unwrap_or(DEFAULT_JOB_TYPE),
        })
    }

    /// Puts the files into the bucket; answers the request over them.
    pub(crate) async fn stage(&self, store: &Arc<dyn ObjectStore>) -> Result<Request, Failure> {
        let data = if self.data.is_dir() {
            let folder = Folder::read(&self.data)?;
            for (file, name) in folder.files {
                upload(store, &file, place(&format!("{DATA}{name}"))?).await?;
            }
            // Planning only notes the names of these.
            for name in folder.left_out {
                let Ok(at) = place(&format!("{DATA}{name}")) else {
                    continue;
                };
                store
                    .put(&at, Vec::new().into(), false)
                    .await
                    .map_err(|error| Failure::run(format!("{name} cannot be staged: {error}")))?;
            }
            place(DATA)?
        } else {
            let at = place(&format!("{DATA}{}", file_name(&self.data)?))?;
            upload(store, &self.data, at.clone()).await?;
            at
        };
        let prompts = place(PROMPTS)?;
        upload(store, &self.prompts, prompts.clone()).await?;
        let schema = match &self.schema {
            Some(schema) => {
                let at = place(SCHEMA)?;
                upload(store, schema, at.clone()).await?;
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
        let folder = if self.data.is_dir() {
            Some(self.data.as_path())
        } else {
            self.data.parent()
        };
        let data = folder.map(|folder| folder.join("").display().to_string());
        for (key, local) in [
            (PROMPTS, Some(self.prompts.display().to_string())),
            (
                SCHEMA,
                self.schema.as_ref().map(|file| file.display().to_string()),
            ),
            (DATA, data),
        ] {
            if let Some(local) = local {
                error.cause = error.cause.replace(&format!("s3://{BUCKET}/{key}"), &local);
            }
        }
        error
    }

    /// The schema for answers that the simulator makes, when the records do not carry it.
    pub(crate) fn schema_value(&self) -> Option<serde_json::Value> {
        let text = std::fs::read(self.schema.as_ref()?).ok()?;
        let schema: serde_json::Value = serde_json::from_slice(&text).ok()?;
        schema.get("properties")?;
        Some(schema)
    }
}

/// The local stack's own settings, under what the user sets.
pub(crate) fn local_settings() -> BTreeMap<String, String> {
    BTreeMap::from([
        (
            "BEDROCK_PRIMARY_MODEL_ID".to_owned(),
            LOCAL_MODEL.to_owned(),
        ),
        ("BEDROCK_BATCH_ROLE_ARN".to_owned(), LOCAL_ROLE.to_owned()),
    ])
}

/// The stack's directory: below the output, so that it is on the same disk, and gone afterwards.
pub(crate) fn stack_directory(parent: &Path) -> Result<TempDir, Failure> {
    std::fs::create_dir_all(parent)
        .and_then(|()| {
            tempfile::Builder::new()
                .prefix(".quarry-")
                .tempdir_in(parent)
        })
        .map_err(|error| {
            Failure::input(format!(
                "{} cannot be written: {error}; choose another folder with --out",
                parent.display()
            ))
        })
}

/// What the virtual clock starts with.
pub(crate) fn now() -> Duration {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line is a shell: it reads the clock once"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}

/// A stack configuration with faults and answers from files.
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

/// A file of JSON.
pub(crate) fn read_json(file: &Path) -> Result<serde_json::Value, Failure> {
    serde_json::from_slice(&read_file(file)?)
        .map_err(|error| Failure::input(format!("{}: {error}", file.display())))
}

/// The simulated model's answers: those of the file, else made from the schema.
pub(crate) fn read_answers(
    file: Option<&Path>,
    schema: Option<serde_json::Value>,
) -> Result<AnswerSource, Failure> {
    Ok(match file {
        Some(file) => AnswerSource::Given {
            answers: parse_given(&read_file(file)?).map_err(|error| {
                Failure::input(format!("{}: {}", file.display(), with_source(&error)))
            })?,
            schema,
        },
        None => AnswerSource::FromSchema { schema },
    })
}

/// The faults of the file; none without one.
pub(crate) fn read_faults(file: Option<&Path>) -> Result<Faults, Failure> {
    let Some(file) = file else {
        return Ok(Faults::default());
    };
    Faults::from_json(&read_file(file)?)
        .map_err(|error| Failure::input(format!("{}: {}", file.display(), with_source(&error))))
}

/// Starts a stack.
pub(crate) async fn start(config: StackConfig) -> Result<LocalStack, Failure> {
    LocalStack::start(config)
        .await
        .map_err(|error| Failure::run(with_source(&error)))
}

/// An error's text and what is behind it.
pub(crate) fn with_source(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

/// A file's bytes.
pub(crate) fn read_file(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file)
        .map_err(|error| Failure::input(format!("{} cannot be read: {error}", file.display())))
}

fn file_name(file: &Path) -> Result<&str, Failure> {
    file.file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Failure::input(format!("{} has no name that is UTF-8", file.display())))
}

/// As many files that are left out are staged by name: planning names no more.
const MOST_LEFT_OUT: usize = 11;

/// What prompts and schemas are called in a folder of them.
const PROMPTS_FILE: &str = "prompts.json";
const SCHEMA_FILES: &str = "validation_schema_*.json";

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
    entries(&place)?
        .into_iter()
        .rev()
        .find_map(|(path, name)| (path.is_file() && is_it(&name)).then_some(path))
        .ok_or_else(|| Failure::input(format!("there is no {what} in {}", place.display())))
}

/// What of a data folder is staged, with names relative to it, sorted. Names that begin with a dot
/// are passed over.
#[derive(Debug, Default)]
struct Folder {
    /// The files in the folder and directly in its training splits.
    files: Vec<(PathBuf, String)>,
    /// The first files of other folders.
    left_out: Vec<String>,
}

impl Folder {
    fn read(folder: &Path) -> Result<Self, Failure> {
        let mut found = Self::default();
        for (path, name) in entries(folder)? {
            if !path.is_dir() {
                found.file(path, name)?;
            } else if request::SPLITS.contains(&name.as_str()) {
                let entries = entries(&path)?;
                if entries.is_empty() {
                    // S3 knows no empty folder; an object of this name is what its console makes of one.
                    found.left_out.push(format!("{name}/"));
                }
                for (path, below) in entries {
                    let name = format!("{name}/{below}");
                    if path.is_dir() {
                        found.leave_out(&path, &name);
                    } else {
                        found.file(path, name)?;
                    }
                }
            } else {
                found.leave_out(&path, &name);
            }
        }
        Ok(found)
    }

    fn file(&mut self, path: PathBuf, name: String) -> Result<(), Failure> {
        file_name(&path)?;
        self.files.push((path, name));
        Ok(())
    }

    /// Links to folders are not followed, so that no walk is endless, and what cannot be read is
    /// nobody's loss.
    fn leave_out(&mut self, folder: &Path, name: &str) {
        if folder.is_symlink() {
            return;
        }
        for (path, below) in entries(folder).unwrap_or_default() {
            if self.left_out.len() >= MOST_LEFT_OUT {
                return;
            }
            let name = format!("{name}/{below}");
            if path.is_dir() {
                self.leave_out(&path, &name);
            } else {
                self.left_out.push(name);
            }
        }
    }
}

/// What is in a folder, sorted, without hidden names. Names are for people where they are not
/// UTF-8.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, String)>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::input(format!("{} cannot be read: {error}", folder.display()))
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with('.') {
            entries.push((path.clone(), name.into_owned()));
        }
    }
    entries.sort();
    Ok(entries)
}

/// A place in the stack's bucket.
pub(crate) fn place(key: &str) -> Result<S3Uri, Failure> {
    S3Uri::new(BUCKET, key).map_err(|error| Failure::input(error.to_string()))
}

/// Uploads a file of any size.
pub(crate) async fn upload(
    store: &Arc<dyn ObjectStore>,
    file: &Path,
    at: S3Uri,
) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::input(format!("{} cannot be read: {error}", file.display()))
    };
    let unwritable = |error| Failure::run(format!("{} cannot be staged: {error}", file.display()));
    let mut source = tokio::fs::File::open(file).await.map_err(unreadable)?;
    let mut writer = ObjectWriter::new(Arc::clone(store), at, WriteOptions::default());
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = source.read(&mut buffer).await.map_err(unreadable)?;
        if read == 0 {
            break;
        }
        writer.write(&buffer[..read]).await.map_err(unwritable)?;
    }
    writer.finish().await.map_err(unwritable)?;
    Ok(())
}

/// Copies the objects below `prefix` into `folder`; answers the files, in key order.
pub(crate) async fn download(
    store: &Arc<dyn ObjectStore>,
    prefix: &S3Uri,
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: quarry_edge::store::StoreError| {
        Failure::run(format!("the results cannot be read: {error}"))
    };
    let mut files = Vec::new();
    for object in store.list(prefix).await.map_err(failed)? {
        let name = &object.location.key()[prefix.key().len()..];
        let file = folder.join(name);
        let unwritable = |error: std::io::Error| {
            Failure::input(format!("{} cannot be written: {error}", file.display()))
        };
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(unwritable)?;
        }
        let mut target = tokio::fs::File::create(&file).await.map_err(unwritable)?;
        let mut reader = ObjectReader::open(
            Arc::clone(store),
            object.location.clone(),
            0..object.size,
            object.etag.as_str(),
            ReadOptions::default(),
        );
        while let Some(bytes) = reader.next().await.map_err(failed)? {
            target.write_all(&bytes).await.map_err(unwritable)?;
        }
        target.flush().await.map_err(unwritable)?;
        files.push(file);
    }
    Ok(files)
}
