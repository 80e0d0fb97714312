//! A job whose files are on this machine, and their way into the stack's bucket.

use super::arguments::{JobArguments, SampleArguments};
use super::folder::StagedFolder;
use super::names::LocalNames;
use super::placed::{Beginnings, ExpectedPlan, PlacedData};
use super::sources::{Document, Sources};
use super::upload::{unstaged, upload};
use super::{DATA, PROMPTS, SCHEMA, overlap, place};
use crate::failure::Failure;
use crate::input::{is_standard_input, shown};
use quarry_contract::VERSION;
use quarry_contract::location::S3Uri;
use quarry_contract::plan::{Plan, Slice};
use quarry_contract::request::{JobType, Request, SampleRequest};
use quarry_contract::settings;
use quarry_cost::Usd;
use quarry_edge::store::{ObjectStore, WriteCondition};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A job whose files are on this machine.
#[derive(Debug, Clone)]
pub(crate) struct LocalJob {
    data: PathBuf,
    tables: StagedFolder,
    prompts: Document,
    schema: Option<Document>,
    pub(crate) settings: BTreeMap<String, String>,
    job_type: JobType,
    sample: Option<SampleRequest>,
    /// The place of the data if it is in S3; the tables are copies of it.
    placed: Option<PlacedData>,
}

/// Where the files of a job are put.
#[derive(Debug, Clone)]
pub(crate) struct JobPlaces {
    /// The folder of the tables.
    pub(crate) data: S3Uri,
    /// The prompts.
    pub(crate) prompts: S3Uri,
    /// The schema, if there is one.
    pub(crate) schema: S3Uri,
    /// The folder of the results.
    pub(crate) output: S3Uri,
}

impl JobPlaces {
    /// Returns the places below a folder of a deployment.
    pub(crate) fn below(folder: &S3Uri, output: S3Uri) -> Self {
        Self {
            data: folder.join(DATA),
            prompts: folder.join("prompts.json"),
            schema: folder.join("schema.json"),
            output,
        }
    }

    fn table(&self, name: &str) -> Result<S3Uri, Failure> {
        S3Uri::new(self.data.bucket(), format!("{}{name}", self.data.key()))
            .map_err(|error| Failure::input(error.to_string()))
    }
}

impl LocalJob {
    /// Reads the arguments and, if the folder has one, its `request.json`; then prompts and schema.
    pub(crate) fn read(arguments: &JobArguments) -> Result<Self, Failure> {
        let sources = Sources::of(arguments)?;
        // The tables come first, because prompts may come from a pipe, which should not be read in
        // vain.
        let tables = sources.tables()?;
        let data = sources.data.clone();
        Self::of_tables(sources, data, tables, None)
    }

    /// Reads prompts and schema of a job whose data is in S3. `tables` are copies of its tables in a folder.
    pub(super) fn of_placed(
        sources: Sources,
        tables: StagedFolder,
        placed: PlacedData,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let only = tables.tables.first().filter(|_| placed.is_object);
        let data = only.map_or(folder, |(copy, _)| copy).to_owned();
        Self::of_tables(sources, data, tables, Some(placed))
    }

    fn of_tables(
        sources: Sources,
        data: PathBuf,
        tables: StagedFolder,
        placed: Option<PlacedData>,
    ) -> Result<Self, Failure> {
        let prompts = sources.prompts()?;
        let schema = sources.schema()?;
        Ok(Self {
            data,
            tables,
            prompts,
            schema,
            settings: sources.settings,
            job_type: sources.job_type,
            sample: sources.sample,
            placed,
        })
    }

