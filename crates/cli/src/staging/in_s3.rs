//! A job whose data is in S3 already. To plan it on this machine, small data is copied whole, and of
//! large data the beginnings of some files; prompts and schema are files of this machine.

mod beginning;
mod selection;

use super::arguments::JobArguments;
use super::folder::StagedFolder;
use super::job::LocalJob;
use super::placed::PlacedData;
use super::sources::Sources;
use crate::failure::Failure;
use beginning::FileCopier;
use quarry_contract::location::S3Uri;
use quarry_contract::request::DataContent;
use quarry_contract::settings::{Settings, over_deployment};
use quarry_edge::store::ObjectInfo;
use quarry_remote::{DataObjects, RemoteDeployment};
use quarry_rows::{ACCEPTED, TableFormat};
use selection::DataSelection;
use std::path::Path;

/// Data of at most so many bytes, as they are stored, is copied whole.
const WHOLE_BYTES: u64 = 64 << 20;

/// A job whose data is in S3. Nothing of the data has been read.
pub(crate) struct JobInS3 {
    sources: Sources,
    at: S3Uri,
}

impl JobInS3 {
    /// Returns the job of the arguments if its data is in S3.
    pub(crate) fn of(arguments: &JobArguments) -> Result<Option<Self>, Failure> {
        let sources = Sources::of(arguments)?;
        let at = sources.data_in_s3()?;
        Ok(at.map(|at| Self { sources, at }))
    }

    /// Copies the data, or beginnings of it, into a folder, and returns the job of these copies, whose
    /// request names the place in S3.
    pub(crate) async fn fetch(
        self,
        deployment: &RemoteDeployment,
        into: &Path,
    ) -> Result<LocalJob, Failure> {
        let Self { sources, at } = self;
        deployment.check_readable(&at)?;
        let settings = over_deployment(&deployment.settings(), &sources.settings)
            .and_then(|values| Settings::read(&values))
            .map_err(|error| Failure::input(error.to_string()))?;
        let is_object = TableFormat::from_file_name(at.key()).is_some();
        let found = deployment.data(&at, is_object).await?;
        let (selection, content) = match found {
            DataObjects::One(object) if !is_object => {
                return Err(Failure::input(format!(
                    "{} is not a table: use an object named {ACCEPTED}",
                    object.location
                )));
            }
            DataObjects::One(object) => (DataSelection::of_object(&object), content(&object)),
            DataObjects::Folder(objects) => {
                let folder = at.join("");
                (
                    DataSelection::of_folder(&folder, objects, sources.job_type),
                    None,
                )
            }
        };
        let copier = FileCopier {
            store: deployment.store(),
            quoting: settings.csv_quoting,
            into,
        };
        let (tables, beginnings) = if selection.bytes() <= WHOLE_BYTES {
            (copier.whole(&selection).await?, None)
        } else {
            let (tables, beginnings) = copier.beginnings(&selection).await?;
            (tables, Some(beginnings))
        };
        let tables = StagedFolder::of_copies(tables, selection.left_out);
        let placed = PlacedData {
            at,
            is_object,
            content,
            beginnings,
        };
        LocalJob::of_placed(sources, tables, placed, into)
    }
}

/// Returns what a run has to read of an object that is the whole data, if the bucket keeps versions: the
/// version that is looked at here.
fn content(object: &ObjectInfo) -> Option<DataContent> {
    object.version.as_ref().map(|version| DataContent {
        etag: object.etag.clone(),
        size: object.size,
        version: Some(version.clone()),
    })
}
