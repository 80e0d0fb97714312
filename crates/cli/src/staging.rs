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
pub(crate) use results::{publish, publish_files, temporary_in};
pub(crate) use stack::{explained, read_answers, read_faults, stack_config, start, with_source};
pub(crate) use upload::upload;

use crate::failure::Failure;
use folder::StagedFolder;
use quarry_contract::location::S3Uri;
use quarry_local_stack::BUCKET;
use quarry_rows::ACCEPTED;
use std::path::{Path, PathBuf};

/// Returns the first table file of a folder, or the file itself.
pub(crate) fn first_table(table: &Path) -> Result<PathBuf, Failure> {
    let sources = StagedFolder::of(table)?;
    let first = sources.tables.into_iter().next();
    first.map(|(path, _)| path).ok_or_else(|| {
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