    /// Returns the job that is planned on this machine: the same, or one over the beginnings of its files.
    pub(crate) fn for_planning(&self) -> Cow<'_, Self> {
        if self.beginnings().is_none() {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            settings: Beginnings::settings(&self.settings),
            sample: None,
            ..self.clone()
        })
    }

    /// Returns the plan that the whole job is expected to have, if only beginnings of its files were planned.
    /// `settings` are those of the deployment.
    pub(crate) fn expected(
        &self,
        plan: &Plan,
        slices: &[Slice],
        settings: &BTreeMap<String, String>,
    ) -> Result<Option<ExpectedPlan>, Failure> {
        let Some(beginnings) = self.beginnings() else {
            return Ok(None);
        };
        let mut values = settings.clone();
        values.extend(self.settings.clone());
        let expected = beginnings.expected(plan.clone(), slices, &values, self.sample)?;
        Ok(Some(expected))
    }

    fn beginnings(&self) -> Option<&Beginnings> {
        self.placed.as_ref()?.beginnings.as_ref()
    }

    /// Takes the cap on the cost out of the settings and returns it, for a command that sends nothing.
    pub(crate) fn take_cost_cap(&mut self) -> Result<Option<Usd>, Failure> {
        let cap = settings::cost_cap(&self.settings);
        let cap = cap.map_err(|error| Failure::input(error.to_string()))?;
        self.settings.remove(settings::MAX_COST);
        Ok(cap)
    }

    /// Asks the rows that the arguments say, if they say any.
    pub(crate) fn sampled(mut self, arguments: SampleArguments) -> Result<Self, Failure> {
        self.sample = arguments.over(self.sample)?;
        Ok(self)
    }

    /// Whether only some rows are asked.
    pub(crate) fn is_sampled(&self) -> bool {
        self.sample.is_some()
    }

    /// Refuses an output folder whose results would be read as input, would replace an input, or could not
    /// take their places.
    /// `more` are files that the command reads in addition to the job's own.
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
        overlap::check(out, &self.data, &inputs, self.job_type)?;
        let tables = self.tables.tables.iter();
        let tables: Vec<&str> = tables.map(|(_, name)| name.as_str()).collect();
        overlap::check_places(out, &tables, self.job_type, self.sample.is_some())
    }

    /// Returns the size of the data, as far as it is known.
    pub(crate) fn data_bytes(&self) -> u64 {
        let tables = self.tables.tables.iter();
        tables
            .filter_map(|(path, _)| Some(std::fs::metadata(path).ok()?.len()))
            .sum()
    }

    /// Puts the files into the stack's bucket and returns the request for them. `seen` gets the number
    /// of bytes of the data that have been read since the last call.
    pub(crate) async fn stage(
        &self,
        store: &Arc<dyn ObjectStore>,
        seen: &dyn Fn(u64),
    ) -> Result<Request, Failure> {
        let places = JobPlaces {
            data: place(DATA)?,
            prompts: place(PROMPTS)?,
            schema: place(SCHEMA)?,
            output: place("results/")?,
        };
        let data = self.upload_tables(store, &places, seen).await?;
        let request = self.upload_documents(store, &places, data).await?;
        // Planning only notes the names of these files.
        for name in &self.tables.left_out {
            if let Ok(at) = place(&format!("{DATA}{name}")) {
                put(store, &at, &[], name).await?;
            }
        }
        Ok(request)
    }

    /// Uploads prompts and schema, and tables that are not in S3 already, and returns the request for them.
    /// No other file of the data's folder is uploaded: in a deployment it could mean something.
    pub(crate) async fn upload(
        &self,
        store: &Arc<dyn ObjectStore>,
        places: &JobPlaces,
    ) -> Result<Request, Failure> {
        let Some(in_s3) = &self.placed else {
            let data = self.upload_tables(store, places, &|_| {}).await?;
            return self.upload_documents(store, places, data).await;
        };
        let request = self.upload_documents(store, places, in_s3.at.clone());
        Ok(Request {
            data_content: in_s3.content.clone(),
            ..request.await?
        })
    }

    /// Uploads tables. Returns the place of the data.
    async fn upload_tables(
        &self,
        store: &Arc<dyn ObjectStore>,
        places: &JobPlaces,
        seen: &dyn Fn(u64),
    ) -> Result<S3Uri, Failure> {
        for (file, name) in &self.tables.tables {
            upload(store, file, places.table(name)?, seen).await?;
        }
        match self.tables.tables.as_slice() {
            [(_, name)] if !self.data.is_dir() => places.table(name),
            _ => Ok(places.data.clone()),
        }
    }

    /// Uploads prompts and schema. Returns the request.
    async fn upload_documents(
        &self,
        store: &Arc<dyn ObjectStore>,
        places: &JobPlaces,
        data: S3Uri,
    ) -> Result<Request, Failure> {
        let Document { path, bytes } = &self.prompts;
        put(store, &places.prompts, bytes, &shown(path)).await?;
        let schema = match &self.schema {
            Some(Document { path, bytes }) => {
                put(store, &places.schema, bytes, &shown(path)).await?;
                Some(places.schema.clone())
            }
            None => None,
        };
        Ok(Request {
            version: VERSION,
            data,
            data_content: None,
            prompts: places.prompts.clone(),
            schema,
            output: places.output.clone(),
            summary: None,
            work: None,
            job_type: self.job_type,
            sample: self.sample,
            settings: self.settings.clone(),
            callback: None,
        })
    }

    /// Returns the names by which the user knows the staged files.
    pub(crate) fn names(&self) -> LocalNames {
        let placed = self
            .placed
            .as_ref()
            .map(|placed| PathBuf::from(placed.at.to_string()));
        let data = placed.as_deref().unwrap_or(&self.data);
        let data = if self.data.is_dir() {
            Some(data)
        } else {
            data.parent()
        };
        LocalNames::new(
            data,
            &self.prompts.path,
            self.schema.as_ref().map(|schema| schema.path.as_path()),
        )
    }

    /// Returns the schema for the simulator's answers to records without a schema.
    pub(crate) fn schema_value(&self) -> Option<Value> {
        let schema: Value = serde_json::from_slice(&self.schema.as_ref()?.bytes).ok()?;
        schema.get("properties")?;
        Some(schema)
    }
}

async fn put(
    store: &Arc<dyn ObjectStore>,
    at: &S3Uri,
    bytes: &[u8],
    name: &str,
) -> Result<(), Failure> {
    store
        .put(at, bytes.to_vec().into(), WriteCondition::Always)
        .await
        .map(drop)
        .map_err(|error| unstaged(name, &error))
}
