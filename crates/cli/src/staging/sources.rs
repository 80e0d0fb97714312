//! Finding a job's files on this machine.

use super::arguments::{JobArguments, read_request, read_settings};
use super::folder::{self, StagedFolder};
use crate::failure::Failure;
use crate::input::{read_file, refuse_standard_input};
use crate::s3_place::{is_in_s3, refuse_other_forms};
use quarry_contract::location::S3Uri;
use quarry_contract::request::{JobType, SampleRequest};
use quarry_contract::request_file::DEFAULT_JOB_TYPE;
use quarry_contract::schema_file::{SCHEMA_FILES, last_schema};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name of prompts in a folder.
const PROMPTS_FILE: &str = "prompts.json";

/// A file that is read only once, because a pipe cannot be read again.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

impl Document {
    pub(super) fn read(path: PathBuf) -> Result<Self, Failure> {
        let bytes = read_file(&path)?;
        Ok(Self { path, bytes })
    }
}

/// The locations of a job's files, none of which has been read yet, and the job's settings.
pub(super) struct Sources {
    pub(super) data: PathBuf,
    pub(super) prompts: PathBuf,
    pub(super) schema: Option<PathBuf>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) job_type: JobType,
    pub(super) sample: Option<SampleRequest>,
}

impl Sources {
    /// Finds the sources in the arguments and, if the folder has one, its `request.json`. The
    /// arguments take precedence.
    pub(super) fn of(arguments: &JobArguments) -> Result<Self, Failure> {
        let mut sources = Self::without_overrides(arguments)?;
        if let Some(prompts) = &arguments.prompts {
            sources.prompts.clone_from(prompts);
        }
        if let Some(schema) = &arguments.schema {
            sources.schema = Some(schema.clone());
        }
        if let Some(text) = &arguments.job_type {
            sources.job_type = text.parse().map_err(Failure::usage)?;
        }
        sources.settings.extend(read_settings(&arguments.settings)?);
        Ok(sources)
    }

    fn without_overrides(arguments: &JobArguments) -> Result<Self, Failure> {
        refuse_standard_input(&arguments.data, "data")?;
        if !is_in_s3(&arguments.data) {
            folder::check_exists(&arguments.data)?;
        }
        let request_file = arguments.data.join("request.json");
        if request_file.is_file() {
            return Self::of_example(&arguments.data, &request_file);
        }
        let prompts = arguments.prompts.clone().ok_or_else(|| {
            let data = arguments.data.display();
            Failure::usage(if is_in_s3(&arguments.data) {
                format!(
                    "{data} is in S3; give the prompts, a file of this machine, with --prompts FILE"
                )
            } else {
                format!("{data} has no request.json; give the prompts with --prompts FILE")
            })
        })?;
        Ok(Self {
            data: arguments.data.clone(),
            prompts,
            schema: None,
            settings: BTreeMap::new(),
            job_type: DEFAULT_JOB_TYPE,
            sample: None,
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
        let data = request.data.as_deref().unwrap_or_default();
        Ok(Self {
            data: if is_in_s3(Path::new(data)) {
                PathBuf::from(data)
            } else {
                folder.join(data)
            },
            prompts: folder.join(request.prompts.as_deref().unwrap_or(PROMPTS_FILE)),
            schema: request.schema.map(|schema| folder.join(schema)),
            settings: request.settings,
            job_type: request.job_type.unwrap_or(DEFAULT_JOB_TYPE),
            sample: request.sample,
        })
    }

    /// Returns the place of the data if it is in S3.
    pub(super) fn data_in_s3(&self) -> Result<Option<S3Uri>, Failure> {
        let Some(text) = self.data.to_str().filter(|_| is_in_s3(&self.data)) else {
            return Ok(None);
        };
        if let Some((object, _)) = text.split_once("?versionId=") {
            return Err(Failure::usage(format!(
                "{text}: a run reads the version that is current when it is started; give {object}, or copy that version to \
                 another key"
            )));
        }
        let at = text.parse::<S3Uri>();
        at.map(Some)
            .map_err(|error| Failure::usage(error.to_string()))
    }

    /// Returns the tables of the data folder, or the single file.
    pub(super) fn tables(&self) -> Result<StagedFolder, Failure> {
        StagedFolder::of(&self.data)
    }

    /// Reads the prompts: a file, or `prompts.json` of a folder.
    pub(super) fn prompts(&self) -> Result<Document, Failure> {
        Document::read(prompts_in(&self.prompts)?)
    }

    /// Reads the schema: a file, or the last `validation_schema_*.json` of a folder.
    pub(super) fn schema(&self) -> Result<Option<Document>, Failure> {
        let Some(schema) = &self.schema else {
            return Ok(None);
        };
        Document::read(schema_in(schema)?).map(Some)
    }
}

/// Returns the prompts that a path means: the file, or `prompts.json` of a folder.
pub(crate) fn prompts_in(place: &Path) -> Result<PathBuf, Failure> {
    in_folder(place, PROMPTS_FILE, |files| {
        files.into_iter().find(|(_, name)| name == PROMPTS_FILE)
    })
}

/// Returns the schema that a path means: the file, or the last `validation_schema_*.json` of a folder.
pub(crate) fn schema_in(place: &Path) -> Result<PathBuf, Failure> {
    in_folder(place, SCHEMA_FILES, last_schema_of)
}

/// A file of a folder with its name.
type NamedFile = (PathBuf, String);

fn last_schema_of(files: Vec<NamedFile>) -> Option<NamedFile> {
    last_schema(files, |(_, name)| name)
}

/// Returns the file of a folder that `choose` takes; if the path is a file, returns it.
fn in_folder(
    place: &Path,
    what: &str,
    choose: fn(Vec<NamedFile>) -> Option<NamedFile>,
) -> Result<PathBuf, Failure> {
    refuse_other_forms(place)?;
    if is_in_s3(place) {
        return Err(Failure::usage(format!(
            "{} is in S3; the prompts and the schema are files of this machine: copy it with `aws s3 cp`",
            place.display()
        )));
    }
    if !place.is_dir() {
        return Ok(place.to_owned());
    }
    let mut files = folder::entries(place)?;
    files.retain(|(path, _)| path.is_file());
    choose(files)
        .map(|(path, _)| path)
        .ok_or_else(|| Failure::input(format!("there is no {what} in {}", place.display())))
}
