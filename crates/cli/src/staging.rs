//! A job whose files are on this machine: its arguments, and the way of its files into the stack's
//! bucket and of its results out of it.

mod arguments;
mod folder;
mod in_s3;
mod job;
mod names;
mod overlap;
mod placed;
mod results;
mod sources;
mod stack;
mod upload;

pub(crate) use arguments::{JobArguments, SampleArguments, read_request, read_settings};
pub(crate) use in_s3::JobInS3;
pub(crate) use job::{JobPlaces, LocalJob};
pub(crate) use placed::ExpectedPlan;
pub(crate) use results::{check_place, publish, publish_files, temporary_in};
pub(crate) use sources::{prompts_in, schema_in};
pub(crate) use stack::{explained, read_answers, read_faults, stack_config, start, with_source};
pub(crate) use upload::upload;

use crate::failure::Failure;
use folder::StagedFolder;
use quarry_contract::location::S3Uri;
use quarry_contract::request::{JobType, SPLITS};
use quarry_contract::request_file::DEFAULT_JOB_TYPE;
use quarry_local_stack::BUCKET;
use quarry_rows::ACCEPTED;
use std::path::{Path, PathBuf};

/// The table of a data set that is looked at, and the job type with which a run reads it.
pub(crate) struct FirstTable {
    pub(crate) file: PathBuf,
    pub(crate) job_type: JobType,
}

/// Returns the first table file of a folder, or the file itself. The files of training, validation and test data
/// are read only if the folder itself has no table.
pub(crate) fn first_table(table: &Path) -> Result<FirstTable, Failure> {
    let mut tables = StagedFolder::of(table)?.tables;
    let split = |name: &str| {
        SPLITS
            .iter()
            .position(|split| name.starts_with(&format!("{split}/")))
    };
    // The sort is stable: within each folder, the files stay in the order of their names.
    tables.sort_by_key(|(_, name)| split(name).map_or(0, |at| at + 1));
    let first = tables.into_iter().next();
    let first = first.map(|(file, name)| FirstTable {
        file,
        job_type: split(&name).map_or(DEFAULT_JOB_TYPE, |_| JobType::Training),
    });
    first.ok_or_else(|| {
        Failure::input(format!(
            "{} contains no table; a table is named {ACCEPTED}",
            table.display()
        ))
    })
}

/// The folder of the files in the stack's bucket.
const DATA: &str = "data/";
const PROMPTS: &str = "pipeline/prompts.json";
const SCHEMA: &str = "pipeline/schema.json";

/// Returns a location in the stack's bucket.
fn place(key: &str) -> Result<S3Uri, Failure> {
    S3Uri::new(BUCKET, key).map_err(|error| Failure::input(error.to_string()))
}
